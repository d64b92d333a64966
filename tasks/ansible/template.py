"""Does the settings template become Python? Rendered with every variable undefined, compiled, never run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import Refused

# The branches that the template takes (`{% if env == "staging" %}`): each must become Python.
_ENVIRONMENTS = ("production", "staging")


def check(path: Path) -> None:
    """Raises Refused when the template is no Jinja2, or what it renders to is no Python; with the line."""
    from jinja2 import TemplateError

    for env in _ENVIRONMENTS:
        try:
            text = _environment().from_string(path.read_text(encoding="utf-8")).render(env=env)
            compile(text, path.name, "exec")
        except SyntaxError as error:
            # Not the line's text: it may hold a secret.
            where = f"{path.name}, rendered for {env}, line {error.lineno}"
            raise Refused(f"{where}: no Python: {error.msg}", next_line=f"$EDITOR {path}") from None
        except (TemplateError, UnicodeDecodeError, ValueError, TypeError) as error:
            line = getattr(error, "lineno", None)
            where = f"{path.name}, line {line}" if line else path.name
            raise Refused(f"{where}: {error}", next_line=f"$EDITOR {path}") from None


def _environment() -> Any:
    from jinja2 import ChainableUndefined, Environment

    class Unknown(ChainableUndefined):
        """A variable of ansible's: good for everything, and written as 0, which is Python in and outside quotes."""

        def __str__(self) -> str:
            return "0"

        def __call__(self, *_args: Any, **_kwargs: Any) -> Unknown:  # type: ignore[override]  # Undefined's raises
            return self

    environment = Environment(undefined=Unknown, trim_blocks=True, keep_trailing_newline=True, autoescape=False)
    environment.filters = _Filters(environment.filters)
    return environment


class _Filters(dict[str, Callable[..., Any]]):
    """Jinja2's filters, and for ansible's (`to_json`, `ternary` …) one that hands the value on."""

    def __missing__(self, _name: str) -> Callable[..., Any]:
        return _as_it_is

    def get(self, name: str, _default: Any = None) -> Callable[..., Any]:
        """Never None: an unknown filter is one of ansible's."""
        return self[name]


def _as_it_is(value: Any, *_args: Any, **_kwargs: Any) -> Any:
    return value
