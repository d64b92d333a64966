# shellcheck shell=sh
# What only looks, downloads or talks to a proxy gives way to who is served: the hosts serve meanwhile, and yum and alembic
# are Python. nice holds for the disk, too. A tenth of a core is left to it where the host has no idle one: it is waited
# for, and shall end.

# aside: from here on this shell, which has to be a step's or a look's own, and all that it starts give way; never fails
aside() { { read -r self _ </proc/self/stat && renice -n 10 -p "$self"; } >/dev/null 2>&1 || :; }
