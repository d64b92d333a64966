"""A template rendered without its variables: each is unknown, and what depends on one is tried both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from jinja2 import FunctionLoader, Undefined
from jinja2.ext import Extension
from jinja2.lexer import Token
from jinja2.nodes import EvalContext
from jinja2.sandbox import SandboxedEnvironment

WRITTEN = "\ue002"  # what an unknown value is written as
EXTENSIONS = ("jinja2.ext.do", "jinja2.ext.loopcontrols")  # what ansible.cfg may add
_LINE, _END = "\ue000", "\ue001"  # around the number of a template's line
_MOST = 200  # renderings; seven conditions that have nothing to do with each other are 128
Conditions = Mapping[str, bool]


class Decisions:
    """What is taken for true in one rendering: what was asked for, and no to all else."""

    def __init__(self, wanted: Conditions) -> None:
        self.made: dict[str, bool] = {}
        self._wanted = wanted
        self._equal: dict[str, str] = {}

    def __call__(self, question: str) -> bool:
        """Yes or no, and the same each time in this rendering."""
        return self.made.setdefault(question, self._wanted.get(question, False))

    def equal(self, name: str, value: str) -> bool:
        """Is it this value? It has one at most."""
        if name not in self._equal and self(f"{name} == {value}"):
            self._equal[name] = value
        return self._equal.get(name) == value


def renderings(text: str, overrides: Mapping[str, Any], load: Callable[[str], str]) -> Iterator[tuple[str, Conditions]]:
    """What a template renders to under all conditions (200 renderings at most), and what was decided for each.

    overrides: what its `#jinja2:` header sets; load: the text of a template that it includes. Raises
    TemplateSyntaxError for no Jinja2, and whatever else ends a rendering.
    """
    waiting: list[dict[str, bool]] = [{}]
    for wanted in waiting:  # it grows
        decisions = Decisions(wanted)
        rendered = _environment(decisions, overrides, load).from_string(text).render()
        yield rendered, wanted
        made = list(decisions.made.items())
        later = [{**dict(made[:at]), made[at][0]: True} for at in range(len(wanted), len(made))]
        waiting += later[: _MOST - len(waiting)]


def lines(text: str, overrides: Mapping[str, Any], load: Callable[[str], str], wanted: Conditions) -> list[int]:
    """For each line of a rendering the line of the template that it comes from."""
    environment = _environment(Decisions(wanted), overrides, load)
    environment.add_extension(_Numbered)
    found = [1]
    for line in environment.from_string(text).render().split("\n"):
        numbers = re.findall(f"{_LINE}(\\d+){_END}([^{_LINE}]?)", line)
        first = [number for number, text in numbers if text] or [number for number, _ in numbers[-1:]]
        found.append(int(first[0]) if first else found[-1])
    return found[1:]


class _Numbered(Extension):
    """Writes its number before each line of the template."""

    def filter_stream(self, stream: Any) -> Iterator[Token]:
        for token in stream:
            if token.type == "data":
                numbered = enumerate(token.value.split("\n"), token.lineno)
                token = token._replace(value="\n".join(f"{_LINE}{number}{_END}{line}" for number, line in numbered))
            yield token


def _environment(decide: Decisions, overrides: Mapping[str, Any], load: Callable[[str], str]) -> SandboxedEnvironment:
    """Jinja2 as ansible sets it up, but that what is not known is unknown: variables, filters, tests, templates."""
    unknown = _unknown(decide)

    class Environment(SandboxedEnvironment):
        def call(self, context: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(function, unknown):
                return unknown(name=f"{function!r}({', '.join(map(repr, args))})")
            known = partial(super().call, context, function)
            return _tried(known, unknown, str(getattr(function, "__name__", function)), *args, **kwargs)

    environment = Environment(
        undefined=unknown,
        trim_blocks=True,
        keep_trailing_newline=True,
        extensions=EXTENSIONS,
        loader=FunctionLoader(load),
    )
    for name, value in overrides.items():
        setattr(environment, name, value)
    given = {
        "environment": environment,
        "eval_context": EvalContext(environment),
        "context": environment.context_class(environment, {}, None, {}),
    }
    filters = _Named(environment.filters, given, unknown, "")
    filters["default"] = filters["d"] = partial(_default, decide)
    environment.filters = filters
    environment.tests = _Named(environment.tests, given, unknown, "is ")  # type: ignore[assignment]  # inferred too narrow
    return environment


class _Named(dict[str, Callable[..., Any]]):
    """Jinja2's filters or tests, and under each other name (ansible's, a collection's) one that makes an unknown."""

    def __init__(self, known: Mapping[str, Any], given: Mapping[str, Any], unknown: Any, word: str) -> None:
        super().__init__()
        for name, function in known.items():
            passed = getattr(function, "jinja_pass_arg", None)  # what Jinja2 would hand it before the value
            plain = partial(function, given[passed.name]) if passed else function
            self[name] = partial(_of_value, plain, unknown, word + name)
        self._other: Callable[..., Any] = partial(_of_value, None, unknown)
        self._word = word

    def __missing__(self, name: str) -> Callable[..., Any]:
        return partial(self._other, self._word + name)

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, _default: Any = None) -> Callable[..., Any]:
        """Never None."""
        return self[name]


