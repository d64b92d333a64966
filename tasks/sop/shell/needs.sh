# shellcheck shell=sh
# What still runs as it was before packages were changed: needs-restarting of yum-utils (yum 3), dnf-plugins-core (dnf 4)
# and dnf 5.

# needs_ask: set $needs to what is started for it; nothing where the host has no such program
# Without the plugin dnf takes a third of a second to say that it has none: its file is looked for instead.
needs_ask() {
  needs=''
  if command -v needs-restarting >/dev/null; then
    needs='needs-restarting'
    return
  fi
  for file in /usr/lib*/python3*/*-packages/dnf-plugins/needs_restarting.py \
    /usr/lib*/dnf5/plugins/needs_restarting*.so /usr/lib*/*/dnf5/plugins/needs_restarting*.so; do
    test ! -e "$file" || needs='yum needs-restarting'
  done
}

# fact_needs: print `needs<TAB>UNIT` for each service that still runs what was replaced, and `needs<TAB>reboot`; nothing
# where that is not known. It exits with 1 where something is needed
fact_needs() {
  needs_ask
  test -n "$needs" || return 0
  # shellcheck disable=SC2086 # a word or two
  limited 10 $needs -s 2>/dev/null | grep -xE '[A-Za-z0-9@:._-]+\.[a-z]+' | sed 's/^/needs\t/'
  # shellcheck disable=SC2086
  limited 10 $needs -r >/dev/null 2>&1
  test $? != 1 || say needs reboot
}
