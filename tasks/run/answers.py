"""What a host has answered to the questions of facts.script."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence

from ..fleet.outcome import telling_line
from ..fleet.output import clean
from ..inventory.model import HostSet
from ..sop import balanced, kept, restarts, transaction
from ..sop import schema as alembic
from ..sop.model import Facts, Schema
from ..sop.nvr import Nvr, parse
from ..sop.schema import Revisions

Rows = Mapping[str, Sequence[str]]  # what a host said, by the fact's name
_SIGNED = re.compile("[A-Z0-9]{1,20}:[0-9A-Za-z]{1,128}", re.ASCII)
_NO_PROGRAM = ("126", "127")  # what a shell ends with where a command is no program
# What yum says of repositories that it leaves out, of excludes and of locks; it succeeds all the same.
_TELLS = re.compile(r"error|fail|ignoring|exclud|skipp|cannot|could not|couldn't|no match|usable url|errno", re.I)


def read(
    host_set: HostSet, output: str, repos: bool = True, schema: bool = True, asked_at: float | None = None
) -> Facts:
    """The facts in what `script` printed; repos, schema: what it was asked for.

    asked_at: our own clock when the script was sent, seconds since 1970; now, if not given.
    """
    app = host_set.app
    by_name: dict[str, list[str]] = {}
    for line in output.splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            by_name.setdefault(name, []).append(value)

    def one(name: str) -> str | None:
        values = by_name.get(name)
        return values[0].strip() or None if values else None

    answer = (one("answer") or "000 -").split()
    hangs = dict(text.split("\t", 1) for text in by_name.get("hangs", []) if "\t" in text)
    revisions, no_schema = _schema(host_set, by_name, hangs) if schema and host_set.schema_status else (None, None)
    no_list = None
    offered = _offered(by_name.get("list", []), app.package) if repos else None
    yum_says = _warnings(by_name.get("list", []), app.package)
    if repos and not offered and "list_failed" in by_name:
        words = [text.strip() for text in by_name.get("list", []) if text.strip()]
        error = next((text for text in words if text.startswith("Error")), (yum_says or words or ["no output"])[-1])
        no_list = f"yum cannot list {app.package}: {error}{_repo(host_set, error)}"
    builds = {build for text in by_name.get("rpm", []) if (build := parse(*text.split(" ")[:2]))}
    previous = (one("previous") or "").split()
    how, _, migrated_with = (one("migration") or "").partition(" ")
    clock, free = _number(one("clock")), _number(one("free"))
    now = time.time()
    middle = (now + (now if asked_at is None else asked_at)) / 2
    return Facts(
        installed=max(builds, default=None),
        duplicates=tuple(sorted(builds)) if len(builds) > 1 else (),
        rpm_says=_some(by_name.get("rpm_says", [])),
        yum=one("yum") or "",
        yum_says=yum_says,
        version_lock=one("version_lock"),
        offered=offered,
        would=transaction.read(by_name["would"], by_name.get("touches", ())) if "would" in by_name else None,
        service=one("service") or "unknown",
        answers=_number(answer[0]) or None,
        version=answer[1] if len(answer) == 2 and answer[1] not in ("-", "old") else None,
        older=answer[1:] == ["old"],
        revision=str(revisions) or None if revisions else None,
        schema=revisions.schema if revisions else Schema.UNKNOWN,
        signed=tuple(word for word in (one("signed") or "").split() if _SIGNED.fullmatch(word)),
        updates=_units(by_name.get("updates", ())),
        updating=next(iter(_units(by_name.get("updating", ()))), None),
        needs=_units(by_name.get("needs", ())),
        held_off=_units((one("held_off") or "").split()),
        ran=tuple(kept.said("\n".join(by_name.get("ran", ())))),
        free=None if free is None else free // 1024,
        yum_holder=one("yum_holder"),
        # A host that had yum 3 once may still have these; its dnf takes no notice.
        unfinished="unfinished" in by_name and not (one("yum") or "").startswith("dnf"),
        unchecked_repos=_unchecked(by_name.get("repo", []), one("yum") == "dnf5"),
        settings=one("settings"),
        cron="cron" in by_name,
        lock=by_name["lock"][0].removeprefix("=") if "lock" in by_name else None,
        last=one("last"),
        paused=one("paused"),
        previous=parse(previous[0]) if previous else None,
        previous_schema=previous[1] if len(previous) > 1 else None,
        migrated_with=parse(migrated_with),
        open=_open(by_name.get("open", ())),
        around=_around(by_name.get("around", ())),
        drained=balanced.drained(by_name.get("drained", ())),
        drain_file="drain_file" in by_name,
        migrated=how == "done",
        skew=0.0 if clock is None else clock - middle,
        busy="busy" in by_name,
        boot=restarts.known(one("boot")),
        lacks=tuple(by_name.get("lacks", ())),
        problems=_problems(host_set, by_name, hangs),
        unanswered=bool(hangs),
        no_list=no_list,
        no_schema=no_schema,
    )


def _schema(host_set: HostSet, by_name: Rows, hangs: Mapping[str, str]) -> tuple[Revisions | None, str | None]:
    """What the set's schema_status answered, and why that says nothing of the schema."""
    command = clean(host_set.schema_status or "")
    if "schema" in hangs:
        return None, f"schema_status gave no answer in {hangs['schema']} s: {command}"
    if "schema_ended" not in by_name:
        return None, f"schema_status gave no answer: {command}"
    answer, complaints = by_name.get("schema", []), by_name.get("schema_says", [])
    if (status := by_name["schema_ended"][0].strip()) != "0":
        why = telling_line("\n".join(complaints or answer))
        key = f"schema_status{' in hosts.yml' if status in _NO_PROGRAM else ''}"
        return None, f"{key} failed (exit status {clean(status)}): {command}: {clean(why)[:300]}"
    revisions = alembic.read(answer)
    if revisions.schema == Schema.UNKNOWN:
        return None, f"schema_status in hosts.yml answered with no revision: {command}: {clean(answer[-1])[:300]}"
    return revisions, None


