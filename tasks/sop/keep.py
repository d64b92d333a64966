"""What a run leaves on the hosts: the set's lock, a copy of the journal, where each step is. As shell, and read back.

On the sync host, in ROOT (root's own, 0700): `lock` says who holds the set, `last` whose run was the last to hold it,
RUN/journal.jsonl is the journal's copy. RUN/STEP/ is on every host that does the step (fleet/detached.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterable

from ..fleet import detached
from ..fleet.detached import Keeping
from ..inventory.model import App

EARLIER = "/var/lib/blockerbugs-upgrade"  # where version 0.1 kept the runs of every application


def folder(app: App) -> str:
    """What an operator finds on a host: each application's runs have a folder of their own."""
    return f"/var/lib/{app.package}-upgrade"


def root(app: App) -> str:
    """The folder of all of its runs on a host, wherever the host's root is."""
    return app.path(folder(app))


def database_lock(app: App) -> str:
    """The file that an upgrade_db or a sync of ours locks for as long as it works on the application's database."""
    return app.path(f"/var/run/{app.package}-upgrade.lock")


def keeping(app: App, run: str, driver: str) -> Keeping:
    """Where a run keeps its steps."""
    return Keeping(root(app), run, driver)


def take(app: App, run: str, lock: str, journal: Iterable[str]) -> str:
    """Shell that takes the lock, and keeps the journal's lines, in one act (a link, which fails if the name is taken).

    lock: its text, one line with the run in it. Prints `last<TAB>RUN` (who held it before) and `taken<TAB>yes`, or
    `holder<TAB>TEXT`. Taking it twice is taking it.
    """
    return f"""umask 077
root={_q(root(app))}; run=$root/{run}
test ! -L "$root" || {{ echo "$root is a link, nothing is kept behind one"; exit 1; }}
mkdir -p "$run" && chmod 700 "$root" || exit 1
if ! grep -qF {_q(run)} "$root/lock" 2>/dev/null; then
  {_append("$run", journal)} && printf '%s\\n' {_q(lock)} >"$run/lock" || exit 1
  test -e "$root/lock" || test -L "$root/lock" || ln "$run/lock" "$root/lock" 2>/dev/null
fi
if grep -qF {_q(run)} "$root/lock" 2>/dev/null; then
  printf 'last\\t%s\\ntaken\\tyes\\n' "$(cat "$root/last" 2>/dev/null)"
  echo {run} >"$root/last"
else
  rm -r "$run"; printf 'holder\\t%s\\n' "$(head -n 1 "$root/lock" 2>/dev/null)"
fi"""


def release(app: App, run: str, driver: str, journal: Iterable[str], first: str = "true") -> str:
    """Shell that keeps the journal's lines, does `first`, and gives the lock back; or says what `still_ours` says.

    Where there is no lock any more, `first` is not done: what comes twice, because the line dropped, was done before.
    """
    return f"""{still_ours(app, run, driver, journal)}
test -e "$root/lock" || exit 0
{{ {first}; }} || exit 1
rm -f "$root/lock\""""


def still_ours(app: App, run: str, driver: str, journal: Iterable[str]) -> str:
    """Shell that keeps the journal's lines, unless the run is not carried out by `driver` any more.

    It ends with `driver<TAB>WHO` where somebody else drives it now, with `holder<TAB>TEXT` where another run has the
    lock.
    """
    return f"""umask 077
root={_q(root(app))}; run=$root/{run}
if test -e "$run/driver"; then
  line driver "$run/driver"
  test "$driver" = {_q(driver)} || {{ printf 'driver\\t%s\\n' "$driver"; exit 0; }}
fi
if test -e "$root/lock"; then
  line lock "$root/lock"
  case $lock in *{run}*) ;; *) printf 'holder\\t%s\\n' "$lock"; exit 0 ;; esac
fi
{_append("$run", journal)}"""


def give_cron_back(app: App, run: str, journal: Iterable[str]) -> str:
    """Shell that lets cron sync again, and keeps the journal's lines; or `holder<TAB>TEXT`, if a run holds the set."""
    return f"""umask 077
root={_q(root(app))}
if test -e "$root/lock"; then printf 'holder\\t%s\\n' "$(head -n 1 "$root/lock")"; exit 0; fi
{_append(f"$root/{run}", journal)}
{resume_cron(app)}"""


