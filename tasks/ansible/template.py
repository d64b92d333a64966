"""Does the settings template become Python? Rendered with every variable unknown, compiled, never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..paths import editor
from .secrets import Marks, shown

_HEADER = "#jinja2:"
# What an unknown value may be in a line: a number, a name, nothing. One of them that makes Python of it is enough.
_VALUES = ("0", "x0", "")
# Python 2's forms and Python 3's for the same: settings on EL7 are read by Python 2.
_PYTHON_2 = (
    (re.compile(r"(?<![\w.])0(?=\d*[1-7])(\d+)\b"), r"0o\1"),
    (re.compile(r"(?<![\w.])(\d+)[lL]\b"), r"\1"),
    (re.compile(r"\b([uU])([rR])(?=['\"])"), r"\2"),
    (re.compile(r"\bexcept\s+([\w.]+|\([^)]*\))\s*,\s*(\w+)\s*:"), r"except \1 as \2:"),
    (re.compile(r"^(\s*|.*[:;]\s*)(print|exec)\b[ \t]*(?![=(.\[])(.*?)(?=$|;)", re.M), r"\1\2(\3)"),
    (re.compile(r"\braise\s+([\w.]+)\s*,\s*(.+)$", re.M), r"raise \1(\2)"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"`([^`\n]+)`"), r"repr(\1)"),
    (re.compile(r"\t"), "        "),
)


@dataclass(frozen=True)
class Source:
    """A template's text without its `#jinja2:` header, and what that sets."""

    text: str
    overrides: Mapping[str, Any]

    @property
    def marks(self) -> Marks:
        """How its parts begin and end."""
        pairs = [("variable", "{{", "}}"), ("block", "{%", "%}"), ("comment", "{#", "#}")]
        return Marks(
            *(
                (str(self.overrides.get(f"{of}_start_string", begin)), str(self.overrides.get(f"{of}_end_string", end)))
                for of, begin, end in pairs
            )
        )


def source(text: str) -> Source:
    """Read the header as ansible does: `#jinja2: trim_blocks: False, variable_start_string: '[%'`. Its line stays."""
    first, newline, rest = text.partition("\n")
    if not first.startswith(_HEADER):
        return Source(text, {})
    overrides = {}
    for pair in first.removeprefix(_HEADER).split(","):
        name, _, value = pair.partition(":")
        try:
            overrides[name.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            continue  # ansible fails with its own words; what follows is looked at with what can be read
    return Source(f"{newline}{rest}", overrides)


def check(path: Path, python: str = "") -> list[str]:
    """What cannot be said for sure about the template, a sentence each.

    python: which Python reads the settings, "2" or "3"; empty when that is not known.
    Raises Refused, with the line, when it surely is wrong: no UTF-8, no Jinja2, or no Python under some condition.
    """
    from jinja2 import TemplateSyntaxError

    from . import unknown
    from .names import strangers

    edit = editor(path)
    try:
        read = source(path.read_text(encoding="utf-8"))
        load = partial(_included, path.parent)
        for rendered, conditions in unknown.renderings(read.text, read.overrides, load):
            error, old = _python_error(rendered, python)
            if error:
                of = unknown.lines(read.text, read.overrides, load, conditions)
                line = of[min(error.lineno or 1, len(of)) - 1]
                words = _where(path, read, line, conditions, error)
                if not old or python == "3":
                    raise Refused(words, next_line=edit)
                return [f"{words}; Python 2 takes it (ansible.python says which one reads it)"]
    except UnicodeDecodeError as error:
        raise Refused(f"{path.name} is not in UTF-8: {error}", next_line=edit) from None
    except TemplateSyntaxError as error:
        raise Refused(f"{error.name or path.name}, line {error.lineno}: {error.message}", next_line=edit) from None
    except (Refused, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001  # whatever an unusual template does to Jinja2: it is ansible's to judge
        return [f"{path.name} could not be checked to its end: {type(error).__name__}: {error}"]
    return list(strangers(read.text, read.overrides, path.parent))


def _where(path: Path, read: Source, line: int, conditions: Mapping[str, bool], error: SyntaxError) -> str:
    when = " and ".join(question for question, yes in conditions.items() if yes)
    text = shown(read.text, read.marks)[line - 1].strip()
    what = re.sub(r" \(detected at line \d+\)", "", error.msg)
    return f"{path.name}, line {line}{f', when {when}' if when else ''}: no Python: {what}: {text}"


def _included(folder: Path, name: str) -> str:
    """A template beside ours; empty for one that ansible may find elsewhere."""
    path = folder / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _python_error(rendered: str, python: str) -> tuple[SyntaxError | None, bool]:
    """What keeps a rendering from being Python, and whether Python 2 takes it all the same."""
    error = _error(rendered)
    if error is None:
        return None, False
    old = rendered
    for form, new in _PYTHON_2:
        old = form.sub(new, old)
    taken = _error(old) is None
    return (None, True) if taken and python == "2" else (error, taken)


def _error(rendered: str) -> SyntaxError | None:
    from .unknown import WRITTEN

    lines = rendered.split("\n")
    left: dict[int, Iterator[str]] = {n: iter(_VALUES) for n, line in enumerate(lines, 1) if WRITTEN in line}
    written = [line.replace(WRITTEN, next(left[n])) if n in left else line for n, line in enumerate(lines, 1)]
    first: dict[int, SyntaxError] = {}
    while True:
        try:
            with warnings.catch_warnings(action="ignore"):
                compile("\n".join(written), "settings", "exec", dont_inherit=True)
        except SyntaxError as error:
            number = error.lineno or 0
            first.setdefault(number, error)
            value = next(left[number], None) if number in left else None
            if value is None:
                return first[number]
            written[number - 1] = lines[number - 1].replace(WRITTEN, value)
        else:
            return None
