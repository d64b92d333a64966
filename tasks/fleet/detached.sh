# shellcheck shell=sh
# A step that outlives its connection (fleet/detached.py). RUN/STEP/ on the host, for root alone: `script` what is run,
# `log` what it says, `begun`, `pid` and `boot` that and as what it runs, `rc` its exit status, complete when it is there.

# say NAME VALUE: a line for the program that reads this
say() { printf '%s\t%s\n' "$1" "$2"; }

# line NAME FILE: the first line of a file, or nothing, in a variable; $(cat FILE) would be two processes
line() {
  eval "$1="
  { IFS= read -r "${1?}" <"$2"; } 2>/dev/null || :
}

# args PID: what a process was started with, from /proc, which every Linux has, or else from ps
args() {
  if test -d /proc/self; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -ww -o args= -p "$1"; fi 2>/dev/null
}

# kernel_boot NAME: the id of the kernel's boot, in a variable
# Without one (the sandbox on a Mac) a restart is noticed by the pid alone.
kernel_boot() { line "$1" /proc/sys/kernel/random/boot_id; }

# step_alive STEP MARK: does the step's runner live? Its own arguments name the step: the pid could be another's by now
# Where nobody can tell what a process was started with, one that has the pid is taken for the step: a step is not
# called dead while it may live.
step_alive() {
  began='' boot='' pid=''
  line began "$1/boot"
  kernel_boot boot
  line pid "$1/pid"
  test "$began" = "$boot" || return 1
  if test -d /proc/self || command -v ps >/dev/null; then
    args "$pid" | grep -qF "$2"
  else
    kill -0 "$pid" 2>/dev/null
  fi
}

# step_open RUN STEP MARK DRIVER: set what the next two work with; end with 96 where the run is carried out by another
step_open() {
  mask=$(umask)
  umask 077
  run=$1 step=$1/$2 mark=$3
  test -d "$run" || mkdir -p "$run" || exit 1
  if ! test -e "$run/driver"; then
    { printf '%s\n' "$4" >"$run/driver.$$" && ln "$run/driver.$$" "$run/driver"; } 2>/dev/null
    rm -f "$run/driver.$$"
  fi
  driver=
  line driver "$run/driver"
  test -n "$driver" || nothing_kept
  if test "$driver" != "$4"; then
    printf '%s\n' "$driver"
    exit 96
  fi
}

# nothing_kept: end, because the run's folder cannot be written
nothing_kept() {
  echo "nothing can be kept in $run"
  exit 1
}

# step_do SCRIPT: start the script as the step, unless that was done before; follow it, and end with its status
# mkdir decides who starts a step. $library is this text: a script has to bring what it calls.
step_do() {
  first=0
  if mkdir "$step" 2>/dev/null; then
    first=1
    printf '%s\n' "${library-}" "step_run \"\$@\" $1" >"$step/script" || {
      rm -r "$step"
      nothing_kept
    }
    kernel_boot boot
    printf '%s\n' "$boot" >"$step/boot"
    setsid sh "$step/script" "$step" "$mark" "$mask" >>"$step/log" 2>&1 </dev/null &
  fi
  test -d "$step" || nothing_kept
  step_follow
}

# step_run STEP MARK UMASK SCRIPT: what a step's script does. SCRIPT makes its files as for somebody who types it
# `begun` is made by the runner, or by who has given up waiting for it: never by both, so none can begin late.
# 95, 96 and 97 are the host's to say of a run, not a step's.
step_run() {
  mkdir "$1/begun" || exit
  echo $$ >"$1/pid"
  (
    umask "$3"
    eval "$4"
  )
  rc=$?
  case $rc in 95 | 96 | 97) rc=1 ;; esac
  echo "$rc" >"$1/rc.new" && mv "$1/rc.new" "$1/rc"
  printf '\n%s\n' "$2"
}

# step_watch: write the mark into the log when the step has ended, or has died, or did not begin in 30 s; end without it
# where the step's folder is gone, or nothing can be started any more
step_watch() {
  waited=0
  test "$first" = 0 || sleep 1
  while ! test -e "$step/rc"; do
    if test -s "$step/pid"; then
      step_alive "$step" "$mark" || break
    elif test $waited -ge 30 && mkdir "$step/begun"; then
      break
    fi
    waited=$((waited + 1))
    test -d "$step" && sleep 1 || exit
  done
  printf '\n%s\n' "$mark" >>"$step/log"
}

# step_follow: show the step's log until the mark stands in it; end with the step's status, or with 97 where it has none
# Where the disk is full, nobody can write the mark: tail ends with who watches (--pid), where it can do that. SIGPIPE
# ends tail first, because sh has nothing to say about it. tail looks every second, not at once, where inotify may not
# do (network and overlay file systems): -s shortens that, where tail knows it (a Mac's, in the sandbox, does not).
step_follow() {
  : >>"$step/log"
  step_watch >/dev/null 2>&1 &
  watcher=$!
  step_tail "$step/log" $watcher 2>/dev/null | {
    read -r tail
    sed -u -n "\\|^$mark\$|q;p"
    { kill -PIPE "$tail"; kill "$tail"; } 2>/dev/null
  }
  while ! test -e "$step/rc" && ! grep -qxF "$mark" "$step/log" && kill -0 $watcher 2>/dev/null; do sleep 1 || break; done
  kill $watcher 2>/dev/null
  if test -s "$step/rc"; then
    line rc "$step/rc"
    exit "$rc"
  fi
  exit 97
}

# step_tail LOG WATCHER: its own pid, then the log as it grows
step_tail() {
  often=
  test ! -d /proc/self || often="-s 0.01 --pid=$2"
  # shellcheck disable=SC2016,SC2086 # the inner sh knows its pid, which a subshell does not; $often is two options
  exec sh -c 'echo $$; exec tail -n +1 "$@"' sh $often -f "$1"
}

# steps_states RUN ID DRIVER: print `step<TAB>NAME<TAB>STATUS` for every step (an exit status, runs, or died) and
# `driver<TAB>WHO`; with a DRIVER, this host starts the run's steps for that one only from now on
steps_states() {
  umask 077
  run=$1
  test -z "$3" || {
    mkdir -p "$run" && printf '%s\n' "$3" >"$run/driver.new" && mv "$run/driver.new" "$run/driver"
  } || nothing_kept
  for step in "$run"/*/; do
    step=${step%/} state=
    test -d "$step" || continue
    if test -s "$step/rc"; then
      line state "$step/rc"
    elif test -s "$step/pid"; then
      if step_alive "$step" "$2/${step##*/} ended"; then state=runs; else state=died; fi
      ! test -s "$step/rc" || line state "$step/rc"  # it may have ended meanwhile
    elif test -n "$(find "$step" -prune -mmin -1)"; then
      state=runs
    elif mkdir "$step/begun" 2>/dev/null; then
      state=died
    else
      state=runs
    fi
    printf 'step\t%s\t%s\n' "${step##*/}" "$state"
  done
  line driver "$run/driver"
  say driver "$driver"
}
