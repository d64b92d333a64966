# shellcheck shell=sh
# cron's sync, which must not meet a migration. CRON is its file in cron.d, ROOT the folder of all runs.

# sync_runs PATTERN: succeed while a sync runs; the pattern must not find the shell that looks
sync_runs() { pgrep -f "$1" >/dev/null; }

# cron_pause CRON ROOT SECONDS PATTERN: take the cron file away and wait for a sync that runs; where it does not end, put
# it back, and end with 1. The run that is noted is the one in whose folder this script is
cron_pause() {
  umask 077
  mkdir -p "$2"
  run=${0%/*/script}
  if test -e "$1"; then
    { echo "${run##*/}" >"$2/cron.run.new" && mv "$2/cron.run.new" "$2/cron.run" && mv "$1" "$2/cron"; } || {
      rm -f "$2/cron.run.new"
      test -e "$2/cron" || rm -f "$2/cron.run"
      exit 1
    }
  fi
  left=$3
  while sync_runs "$4"; do
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
  elif test -e "$1"; then
    mv "$2/cron" "$2/cron.replaced" &&
      echo "$1 was put back meanwhile, and stays: the one of before is $2/cron.replaced"
  else
    mv "$2/cron" "$1"
  fi && rm -f "$2/cron.run"
}

# cron_away CRON PATTERN: fail with a sentence where cron could start a sync now, or has (C2)
cron_away() {
  if test -e "$1"; then
    echo "$1 is back (has ansible run?): cron's sync must not meet the migration"
    return 1
  fi
  if sync_runs "$2"; then
    echo "a sync is running: it must not meet the migration"
    return 1
  fi
}

# cron_pause_here CRON ROOT SECONDS PATTERN: pause cron for the rest of this shell, and let it sync again where all goes
# well, or where it was paused here and the migration was not begun
cron_pause_here() {
  cron=$1 root=$2 ours='' migrates=''
  test ! -e "$1" || ours=yes
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
