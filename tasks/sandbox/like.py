"""Which set of a hosts.yml the sandbox is made like, and the sandbox's own hosts.yml that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Refused
from ..fleet.output import clean
from ..inventory.file import parsed, yaml
from ..inventory.remembered import read
from ..lines import mended
from .played import BLOCKERBUGS, on_its_hosts, played
from .programs._files import read_json, write_json

if TYPE_CHECKING:
    from ..inventory.model import App, HostSet

OWN = "sandbox"  # what is named to have Blockerbugs again
KEPT = "like.json"
PLAYED = {"name", "app", "health", "schema_status", "location", "owner", "contact"}
ITS_OWN = {"hosts", "sync_host", "confirm", "balancer", "url", "minor_version", "after"}
SET_OF = Path(__file__).with_name("hosts.yml")


@dataclass(frozen=True)
class Like:
    """A set of a hosts.yml, or OWN; chosen: somebody has named it, so that hosts.yml is not asked any more."""

    name: str = OWN
    file: Path = Path()
    chosen: bool = False

    def __str__(self) -> str:
        return "Blockerbugs" if self.name == OWN else f"{self.name} in {clean(self.file.name)}"

    def keep(self, home: Path) -> None:
        """Remember it in the sandbox's folder, for `kept`. Raises OSError."""
        write_json(home / KEPT, {"set": self.name, "file": str(self.file), "chosen": self.chosen})


@dataclass(frozen=True)
class Made:
    """What a sandbox is made of: like which set, the application for its programs, the set itself; None: its own."""

    like: Like
    app: dict[str, Any]
    host_set: HostSet | None = None

    @property
    def left_out(self) -> list[str]:
        """The keys of the set that the sandbox does not play, in the order of their names."""
        return sorted(self.host_set.model_fields_set - PLAYED - ITS_OWN) if self.host_set else []


def kept(home: Path) -> Like:
    """What the sandbox in this folder is made like; its own where there is none."""
    try:
        found = read_json(home / KEPT)
        return Like(found["set"], Path(found["file"]), found["chosen"])
    except (OSError, ValueError, KeyError, TypeError):
        return Like()


def named(name: str, file: Path) -> Like:
    """The set that --like names."""
    return Like(chosen=True) if name == OWN else Like(name, file.resolve(), chosen=True)


def implied(file: Path) -> tuple[Like, str]:
    """The set that a hosts.yml means by itself, and its package: its first, where that is the only one or is not
    Blockerbugs. A file that cannot be understood means none; whoever uses one of its sets is told why.
    """
    try:
        raw = parsed(file.read_text(encoding="utf-8"))
        name, first = next(iter(raw["host_sets"].items()))
        package = {**(raw.get("app") or {}), **(first.get("app") or {})}.get("package", BLOCKERBUGS["package"])
        others = len(raw["host_sets"]) > 1
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError, RecursionError, StopIteration):
        return Like(), BLOCKERBUGS["package"]
    if others and package == BLOCKERBUGS["package"]:
        return Like(), package
    return Like(str(name), file.resolve()), str(package)


def make(like: Like) -> Made:
    """What has to be known of the set. Raises Refused for one that does not exist, or that cannot be played."""
    if like.name == OWN:
        return Made(like, BLOCKERBUGS)
    if like.chosen and not like.file.exists():
        gone = f"the sandbox is to be made like {like}: {like.file} is not there"
        raise Refused(gone, next_line=f"fab sandbox.reset --like {OWN}")
    inventory = read(like.file)
    host_set = inventory.host_sets.get(like.name)
    if host_set is None:
        near = get_close_matches(like.name, [*inventory.host_sets, OWN], n=1)
        raise Refused(
            f"--like {like.name}: no host set of {like.file}, which has {', '.join(inventory.host_sets)}"
            + (f"; did you mean {near[0]}?" if near else ""),
            next_line=(mended(like.name, near[0]) if near else None) or f"fab sandbox.reset --like {OWN}",
        )
    app, wrong = played(host_set)
    if wrong:
        raise Refused(
            *(f"{like.file}: {_place(key, host_set, inventory.app)}: {why}" for key, why in wrong.items()),
            next_line=f"fab sandbox.reset --like {OWN}  # a rehearsal with Blockerbugs",
        )
    return Made(like, app, host_set)


def _place(key: str, host_set: HostSet, of_all: App) -> str:
    """Where a key of the set stands in its file."""
    name = key.removeprefix("app.")
    shared = name != key and getattr(of_all, name) == getattr(host_set.app, name)
    return key if shared else f"host_sets.{host_set.name}.{key}"


def hosts_yml(made: Made, urls: dict[str, str]) -> str:
    """The sandbox's own hosts.yml; urls: what stands for each `{NAME}` in it."""
    text = SET_OF.read_text(encoding="utf-8")
    for name, url in urls.items():
        text = text.replace(f"{{{name}}}", url)
    if made.host_set is None:
        return text
    whole = parsed(text)
    one, like = whole["host_sets"]["sandbox"], made.host_set
    whole["app"] |= _app(like.app)
    one |= {"location": f"{one['location']}, like {made.like}", "owner": like.owner, "contact": like.contact}
    del one["schema_status"], one["health"]["version"]
    if like.schema_status:
        one["schema_status"] = on_its_hosts(like.schema_status)
    page = like.health
    one["health"] |= {"path": page.path, "port": page.port, "status": page.status}
    one["health"] |= {"version": page.version} if page.version else {}
    one["balancer"]["backend"] = made.app["backend"]
    written: str = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    return written


def _app(app: App) -> dict[str, Any]:
    commands = {"migrate": app.migrate, "check": app.check}
    said = {key: on_its_hosts(command) if command else "none" for key, command in commands.items()}
    said |= {key: getattr(app, key) or "none" for key in ("settings", "cron", "timer", "migrations")}
    return {"package": app.package, "service": app.service, "free_space": app.free_space, **said}
