"""What is wrong with a hosts.yml, in an operator's words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args, get_origin

from .declared import BaseModel, ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SAID = {
    "missing": "is missing",
    "model_type": "wants keys of its own",
    "dict_type": "wants keys of its own",
    "tuple_type": "wants a list",
    "string_type": "wants text, in quotes if it looks like a number",
    "bool_type": "wants true or false",
    "int_type": "wants a whole number",
    "float_type": "wants a number",
    "float_parsing": "wants a number",
    "finite_number": "wants a number",
    "too_short": "at least one is wanted",
}
_SSH = ("user", "port", "key", "password", "identityfile", "proxyjump", "gateway", "jumphost", "sshuser", "sshport")


def told(error: ValidationError, schema: type[BaseModel]) -> list[str]:
    """A sentence for each mistake, its place in front; none for what only follows from another one."""
    found = error.errors()
    return [_sentence(item, schema) for item in found if not any(_follows(item, other) for other in found)]


def _follows(item: ErrorDetails, other: ErrorDetails) -> bool:
    """A list is empty because no entry of it is good; a set's name, which is its key, is as bad as that; what the
    file says of the application counts for a set as well.
    """
    loc, cause = item["loc"], other["loc"]
    empty = item["type"] == "too_short" and loc == cause[: len(loc)] and item is not other
    inherited = loc[2:3] == ("app",) and cause == loc[2:] and item["input"] == other["input"]
    return empty or inherited or (loc[2:] == ("name",) and cause == (*loc[:2], "[key]"))


def _sentence(item: ErrorDetails, schema: type[BaseModel]) -> str:
    loc = item["loc"]
    if not loc and item["input"] is None:
        return "the file: is empty; host_sets is missing"
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if not str(part).startswith("[")
    )
    message = item["msg"].removeprefix("Value error, ")
    text = _SAID.get(item["type"], f"{message[:1].lower()}{message[1:]}")
    if item["type"] == "extra_forbidden":
        text = _unknown(str(loc[-1]), loc[:-1], schema)
    return f"{place.lstrip('.') or 'the file'}: {text}"


def _unknown(key: str, place: tuple[int | str, ...], schema: type[BaseModel]) -> str:
    models, tag = _models(schema, place), str(place[-1]) if place else ""
    kind_of = {model: getattr(model, "kind", "") for model in models}
    own = [model for model in models if f"[{kind_of[model]}]" == tag]
    others = [kind_of[model] for model in models if model not in own and key in model.model_fields]
    if own and others:
        return f"unknown key: it belongs to a {' and a '.join(others)}, and this is a {tag[1:-1]}"
    known = [name for model in own or models for name in model.model_fields]
    if place[:1] == ("host_sets",) and key.lower().replace("_", "").replace("-", "") in _SSH:
        return "unknown key: how a host is reached (user, port, key, jump host) belongs in ~/.ssh/config"
    near = get_close_matches(key, known, n=1)
    return f"unknown key; did you mean {near[0]}?" if near else "unknown key"


def _models(schema: type[BaseModel], place: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """What the schema has at this place of the file."""
    at, named = [schema], False
    for part in place:
        if named:  # the key of a dict: any name
            named = False
            continue
        kind = next((model.model_fields[part].annotation for model in at if part in model.model_fields), None)
        if kind is not None:
            at, named = list(_inside(kind)), get_origin(kind) is dict
    return at


def _inside(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _inside(part)


def contradictions(raw: Any, taken: Collection[str]) -> list[str]:
    """What no single set can know: one name for two things, a predecessor that does not exist, or a ring of them.

    Looks at the file as it is written, not as it is understood, so that it can speak beside the schema's complaints.
    """
    sets = raw.get("host_sets") if isinstance(raw, dict) else None
    if not isinstance(sets, dict):
        return []
    problems = [f"host_sets.{name}: there is a task of that name" for name in sets if name in taken]
    seen: dict[tuple[str, str], str] = {}
    for set_name, host_set in sets.items():
        package = _package(raw.get("app"), host_set)
        hosts = host_set.get("hosts") if isinstance(host_set, dict) else None
        for index, host in enumerate(hosts if isinstance(hosts, list) else []):
            place = f"host_sets.{set_name}.hosts[{index}]"
            for name in _names(host):
                if name in sets:
                    problems.append(f"{place}: {name!r} is also the name of a set")
                at = seen.setdefault((name, package), place)  # another application may be on the same host
                if at != place:
                    problems.append(f"{place}: {name!r} stands at {at} already")
    return problems + _wrong_order(sets)


def _package(app: Any, host_set: Any) -> str:
    """What is upgraded on a set, as far as the file says it."""
    own = host_set.get("app") if isinstance(host_set, dict) else None
    named = [one["package"] for one in (own, app) if isinstance(one, dict) and isinstance(one.get("package"), str)]
    return named[0] if named else ""


def _names(host: Any) -> list[str]:
    """Every name of one entry of `hosts`, as DNS compares them."""
    entry = {"name": host} if isinstance(host, str) else host
    if not isinstance(entry, dict):
        return []
    aliases = entry.get("aliases")
    names = [entry.get("name"), *(aliases if isinstance(aliases, list) else [])]
    return [name.strip().lower() for name in names if isinstance(name, str)]


def _wrong_order(sets: dict[Any, Any]) -> list[str]:
    after = {name: value.get("after") for name, value in sets.items() if isinstance(value, dict)}
    problems = []
    for name, before in after.items():
        if isinstance(before, str) and before not in sets:
            problems.append(f"host_sets.{name}.after: there is no set {before!r}")
        way = [name]
        while isinstance(before, str) and before not in way:
            way.append(before)
            before = after.get(before)
        if before == name and len(way) > 1:
            problems.append(f"host_sets.{name}.after: goes in a circle: {' after '.join([*way, name])}")
    return problems
