"""A step that outlives its connection: shell that starts it once, keeps what it says, and follows it.

ROOT/RUN/STEP/ on the host, which only root can read:

    script   what is run        log   what it says        begun, pid, boot   that and as what it runs
    rc       its exit status, there when it has ended and complete when it is there

mkdir decides who starts a step, so it is never started twice; whoever comes later follows. Only POSIX sh, coreutils
and util-linux (setsid) as EL7 has them. Everything here builds text, nothing is run.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

HELD, TAKEN_OVER, DIED = 95, 96, 97
SAYS = {
    HELD: "another run holds the set",
    TAKEN_OVER: "this run was taken over, and is carried out from somewhere else",
    DIED: "it was killed, or its host restarted, before it ended: what it did is not known",
}

# `line NAME FILE`: the first line of a file, or nothing, in a variable; $(cat FILE) is two processes, and a step would
# start half a dozen of them while httpd is down.
LINE = 'line() { eval "$1="; { IFS= read -r "$1" <"$2"; } 2>/dev/null || :; }'
# Every host the fleet knows has it; without it (the sandbox on a Mac) a restart is noticed by the pid alone.
_BOOT = "line boot /proc/sys/kernel/random/boot_id"
# `begun` is made by the runner, or by who has given up waiting for it: never by both, so none can begin late.
# The script makes its files as it would for somebody who types it; only what is kept here is for root alone.
_RUNNER = (
    'mkdir "$1/begun" || exit; echo $$ >"$1/pid"; umask "$3"; sh "$1/script"; rc=$?; umask 077; '
    f"case $rc in {HELD}|{TAKEN_OVER}|{DIED}) rc=1;; esac; "  # what these say is not a step's to say
    'echo $rc >"$1/rc.new" && mv "$1/rc.new" "$1/rc"; printf "\\n%s\\n" "$2"'
)
# `args PID`: what a process was started with, from /proc, which every Linux has, or else from ps.
ARGS = (
    'args() { if test -d /proc/self; then tr "\\0" " " <"/proc/$1/cmdline"; else ps -ww -o args= -p "$1"; fi; } '
    "2>/dev/null"
)
# The pid alone could be somebody else's by now: the runner's own arguments name the step. Where nobody can tell what
# a process was started with, one that has the pid is taken for the step: a step is not called dead while it may live.
_ALIVE = f"""{ARGS}
alive() {{
  line began "$step/boot"; {_BOOT}; line pid "$step/pid"; test "$began" = "$boot" || return 1
  if test -d /proc/self || command -v ps >/dev/null; then args "$pid" | grep -qF "$mark"
  else kill -0 "$pid" 2>/dev/null; fi
}}"""
SECONDS_TO_BEGIN = 30  # a host may be busy; after that a step without a pid will never have one


@dataclass(frozen=True)
class Keeping:
    """Where a run keeps its steps on its hosts.

    root: the folder of all runs; run: the run's id; driver: who carries it out. A host starts steps only for the
    driver it was told of last, so that a run which was taken over ends at its next step.
    """

    root: str
    run: str
    driver: str

    @property
    def folder(self) -> str:
        """The run's folder."""
        return f"{self.root}/{self.run}"


def carry_out(keeping: Keeping, step: str, script: str, guard: str = ":") -> str:
    """Shell that starts `script` as `step` unless that was done before, follows it, and ends with its status.

    TAKEN_OVER: not started, somebody else drives; DIED: it ended without a status; guard: shell that ends it otherwise.
    """
    return f"""mask=$(umask); umask 077
{LINE}
run={_q(keeping.folder)}; step=$run/{_q(step)}; mark={_q(mark(keeping, step))}; first=0
{_only_for_the_driver(keeping)}
{guard}
if mkdir "$step" 2>/dev/null; then
  first=1
  printf '%s\\n' {_q(script)} >"$step/script" || {{ rm -r "$step"; echo "nothing can be kept in $run"; exit 1; }}
  {_BOOT}; printf '%s\\n' "$boot" >"$step/boot"
  setsid sh -c {_q(_RUNNER)} sh "$step" "$mark" "$mask" >>"$step/log" 2>&1 </dev/null &
fi
{_follow()}"""


def mark(keeping: Keeping, step: str) -> str:
    """The last line of a step's log, and an argument of its runner, by which it is told."""
    return f"{keeping.run}/{step} ended"