def _of_value(function: Callable[..., Any] | None, unknown: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """What a filter or a test makes of a value: an unknown of an unknown one, and where there is no function."""
    if function and not isinstance(args[0], unknown):
        return _tried(function, unknown, name, *args, **kwargs)
    value, *more = [repr(arg) for arg in args]
    told = f"({', '.join(more)})" if more else ""
    return unknown(name=f"{value} {name}{told}" if name.startswith("is ") else f"{value}|{name}{told}")


def _tried(function: Callable[..., Any], unknown: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """What a function makes of its arguments; unknown where it cannot do with an unknown one."""
    try:
        return function(*args, **kwargs)
    except Exception:
        if not any(_depends(arg, unknown) for arg in (*args, *kwargs.values())):
            raise
        return unknown(name=f"{name}({', '.join(map(repr, args))})")


def _depends(value: Any, unknown: Any) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set):
        return any(_depends(one, unknown) for one in value)
    return isinstance(value, unknown)


def _default(decide: Decisions, value: Any, default: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, Undefined):
        return value if decide(f"{value!r} is defined") else default
    return default if boolean and not value else value


def _unknown(decide: Decisions) -> type[Undefined]:
    class Unknown(Undefined):
        """A value that ansible has: good for everything."""

        __slots__ = ()

        def __str__(self) -> str:
            return WRITTEN

        def __repr__(self) -> str:
            return self._undefined_name or "it"

        def __bool__(self) -> bool:
            return decide(repr(self))

        def __eq__(self, other: object) -> bool:
            return other is self or decide.equal(repr(self), repr(other))

        def __ne__(self, other: object) -> bool:
            return not self == other

        def __hash__(self) -> int:
            return hash(repr(self))

        def __html__(self) -> str:
            return WRITTEN

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return Unknown(name=f"{self!r}.{name}")

        def __getitem__(self, key: Any) -> Any:
            return Unknown(name=f"{self!r}[{key!r}]")

        def __iter__(self) -> Iterator[Any]:
            if decide(f"{self!r} has items"):
                yield self[0]

        def __len__(self) -> int:
            return int(decide(f"{self!r} has items"))

        def __contains__(self, item: object) -> bool:
            return decide(f"{item!r} in {self!r}")

    def operator(words: str) -> Callable[..., Any]:
        return lambda own, *other: Unknown(name=words.format(repr(own), *map(repr, other)))

    signs = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**"}
    for name, sign in signs.items():
        setattr(Unknown, f"__{name}__", operator(f"{{}} {sign} {{}}"))
        setattr(Unknown, f"__r{name}__", operator(f"{{1}} {sign} {{0}}"))
    for name, sign in {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
        setattr(Unknown, f"__{name}__", operator(f"{{}} {sign} {{}}"))
    for kind in (int, float):
        setattr(Unknown, f"__{kind.__name__}__", lambda _own, kind=kind: kind(0))
    for name, sign in {"neg": "-", "pos": "+"}.items():
        setattr(Unknown, f"__{name}__", operator(f"{sign}{{}}"))
    return Unknown