def nobody_else(app: App, run: str) -> str:
    """Shell in front of a step: ends with detached.HELD, saying who, where another run has its lock on this host.

    It wants `detached.LINE`.
    Two operators whose hosts.yml name different sync hosts may each have taken a lock in the same instant.
    """
    lock = _q(f"{root(app)}/lock")
    return f"""if test -e {lock}; then
  line lock {lock}
  case $lock in *{run}*) ;; *) printf '%s\\n' "$lock"; exit {detached.HELD} ;; esac
fi"""


def append(app: App, run: str, journal: Iterable[str]) -> str:
    """Shell that keeps these lines of the journal."""
    return f"root={_q(root(app))}\n{_append(f'$root/{run}', journal)}"


def show(app: App) -> str:
    """Shell that prints what is kept here; it wants `detached.LINE`.

    `lock<TAB>=TEXT` if the set is held, `last<TAB>RUN`, `paused<TAB>RUN` (cron), `previous<TAB>NVR SCHEMA`,
    `migration<TAB>begun NVR` or `done NVR`.
    """
    home = _q(root(app))
    return (
        f"{_kept_earlier(app)}"
        f'if test -e {home}/lock; then line kept {home}/lock; say lock "=$kept"; fi; '
        f'line kept {home}/last; say last "$kept"; line kept {home}/cron.run; say paused "$kept"; '
        f'line kept {home}/previous; say previous "$kept"; line kept {home}/migration; say migration "$kept"'
    )


def _kept_earlier(app: App) -> str:
    """Shell that prints, as `show` does, what is kept where earlier versions had it: all applications in one folder.

    A run of theirs that has not ended holds the set as `lock<TAB>=earlier TEXT`.
    """
    if root(app) == app.path(EARLIER):
        return ""
    home, earlier = _q(root(app)), _q(app.path(EARLIER))
    ours = f'"package": "{hashlib.sha256(json.dumps(app.package).encode()).hexdigest()[:12]}"'  # as its begin has it
    return f"""line kept {earlier}/lock; run=${{kept#*'"run": "'}}; run=${{run%%'"'*}}
if test -n "$run" && grep -qsF {_q(ours)} {earlier}/"$run"/journal.jsonl; then say lock "=earlier $kept"; fi
for mark in previous migration; do
  test ! -e {home}/$mark || continue
  line kept {earlier}/$mark
  case " $kept" in *{_q(f" {app.package}-")}*) say $mark "$kept";; esac
done
"""


def journal_of(app: App, run: str) -> str:
    """Shell that prints the copy of a run's journal, for `said`."""
    return f"base64 <{_q(f'{root(app)}/{run}/journal.jsonl')}"


def history(app: App, runs: int) -> str:
    """Shell that prints who holds the set (`lock<TAB>TEXT`) and how the latest runs began and ended, for `said`."""
    return f"""cd {_q(root(app))} 2>/dev/null || exit 0
{{ test ! -e lock || printf 'lock\\t%s\\n' "$(head -n 1 lock)"
ls -t | grep -xE '[0-9a-f]{{8}}' | head -n {runs} | while read -r run; do
  grep -hE '"event": "(begin|resume|abort|unlock|end)"' "$run/journal.jsonl" 2>/dev/null
done; }} | base64"""


def said(output: str) -> list[str]:
    """The lines that `journal_of` and `history` printed: in base64, because what a set of hundreds of hosts begins with
    is longer than a line that a host may say. None where that was not to be had.
    """
    try:
        text = base64.b64decode("".join(output.split()), validate=True)
    except ValueError:
        return []
    return text.decode("utf-8", "replace").splitlines()


