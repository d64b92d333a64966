# shellcheck shell=sh
# What only looks or downloads gives way to who is served: the hosts serve meanwhile, and yum and alembic are Python. nice
# holds for the disk, too. A tenth of a core is left to it where the host has no idle one: it is waited for, and shall end.

# aside SECONDS COMMAND…: the command, behind whatever else the host has to do, and killed after so long
aside() {
  seconds=$1
  shift
  limited "$seconds" nice -n 10 "$@"
}

# step_aside: from here on a step, which is its own group of processes, and all that it starts does so
step_aside() { renice -n 10 -g $$ >/dev/null 2>&1 || :; }
