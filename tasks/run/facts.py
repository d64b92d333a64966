"""Every fact about a host in one read-only round trip, before any host is changed."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence

from ..fleet.output import clean
from ..inventory.model import HostSet
from ..sop import health, keep, restarts, yum
from ..sop.model import Facts, Schema
from ..sop.nvr import Nvr, parse

# yum waits for whoever holds these. The file has the holder's process id (yum 3, dnf 4), or is locked by it (dnf 5).
_YUM_LOCKS = ("/var/run/yum.pid", "/var/lib/dnf/rpmdb_lock.pid", "/var/cache/dnf/metadata_lock.pid")
_DNF5_LOCKS = ("/var/lib/dnf/system-repo.lock", "/run/dnf/rpmtransaction.lock")
_VERSION_LOCKS = (
    "/etc/yum/pluginconf.d/versionlock.list",
    "/etc/dnf/plugins/versionlock.list",
    "/etc/dnf/versionlock.toml",
)
_REPOS = ("/etc/yum.repos.d/*.repo", "/etc/distro.repos.d/*.repo", "/usr/share/dnf5/repos.d/*.repo")
_UNFINISHED = "/var/lib/yum/transaction-all.*"
# What the steps, and what keeps them, are written with, and the package that yum installs for it. ps is wanted only
# where there is no /proc; a Mac, which can be the sandbox's host, has neither that nor flock.
PROGRAMS = {
    "awk": "gawk",
    "curl": "curl",
    "find": "findutils",
    "flock": "util-linux",
    "grep": "grep",
    "pgrep": "procps-ng",
    "ps": "procps-ng",
    "sed": "sed",
    "service": "/usr/sbin/service",  # in initscripts, or in initscripts-service
    "setsid": "util-linux",
    "systemctl": "systemd",
    **dict.fromkeys(("base64", "sha256sum", "tail", "tr"), "coreutils"),
}
# sed has to hand on what it is given line by line (-u).
_LACKS = f"""if test -d /proc/self; then other=ps; else other=flock; fi
for program in {" ".join(PROGRAMS)}; do
  test "$program" = $other || command -v "$program" >/dev/null || say lacks "$program"