def states(keeping: Keeping, take_over: bool = False) -> str:
    """Shell that prints `step<TAB>NAME<TAB>STATUS` for every step kept here (an exit status, runs, or died), and
    `driver<TAB>WHO`.

    take_over: from now on this host starts steps for `keeping.driver` only.
    """
    named = f"printf '%s\\n' {_q(keeping.driver)}"  # dash's echo would take a user name's backslashes for its own
    become = f'mkdir -p "$run" && {named} >"$run/driver.new" && mv "$run/driver.new" "$run/driver"'
    return f"""umask 077
{LINE}
run={_q(keeping.folder)}
{become if take_over else ":"} || {{ echo "nothing can be kept in $run"; exit 1; }}
{_ALIVE}
for step in "$run"/*/; do
  step=${{step%/}}; name=${{step##*/}}; mark={_q(keeping.run)}/$name" ended"
  test -d "$step" || continue
  if test -s "$step/pid"; then alive && state=runs || state=died
  elif test -n "$(find "$step" -prune -mmin -1)"; then state=runs
  elif mkdir "$step/begun" 2>/dev/null; then state=died; else state=runs; fi
  ! test -s "$step/rc" || line state "$step/rc"
  printf 'step\\t%s\\t%s\\n' "$name" "$state"
done
line driver "$run/driver"; printf 'driver\\t%s\\n' "$driver\""""


def read_states(output: str) -> dict[str, str]:
    """What `states` printed: step → `0`, another exit status, `runs` or `died`."""
    rows = (line.split("\t") for line in output.splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "step"}


def read_driver(output: str) -> str:
    """Who drives the run, out of what `states` printed; nothing where nobody does yet."""
    return next((line.split("\t", 1)[1] for line in output.splitlines() if line.startswith("driver\t")), "")


def _only_for_the_driver(keeping: Keeping) -> str:
    return f"""test -d "$run" || mkdir -p "$run" || exit 1
if ! test -e "$run/driver"; then
  {{ printf '%s\\n' {_q(keeping.driver)} >"$run/driver.$$" && ln "$run/driver.$$" "$run/driver"; }} 2>/dev/null
  rm -f "$run/driver.$$"
fi
line driver "$run/driver"
test -n "$driver" || {{ echo "nothing can be kept in $run"; exit 1; }}
if test "$driver" != {_q(keeping.driver)}; then printf '%s\\n' "$driver"; exit {TAKEN_OVER}; fi"""


def _follow() -> str:
    """Show the log until the mark stands in it. Should the step die, the one who watches it writes the mark.

    Where the disk is full, nobody can: tail ends with who watches (--pid), where it can do that.
    SIGPIPE ends tail first, because sh has nothing to say about it.
    tail looks every second, not at once, where inotify may not do (network and overlay file systems): -s shortens that,
    where tail knows it (Linux's; a Mac's, in the sandbox, does not).
    """
    return f"""test -d "$step" || {{ echo "nothing can be kept in $run"; exit 1; }}
{_ALIVE}
: >>"$step/log"
watch() {{
  waited=0; test $first = 0 || sleep 1
  while ! test -e "$step/rc"; do
    if test -s "$step/pid"; then alive || break
    elif test $waited -ge {SECONDS_TO_BEGIN} && mkdir "$step/begun"; then break; fi
    waited=$((waited + 1)); sleep 1
  done
  printf '\\n%s\\n' "$mark" >>"$step/log"
}}
watch >/dev/null 2>&1 & watcher=$!
how='echo $$; test -d /proc/self && often="-s 0.01 --pid=$2"; exec tail -n +1 $often -f "$1"'
sh -c "$how" sh "$step/log" $watcher 2>/dev/null |
{{
  read -r tail; sed -u -n "\\\\|^$mark\\$|q;p"; {{ kill -PIPE "$tail"; kill "$tail"; }} 2>/dev/null
}}
while ! test -e "$step/rc" && ! grep -qxF "$mark" "$step/log" && kill -0 $watcher 2>/dev/null; do sleep 1; done
kill $watcher 2>/dev/null
if test -s "$step/rc"; then line rc "$step/rc"; exit "$rc"; fi
exit {DIED}"""


def _q(text: str) -> str:
    return shlex.quote(text)
