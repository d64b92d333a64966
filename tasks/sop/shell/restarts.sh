# shellcheck shell=sh
# A host that restarts while a run is on. A line that begins with `--run-- ` is for the run, not for people.

# boot_ask ROOT: set $boot: the kernel's id, and when init began; nothing where neither is
# A container has its machine's kernel, and begins its own init anew.
boot_ask() {
  boot='' init=''
  {
    IFS= read -r boot <"$1/proc/sys/kernel/random/boot_id"
    IFS= read -r init <"$1/proc/1/stat"
  } 2>/dev/null
  # shellcheck disable=SC2086 # the numbers behind the name, a word each
  set -- ${init##*) }
  boot=$boot${20:+-${20}}
}

# boot_notice ROOT BOOT: say so, and set $restarted, where the host's boot is not BOOT any more
boot_notice() {
  restarted=''
  boot_ask "$1"
  test "$boot" = "$2" || test -z "$boot" || {
    restarted=yes
    printf -- '--run-- restarted\t%s\n' "$boot"
  }
}

# httpd_still_down SERVICE: succeed where it does not run; of a host that restarted ($restarted) only say that it does
httpd_still_down() {
  state=''
  httpd_ask "$1"
  case $state in
    inactive | failed) return 0 ;;
    unknown) httpd_unknown "$1" ;;
    *)
      if test -n "${restarted-}"; then
        printf -- '--run-- came back\t%s\n' "$1"
        return 0
      fi
      echo "$1 was started again"
      ;;
  esac
  return 1
}
