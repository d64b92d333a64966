# shellcheck shell=sh
# A step that outlives its connection (fleet/detached.py). RUN/STEP/ on the host, for root alone: `script` what is run,
# `log` what it says, `pid` and `boot` as what it runs, `rc` its exit status, complete when it is there. `pid` is made by
# the step's runner, or, as a link to nowhere, by whoever has given up waiting for it: never by both, so that a step which
# did not begin in time never will.

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

# step_never STEP: keep the step from beginning from now on; is it sure that it did not begin before?
# It is where the folder is of this boot: a host that lost its power may have lost what the runner had written.
step_never() {
  began='' boot='' up=''
  if ! test -L "$1/pid"; then
    sure=never
    if test -d "$1/begun"; then
      sure=no # a step of version 0.1, whose runner made that
    elif test -s "$1/boot"; then
      line began "$1/boot"
      kernel_boot boot
      test "$began" = "$boot" || sure=no
    else
      line up /proc/uptime
      up=${up%%.*}
      test -n "$(find "$1" -prune -mmin "-$((${up:-0} / 60))")" || sure=no
    fi
    ln -s "$sure" "$1/pid" 2>/dev/null || return 1
  fi
  test "$(readlink "$1/pid")" = never
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
    runner=$!
  fi
  test -d "$step" || nothing_kept
  step_follow
}

# step_run STEP MARK UMASK SCRIPT: what a step's script does. SCRIPT makes its files as for somebody who types it
# 94 to 97 are the host's to say of a run, not a step's.
step_run() {
  echo $$ >"$1/pid.new" && ln "$1/pid.new" "$1/pid" || exit
  (
    umask "$3"
    eval "$4"
  )
  rc=$?
  case $rc in 94 | 95 | 96 | 97) rc=1 ;; esac
  echo "$rc" >"$1/rc.new" && mv "$1/rc.new" "$1/rc"
  printf '\n%s\n' "$2"
}

# step_watch: write the mark into the log when the step has ended, or has died, or its runner is gone or did not begin in
# 30 s (a host may be busy); end without it where the step's folder is gone, or nothing can be started any more
step_watch() {
  waited=0
  test "$first" = 0 || sleep 1
  while ! test -e "$step/rc"; do
    if test -s "$step/pid"; then
      step_alive "$step" "$mark" || break
    elif test -e "$step/pid" || test -L "$step/pid"; then # empty: its host lost its power, for it is linked when written
      break
    elif test $waited -ge 30 || { test "$first" = 1 && ! kill -0 "$runner"; }; then
      step_never "$step" && break
    fi
    waited=$((waited + 1))
    test -d "$step" && sleep 1 || exit
  done
  printf '\n%s\n' "$mark" >>"$step/log"
}

# step_follow: show the step's log until the mark stands in it; end with the step's status, with 94 where it never began,
# with 97 where what it did is not known
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
  test ! -L "$step/pid" || ! step_never "$step" || exit 94
  exit 97
}

# step_tail LOG WATCHER: its own pid, then the log as it grows
step_tail() {
  often=
  test ! -d /proc/self || often="-s 0.01 --pid=$2"
  # shellcheck disable=SC2016,SC2086 # the inner sh knows its pid, which a subshell does not; $often is two options
  exec sh -c 'echo $$; exec tail -n +1 "$@"' sh $often -f "$1"
}

# steps_states RUN ID DRIVER: print `step<TAB>NAME<TAB>STATUS` for every step (an exit status, runs, died, or never, if it
# did not begin) and `driver<TAB>WHO`; with a DRIVER, this host starts the run's steps for that one only from now on: what
# another one has not begun by then never begins
steps_states() {
  umask 077
  run=$1
  test -z "$3" || {
    mkdir -p "$run" && printf '%s\n' "$3" >"$run/driver.$$" && mv "$run/driver.$$" "$run/driver"
  } || nothing_kept
  for step in "$run"/*/; do
    step=${step%/} state=
    test -d "$step" || continue
    if test -s "$step/rc"; then
      line state "$step/rc"
    elif test -s "$step/pid"; then
      if step_alive "$step" "$2/${step##*/} ended"; then state=runs; else state=died; fi
      ! test -s "$step/rc" || line state "$step/rc"  # it may have ended meanwhile
    elif test -z "$3" && ! test -e "$step/pid" && ! test -L "$step/pid" && test -n "$(find "$step" -prune -mmin -1)"; then
      state=runs
    elif step_never "$step"; then
      state=never
    elif test -s "$step/pid"; then
      state=runs # it has begun just now
    else
      state=died
    fi
    printf 'step\t%s\t%s\n' "${step##*/}" "$state"
  done
  line driver "$run/driver"
  say driver "$driver"
}
