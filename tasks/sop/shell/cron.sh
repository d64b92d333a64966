# shellcheck shell=sh
# cron's sync, which must not meet a migration. CRON is its file in cron.d, or `timer=UNIT` where a timer of systemd's
# starts it, ROOT the folder of all runs.

# sync_runs PATTERN CRON: succeed while a sync runs; the pattern must not find the shell that looks
sync_runs() {
  case $2 in timer=*) timer_job_runs "${2#timer=}" && return 0 ;; esac
  test -n "$1" && pgrep -f "$1" >/dev/null
}

# timer_job_runs TIMER: succeed while the unit that the timer starts runs; a oneshot is `activating` for as long
timer_job_runs() {
  unit=$(systemctl show -p Unit "$1" 2>/dev/null) # EL7's knows no --value
  unit=${unit#Unit=}
  case $(systemctl is-active "${unit:-${1%.timer}.service}" 2>/dev/null) in
    active | activating | deactivating) ;;
    *) return 1 ;;
  esac
}

# cron_on CRON: succeed where a sync would be started by itself
cron_on() {
  case $1 in
    timer=*) test "$(systemctl is-active "${1#timer=}" 2>/dev/null)" = active || cron_enabled "${1#timer=}" ;;
    *) test -n "$1" && test -e "$1" ;;
  esac
}

# cron_enabled TIMER: succeed where the timer begins with the host's next start
cron_enabled() { test "$(systemctl is-enabled "$1" 2>/dev/null)" = enabled; }

# fact_cron CRON: print `cron<TAB>yes` where a sync would be started by itself
fact_cron() { ! cron_on "$1" || say cron yes; }

# cron_take CRON ROOT: have no sync started from here on; what was there is kept in ROOT as `cron`
cron_take() {
  case $1 in
    timer=*) # noted first: who comes after a death in between has to know whose it is
      echo "$1" >"$2/cron" && { systemctl -q disable --now "${1#timer=}" || ! rm -f "$2/cron"; }
      ;;
    *) mv "$1" "$2/cron" ;;
  esac
}

# cron_give CRON ROOT: undo cron_take, where it was done
cron_give() {
  case $1 in
    timer=*) systemctl -q enable --now "${1#timer=}" && rm -f "$2/cron" ;;
    *) mv "$2/cron" "$1" ;;
  esac
}

# cron_pause CRON ROOT SECONDS PATTERN: take the cron file away and wait for a sync that runs; where it does not end, put
# it back, and end with 1. The run that is noted is the one in whose folder this script is
cron_pause() {
  umask 077
  mkdir -p "$2"
  run=${0%/*/script}
  if cron_on "$1"; then
    { echo "${run##*/}" >"$2/cron.run.new" && mv "$2/cron.run.new" "$2/cron.run" && cron_take "$1" "$2"; } || {
      rm -f "$2/cron.run.new"
      test -e "$2/cron" || rm -f "$2/cron.run"
      exit 1
    }
  fi
  left=$3
  while sync_runs "$4" "$1"; do
    test "$left" -gt 0 || {
      cron_resume "$1" "$2"
      echo "cron's sync still runs after $3 s"
      exit 1
    }
    test "$left" -lt "$3" || echo "waiting for the sync that cron has started"
    left=$((left - 1))
    sleep 1 || left=0
  done
}

# cron_resume CRON ROOT: put the cron file back; one that was put there meanwhile (by ansible) is the newer one, and stays
cron_resume() {
  if ! test -e "$2/cron"; then
    :
  elif cron_on "$1"; then
    mv "$2/cron" "$2/cron.replaced" &&
      echo "${1#timer=} was put back meanwhile, and stays: the one of before is $2/cron.replaced"
  else
    cron_give "$1" "$2"
  fi && rm -f "$2/cron.run"
}

# cron_away CRON PATTERN: fail with a sentence where cron could start a sync now, or has (C2)
cron_away() {
  if cron_on "$1"; then
    echo "${1#timer=} is back (has ansible run?): cron's sync must not meet the migration"
    return 1
  fi
  if sync_runs "$2" "$1"; then
    echo "a sync is running: it must not meet the migration"
    return 1
  fi
}

# cron_pause_here CRON ROOT SECONDS PATTERN: pause cron for the rest of this shell, and let it sync again where all goes
# well, or where it was paused here and the migration was not begun
cron_pause_here() {
  cron=$1 root=$2 ours='' migrates=''
  ! cron_on "$1" || ours=yes
  (cron_pause "$@") || exit 1
  trap cron_ends EXIT
  cron_away "$1" "$4" || exit 1
}

# cron_migrates: from here on cron stays paused where this shell fails
cron_migrates() { migrates=yes; }

# cron_ends: what ends a shell that has paused cron for itself
cron_ends() {
  rc=$?
  if test $rc = 0 || { test -n "$ours" && test -z "$migrates"; }; then cron_resume "$cron" "$root" || rc=1; fi
  exit $rc
}