def pause_cron(app: App, seconds: int) -> str:
    """Shell that takes the sync's cron file away and waits for a sync that runs; if it does not end, puts it back.

    The run it notes is the one whose folder it is started from.
    """
    cron, home = _q(app.path(app.cron)), _q(root(app))
    return f"""umask 077; mkdir -p {home}
run=${{0%/*/script}}
if test -e {cron}; then
  {{ echo "${{run##*/}}" >{home}/cron.run.new && mv {home}/cron.run.new {home}/cron.run && mv {cron} {home}/cron; }} ||
    {{ rm -f {home}/cron.run.new; test -e {home}/cron || rm -f {home}/cron.run; exit 1; }}
fi
left={seconds}
while {sync_runs(app)}; do
  test $left -gt 0 || {{ {resume_cron(app)}; echo "cron's sync still runs after {seconds} s"; exit 1; }}
  test $left -lt {seconds} || echo "waiting for the sync that cron has started"
  left=$((left - 1)); sleep 1
done"""


def resume_cron(app: App) -> str:
    """Shell that puts the cron file back; one that was put there meanwhile (by ansible) is the newer one, and stays.

    The one of before is then kept as `cron.replaced`.
    """
    cron, home = _q(app.path(app.cron)), _q(root(app))
    return (
        f"{{ {{ test ! -e {home}/cron || "
        f"if test -e {cron}; then mv {home}/cron {home}/cron.replaced && "
        f"echo {cron} was put back meanwhile, and stays: the one of before is {home}/cron.replaced; "
        f"else mv {home}/cron {cron}; fi; }} && rm -f {home}/cron.run; }}"
    )


def with_cron_paused(app: App, seconds: int, first: str) -> str:
    """Shell in front of a migration in the same shell: pauses cron, and lets it sync again when all went well.

    A sync that runs is waited for, then `first` is done. Where the migration was not begun, cron is as it was before.
    """
    return f"""if test -e {_q(app.path(app.cron))}; then ours=yes; else ours=; fi; begun=
({pause_cron(app, seconds)}) || exit 1
ends() {{
  rc=$?
  if test $rc = 0 || {{ test -n "$ours" && test -z "$begun"; }}; then {resume_cron(app)} || rc=1; fi
  exit $rc
}}
trap ends EXIT
{{ {cron_is_away(app)}; }} && {{ {first}; }} || exit 1
begun=yes
"""


def remember(app: App, schema: str | None) -> str:
    """Shell that keeps what is $installed now and the schema it runs on, for a rollback; never fails."""
    home = _q(root(app))
    return (
        f'(umask 077; mkdir -p {home} && printf "%s %s\\n" "$installed" {_q(schema or "")} >{home}/previous.new && '
        f"mv {home}/previous.new {home}/previous)"
    )


def migration(app: App, how: str) -> str:
    """Shell that writes down that upgrade_db is `begun`, or `done`, with the build that is $installed (D1).

    For whoever comes later, from whatever machine: not every set can be asked for its schema.
    """
    home = _q(root(app))
    return (
        f'(umask 077; mkdir -p {home} && printf "%s %s\\n" {how} "$installed" >{home}/migration.new && '
        f"mv {home}/migration.new {home}/migration)"
    )


def cron_is_away(app: App) -> str:
    """Shell that fails with a sentence if cron could start a sync now, or has (C2)."""
    cron = app.path(app.cron)
    back = f"{cron} is back (has ansible run?): cron's sync must not meet the migration"
    return (
        f"{{ ! test -e {_q(cron)} || {{ echo {_q(back)}; false; }}; }} && "
        f"{{ ! {sync_runs(app)} || {{ echo a sync is running: it must not meet the migration; false; }}; }}"
    )


def sync_runs(app: App) -> str:
    """Shell that succeeds while a sync runs. The brackets keep the pattern from finding the shell that looks."""
    first, rest = app.package[0], re.escape(app.package[1:])
    return f"pgrep -f {_q(f'[{first}]{rest} sync')} >/dev/null"


def _append(folder: str, journal: Iterable[str]) -> str:
    lines = " ".join(_q(line) for line in journal)
    if not lines:
        return "true"
    there = f'test -d "{folder}" || mkdir -p "{folder}"'
    return f"{{ {{ {there}; }} && printf '%s\\n' {lines} >>\"{folder}/journal.jsonl\"; }}"


def _q(text: str) -> str:
    return shlex.quote(text)
