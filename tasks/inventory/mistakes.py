"""What is wrong with a hosts.yml, in an operator's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args, get_origin

from .declared import BaseModel, ValidationError
from .host import Host
from .model import App

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
_BOUNDS = {
    "greater_than_equal": ("ge", "wants {:g} or more"),
    "greater_than": ("gt", "wants more than {:g}"),
    "less_than_equal": ("le", "wants {:g} or less"),
}
_QUOTE = "'"
_YES_NO = "yes, no, on, off, true and false are yes/no values in YAML"
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
    by_a_colon = _is_a_name_with_a_colon(other) and item["type"] == "extra_forbidden" and loc[:-1] == cause[:-1]
    inherited = loc[2:3] == ("app",) and cause == loc[2:] and item["input"] == other["input"]
    return by_a_colon or empty or inherited or (loc[2:] == ("name",) and cause == (*loc[:2], "[key]"))


def _sentence(item: ErrorDetails, schema: type[BaseModel]) -> str:
    loc, given = item["loc"], item["input"]
    if not loc and item["input"] is None:
        return "the file: is empty; host_sets is missing"
    if _is_a_name_with_a_colon(item):
        (key,) = given
        text, loc = f"{key} is a key, as a colon stands behind it: write the name alone, or name: {key}", loc[:-1]
    else:
        text = _text(item, schema)
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if not str(part).startswith("[")
    )
    return f"{place.lstrip('.') or 'the file'}: {text}"


def _is_a_name_with_a_colon(item: ErrorDetails) -> bool:
    """Is it `- NAME:` in a list of hosts, which YAML reads as a key?"""
    given = item["input"]
    if item["type"] != "missing" or item["loc"][-1] != "name" or not isinstance(given, dict) or len(given) != 1:
        return False
    return not get_close_matches(str(*given), Host.model_fields, n=1)


def _text(item: ErrorDetails, schema: type[BaseModel]) -> str:
    """What is wrong with it, without its place."""
    kind, loc, given = item["type"], item["loc"], item["input"]
    if kind == "extra_forbidden":
        return _unknown(str(loc[-1]), loc[:-1], schema)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return words.format(item["ctx"][bound])
    if kind == "string_type" and isinstance(given, bool):
        return f"{_YES_NO}: {_instead(loc, schema)}"
    if kind == "literal_error":
        wanted = item["ctx"]["expected"]
        near = get_close_matches(str(given), re.findall("'(.*?)'", wanted), n=1)
        return f"wants {wanted.replace(_QUOTE, '')}{f'; did you mean {near[0]}?' if near else ''}"
    if kind == "model_type" and _models(schema, loc) == [Host]:
        return "wants a host's name (in quotes if it looks like a number), or keys of its own: name, aliases and more"
    message = item["msg"].removeprefix("Value error, ")
    return _SAID.get(kind, f"{message[:1].lower()}{message[1:]}")


def _instead(loc: tuple[int | str, ...], schema: type[BaseModel]) -> str:
    """What is written instead of a yes or no: `none` where the application may have nothing of the kind."""
    kinds = [model.model_fields[str(loc[-1])].annotation for model in _models(schema, loc[:-1]) if model is App]
    none = any(type(None) in get_args(kind) for kind in kinds)
    return "write none where there is none, or put it in quotes" if none else "put it in quotes"


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