done
! command -v sed >/dev/null || sed -u -n p </dev/null 2>/dev/null || say lacks sed"""
# What yum says of repositories that it leaves out, of excludes and of locks; it succeeds all the same.
_TELLS = re.compile(r"error|fail|ignoring|exclud|skipp|cannot|could not|couldn't|no match|usable url|errno", re.I)
_SCHEMA = """{ schema=$(at_schema) || say schema_failed $?; say schema "$(printf '%s' "$schema" | tail -n 1)"; } &"""


def script(host_set: HostSet, repos: bool = True, schema: bool = True) -> str:
    """The shell that finds the facts; it prints `fact<TAB>value` lines and always exits 0.

    repos: also ask what the repositories offer, which costs a look at their metadata. Refreshing yum's
    cache is the only thing on the host that this touches. schema: also ask for the database's.
    Both take a second on a host: the schema is asked for while the rest is.
    """
    app = host_set.app
    package, service = shlex.quote(app.package), shlex.quote(app.service)
    locks = " ".join(app.path(lock) for lock in _YUM_LOCKS)
    busy = keep.database_lock(app)
    dnf5_locks = " ".join(app.path(lock) for lock in _DNF5_LOCKS)
    configs = " ".join([yum.configs(app), *(app.path(name) for name in _REPOS)])
    version_locks = " ".join(app.path(name) for name in _VERSION_LOCKS)
    settings, cron = shlex.quote(app.path(app.settings)), shlex.quote(app.path(app.cron))
    status = host_set.schema_status if schema else None
    lines = [
        "export LC_ALL=C",
        _LACKS,
        *([f"at_schema() {{ exec 2>/dev/null; {status}\n}}", _SCHEMA] if status else []),
        health.answer(app, host_set.health),
        'say clock "$(date +%s)"',
        # What it warns of on stderr is shown, and is not its answer.
        f"{{ {{ rpm -q --qf '%{{NAME}}-%{{VERSION}}-%{{RELEASE}} %{{EPOCH}}\\n' {package} 2>&3 | "
        "sed -u 's/^/installed\\t/' >&4; } 3>&1 | sed -u 's/^/rpm\\t/'; } 4>&1",
        f'yum={yum.PROGRAM}; yum=${{yum##*/}}; say yum "$yum"',
        f'say service "$(systemctl is-active {service} 2>&1)"',
        'say answer "$(answer)"',
        f'say free "$(df -Pk {app.path("/")} {app.path("/var")} '
        '| awk \'NR>1 && (least == "" || $4 < least) {least = $4} END {print least}\')"',
        'holds() { held=yes; who=$(args "$1"); say yum_holder "${who:+$1 }${who:-somebody}"; }',
        f'held=; for lock in {locks}; do test -e "$lock" && line pid "$lock" && kill -0 "$pid" 2>/dev/null && '
        'holds "$pid"; done',
        'locker() { awk -v file=":$1" \'$4 == "WRITE" && $6 ~ (file "$") {print $5; exit}\' /proc/locks; }',
        f'for lock in {dnf5_locks}; do test -e "$lock" && pid=$(locker $(ls -i "$lock") 2>/dev/null) && '
        'test -n "$pid" && holds "$pid" && break; done',
        f'say version_lock "$(grep -lswF {package} {version_locks} | head -n 1)"',
        f"for left in {app.path(_UNFINISHED)}; do case $left in *.disabled) continue;; esac; "
        'test -e "$left" && say unfinished "$left"; done',
        f'sum=$(sha256sum {settings} 2>/dev/null); say settings "${{sum%% *}}"',
        f"test -e {cron} && say cron yes",
        f"test -e {busy} && command -v flock >/dev/null && ! flock -n {busy} true && say busy yes",
        restarts.boot_id(app),
        'boot_id; say boot "$boot"',
        keep.show(app),
    ]
    if repos:
        lines += [
            'if test -z "$held"; then',  # yum would wait for whoever holds its lock, and we with it
            # dnf expires its cache in the same go; it is Python, and each start costs a quarter of a second.
            "case $yum in dnf*) refresh=--refresh ;; *) refresh=",
            f"yum -q{host_set.enabling} clean expire-cache >/dev/null 2>&1 ;; esac",
            # Not -q: then nobody says which repositories were left out.
            f"list=$(yum{host_set.enabling} $refresh list --showduplicates {package} 2>&1) || say list_failed $?",
            "printf '%s\\n' \"$list\" | sed -u 's/^/list\\t/'",  # line by line: the schema's may come in between
            "fi",
            f"grep -hiE '^[[]|^[[:space:]]*(pkg_)?gpgcheck[[:space:]]*[=:]' {configs} 2>/dev/null | "
            "sed -u 's/^/repo\\t/'",
        ]
    return "\n".join([*lines, "wait"])


def read(
    host_set: HostSet, output: str, repos: bool = True, schema: bool = True, asked_at: float | None = None
) -> Facts:
    """The facts in what `script` printed; repos, schema: what it was asked for.

    asked_at: our own clock when the script was sent, seconds since 1970; now, if not given.
    """
    app = host_set.app
    said: dict[str, list[str]] = {}
    for line in output.splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            said.setdefault(name, []).append(value)

    def one(name: str) -> str | None:
        values = said.get(name)
        return values[0].strip() or None if values else None

    answer = (one("answer") or "000 -").split()
    revision = one("schema")
    no_schema = None
    if schema and host_set.schema_status and ("schema_failed" in said or "schema" not in said):
        command = clean(host_set.schema_status)
        no_schema = f"this {'failed' if 'schema_failed' in said else 'gave no answer'}: {command}"
    no_list = None
    offered = _offered(said.get("list", []), app.package) if repos else None
    yum_says = _warnings(said.get("list", []), app.package)
    if repos and not offered and "list_failed" in said:
        words = [text.strip() for text in said.get("list", []) if text.strip()]
        error = next((text for text in words if text.startswith("Error")), (yum_says or words or ["no output"])[-1])
        no_list = f"yum cannot list {app.package}: {error}"
    builds = {build for text in said.get("installed", []) if (build := parse(*text.split(" ")[:2]))}
    previous = (one("previous") or "").split()
    how, _, migrated_with = (one("migration") or "").partition(" ")
    clock, free = _number(one("clock")), _number(one("free"))
    now = time.time()
    middle = (now + (now if asked_at is None else asked_at)) / 2
    return Facts(
        installed=max(builds, default=None),
        duplicates=tuple(sorted(builds)) if len(builds) > 1 else (),
        rpm_says=_some(said.get("rpm", [])),
        yum=one("yum") or "",
        yum_says=yum_says,
        version_lock=one("version_lock"),
        offered=offered,
        service=one("service") or "unknown",
        answers=_number(answer[0]) or None,
        version=answer[1] if len(answer) == 2 and answer[1] not in ("-", "old") else None,
        revision=revision.split()[0] if revision else None,
        schema=_schema(said),
        free=None if free is None else free // 1024,
        yum_holder=one("yum_holder"),
        # A host that had yum 3 once may still have these; its dnf takes no notice.
        unfinished="unfinished" in said and not (one("yum") or "").startswith("dnf"),
        unchecked_repos=_unchecked(said.get("repo", []), one("yum") == "dnf5"),
        settings=one("settings"),
        cron="cron" in said,
        lock=said["lock"][0].removeprefix("=") if "lock" in said else None,
        last=one("last"),
        paused=one("paused"),
        previous=parse(previous[0]) if previous else None,
        previous_schema=previous[1] if len(previous) > 1 else None,
        migrated_with=parse(migrated_with),
        migrated=how == "done",
        skew=0.0 if clock is None else clock - middle,
        busy="busy" in said,
        boot=restarts.known(one("boot")),
        lacks=tuple(said.get("lacks", ())),
        no_list=no_list,
        no_schema=no_schema,
    )


def _schema(said: Mapping[str, Sequence[str]]) -> Schema:
    """What the set's schema_status answered."""
    if "schema" not in said or "schema_failed" in said:
        return Schema.UNKNOWN
    return Schema.CURRENT if "(head)" in said["schema"][0] else Schema.PENDING


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