def _problems(host_set: HostSet, by_name: Rows, hangs: Mapping[str, str]) -> tuple[str, ...]:
    """What could not be found out of a host that was reached, and by which command."""
    app = host_set.app
    asked = {
        "rpm": f"rpm -q {app.package}",
        "systemctl": f"systemctl is-active {app.service}",
        "page": f"curl http://localhost{host_set.health.page}",
        "df": f"df {app.path('/')} {app.path('/var')}",
        "yum": f"yum list {app.package}",
        "files": f"sha256sum {app.settings}",
    }
    hanging = [
        f"this hangs, no answer in {seconds} s: {asked[name]}" for name, seconds in hangs.items() if name in asked
    ]
    return (
        *hanging,
        *(f"systemctl cannot tell whether {app.service} runs: {_unit(why)}" for why in by_name.get("service_says", [])),
    )


def _unit(why: str) -> str:
    """Why systemctl cannot tell; of a unit that is not there, who has named it."""
    key = "; its name is `service` of `app` in hosts.yml" if re.search("not (be )?found", why) else ""
    return f"{clean(why)}{key}"


def _repo(host_set: HostSet, error: str) -> str:
    """The key that has named a repository of which yum says that there is none."""
    none = host_set.enable_repo and re.search("unknown repo|no matching repo|repository not found", error, re.I)
    return "; its name is `enable_repo` in hosts.yml" if none and str(host_set.enable_repo) in error else ""


def _number(text: str | None) -> int | None:
    """The number that `text` is, if it is one that can be meant: hosts may say anything."""
    return int(text) if text and re.fullmatch("[0-9]{1,15}", text) else None


def _offered(lines: list[str], package: str) -> dict[Nvr, str]:
    """Builds and their repositories out of `yum list`, whose three columns wrap when they are long."""
    _, *available = re.split("Available Packages", "\n".join(lines), maxsplit=1, flags=re.I)
    words = " ".join(available).split()
    found: dict[Nvr, str] = {}
    for name_arch, evr, repo in zip(words, words[1:], words[2:], strict=False):
        name, _, arch = name_arch.rpartition(".")
        if name == package and re.fullmatch("[a-z0-9_]+", arch) and arch not in ("src", "nosrc"):
            epoch, _, vr = evr.rpartition(":")
            nvr = parse(f"{name}-{vr}", epoch)
            if nvr:
                found[nvr] = repo.lstrip("@")
    return found


def _warnings(lines: list[str], package: str) -> tuple[str, ...]:
    """What yum said beside the list of builds."""
    rows = (f"{package}.", "Loaded plugins")
    return _some(text for text in map(str.strip, lines) if _TELLS.search(text) and not text.startswith(rows))


def _some(lines: Iterable[str]) -> tuple[str, ...]:
    """The first of several lines, each of them once: a host may say a lot."""
    return tuple(dict.fromkeys(clean(text)[:200] for text in lines))[:4]


def _unchecked(lines: list[str], dnf5: bool) -> frozenset[str]:
    """The repositories whose packages are installed without a look at their signature.

    dnf5: it has a second name for the option, which the others do not know.
    """
    section, default = "", False  # yum and dnf: not checked unless the configuration says so
    checks: dict[str, bool] = {}
    for line in (text.strip() for text in lines):
        if line.startswith("["):
            section = line.strip("[]")
            if section != "main":
                checks.setdefault(section, default)
        elif dnf5 or not line.lower().startswith("pkg_"):
            on = re.split("[=:]", line, maxsplit=1)[-1].strip().lower() in ("1", "yes", "true", "on")
            if section == "main":
                default = on
            else:
                checks[section] = on
    return frozenset(name for name, checked in checks.items() if not checked)


def _around(lines: Iterable[str]) -> tuple[tuple[str, int, str], ...]:
    """What stands around runs: the run, in how many seconds it ends, its name; what is no such line is left out."""
    found = (re.fullmatch("([0-9a-f]{8}) (-?[0-9]{1,9}) ([a-z][a-z0-9-]{0,39})", line) for line in lines)
    return tuple((one[1], int(one[2]), one[3]) for one in found if one)


def _units(words: Iterable[str]) -> tuple[str, ...]:
    """Names of units and runs; what is none is left out."""
    return tuple(word for word in words if re.fullmatch("[A-Za-z0-9.@_-]{1,80}", word, re.ASCII))[:9]


def _open(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Runs that have not ended, each with the host that has its lock; what is no run is left out."""
    rows = (line.split() for line in lines)
    return tuple((row[0], row[1]) for row in rows if len(row) == 2 and re.fullmatch("[0-9a-f]{8}", row[0]))
