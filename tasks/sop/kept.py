"""What a run leaves on the hosts: the set's lock, a copy of the journal, where each step is. As shell, and read back.

On the sync host, in ROOT (root's own, 0700): `lock` says who holds the set, `last` whose run was the last to hold it,
RUN/journal.jsonl is the journal's copy. RUN/STEP/ is on every host that does the step (fleet/detached.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from ..fleet.detached import RunFolder
from ..inventory.model import App
from .shell import call

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


def run_folder(app: App, run: str, driver: str) -> RunFolder:
    """Where a run keeps its steps."""
    return RunFolder(root(app), run, driver)


def take(app: App, run: str, lock: str, journal: Iterable[str]) -> str:
    """Shell that takes the lock and keeps the journal's lines, in one act.

    lock: its text, one line with the run in it. Prints `last<TAB>RUN` (who held it before) and `taken<TAB>yes`, or
    `holder<TAB>TEXT`. Taking it twice is taking it.
    """
    return call("lock_take", root(app), run, lock, *journal)


def release(app: App, run: str, driver: str, journal: Iterable[str], first: str = "true") -> str:
    """Shell that keeps the journal's lines, does `first`, and gives the lock back; or says what `still_ours` says.

    A second call (the connection dropped after the first) does nothing: `first` is not done where there is no lock.
    """
    return f"{still_ours(app, run, driver, journal)}\n{call('lock_release', root(app), first)}"


def still_ours(app: App, run: str, driver: str, journal: Iterable[str]) -> str:
    """Shell that keeps the journal's lines, unless the run is not carried out by `driver` any more.

    It ends with `driver<TAB>WHO` where somebody else drives it now, with `holder<TAB>TEXT` where another run has the
    lock.
    """
    return call("lock_ours", root(app), run, driver, *journal)


def give_cron_back(app: App, run: str, journal: Iterable[str]) -> str:
    """Shell that lets cron sync again, and keeps the journal's lines; or `holder<TAB>TEXT`, if a run holds the set."""
    return f"{call('lock_none', root(app))}\n{append(app, run, journal)}\n{resume_cron(app)}"


def nobody_else(app: App, run: str, sync: str) -> str:
    """Shell in front of a step: ends with detached.HELD, saying who, where another run has its lock on this host.

    sync: the host that has this run's lock; it is noted here for as long as the run has not `ended`.
    Two operators whose hosts.yml name different sync hosts may each have taken a lock in the same instant.
    """
    return call("lock_free", root(app), run, sync)


def ended(app: App, run: str) -> str:
    """Shell that notes, on a host that does not have the lock, that the run is at work there no more."""
    return call("lock_ended", root(app), run)


def append(app: App, run: str, journal: Iterable[str]) -> str:
    """Shell that keeps these lines of the journal."""
    return call("journal_keep", f"{root(app)}/{run}", *journal)


def show(app: App) -> str:
    """Shell that prints what is kept here: see kept_show in shell/kept.sh.

    Before that, what is kept where earlier versions had it, all applications in one folder: a run of theirs that has
    not ended holds the set as `lock<TAB>=earlier TEXT`.
    """
    shown = call("kept_show", root(app))
    if root(app) == app.path(EARLIER):
        return shown
    ours = f'"package": "{hashlib.sha256(json.dumps(app.package).encode()).hexdigest()[:12]}"'  # as its begin has it
    return f"{call('kept_earlier', root(app), app.path(EARLIER), ours, app.package)}; {shown}"


def journal_of(app: App, run: str) -> str:
    """Shell that prints the copy of a run's journal, for `said`."""
    return call("journal_copy", root(app), run)


def history(app: App, runs: int) -> str:
    """Shell that prints who holds the set (`lock<TAB>TEXT`) and how the latest runs began and ended, for `said`."""
    return call("journal_ends", root(app), runs)


def transactions(app: App, runs: int) -> str:
    """Shell that prints what yum has changed in the latest runs, for `said`."""
    return call("journal_transactions", root(app), runs)


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
    """Shell that takes the sync's cron file away, or disables its timer, and waits for a sync that runs; puts it
    back if that does not end. The run it notes is the one whose folder it is started from.
    """
    return call("cron_pause", _schedule(app), root(app), seconds, _sync(app))


def resume_cron(app: App) -> str:
    """Shell that puts the cron file back; one that was put there meanwhile (by ansible) is the newer one, and stays.

    The one of before is then kept as `cron.replaced`.
    """
    return call("cron_resume", _schedule(app), root(app))


def with_cron_paused(app: App, seconds: int) -> str:
    """Shell in front of a migration in the same shell: pauses cron, and lets it sync again when all went well.

    Where the migration was not begun (`migration_begins`), cron is as it was before.
    """
    return call("cron_pause_here", _schedule(app), root(app), seconds, _sync(app))


def cron_is_away(app: App) -> str:
    """Shell that fails with a sentence if cron could start a sync now, or has (C2)."""
    return call("cron_away", _schedule(app), _sync(app))


def remember(app: App, target: object, schema: str | None) -> str:
    """Shell that keeps which build is installed now, if it is another, and the schema it runs on, for a rollback."""
    return call("build_remember", root(app), app.package, target, schema or "")


def migration_begins(app: App) -> str:
    """Shell that writes down that the migration is begun, and with the build that is installed now (D1)."""
    return f"{call('migration_begin', root(app), app.package)}; cron_migrates"


def migration_is_done(app: App) -> str:
    """Shell, in the same shell, that writes down that it has ended well."""
    return call("migration_done", root(app))


def note_around(app: App, run: str, lasting: Mapping[str, float]) -> str:
    """Shell for the sync host: the run puts these up around itself (name → seconds that they last, at most)."""
    return " && ".join(call("around_note", root(app), run, f"{seconds:.0f}", name) for name, seconds in lasting.items())


def forget_around(app: App, names: Iterable[str]) -> str:
    """Shell for the sync host: these are up no more, whichever run has put them up."""
    return call("around_forget", root(app), *dict.fromkeys(names))


def cron_is_on(app: App) -> str:
    """Shell that prints `cron<TAB>yes` where the sync starts by itself on this host."""
    return call("fact_cron", _schedule(app))


def _schedule(app: App) -> str:
    """What starts the sync by itself, as the functions of shell/cron.sh know it."""
    return f"timer={app.timer}" if app.timer else app.path(app.cron) if app.cron else ""


def _sync(app: App) -> str:
    """What pgrep finds a sync by. The brackets keep the pattern from finding the shell that looks."""
    return f"[{app.check[0]}]{re.escape(app.check[1:])}" if app.check else ""
