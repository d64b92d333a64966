"""What an operator's file, variable or word has done to Fabric and Invoke, which say no more about it than Python does.

Asked after the fact, by the net (unexpected.py): a configuration that is right costs nothing.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import Refused
from .inventory.file import default_file, yaml
from .inventory.yaml_words import in_words
from .paths import editor

SUFFIXES = ("yaml", "yml", "json", "py")
_WANTED: dict[type, str] = {bool: "true or false", str: "text, in quotes if it looks like a number", list: "a list",
                            int: "a number", float: "a number"}  # fmt: skip


def cause(error: BaseException, trace: TracebackType | None) -> Refused | None:
    """The refusal that `error` should have been, or None where nothing of the operator's explains it."""
    typed = isinstance(error, (TypeError, ValueError, AttributeError, KeyError))
    for path in _files():
        problem = _unreadable(path, trace) or (typed and _of_another_kind(path))
        if problem:
            return Refused(problem, next_line=editor(path))
    variable = next((frame.f_locals["real_var"] for frame, _ in traceback.walk_tb(trace) if _casts(frame)), None)
    if variable:
        return Refused(f"{variable} in the environment: {error}", next_line=f"unset {variable}")
    if isinstance(error, ValueError) and any("parser" in entry.filename for entry in traceback.extract_tb(trace)):
        return _word()
    if type(error).__name__ == "NothingToDo":  # Fabric's, of a line that loads no tasks
        return Refused("-- COMMAND: on which host?", next_line="fab -H HOST -- COMMAND")
    if isinstance(error, OSError) and "username" in str(error).lower():  # Python 3.13 for a user id without a name
        return Refused("this user id has no name", next_line="export LOGNAME=YOU")
    return None


def _casts(frame: Any) -> bool:
    return frame.f_code.co_filename.endswith(("invoke/env.py", "invoke\\env.py")) and "real_var" in frame.f_locals


def _program() -> Any:
    module = sys.modules.get("fabric.main") or sys.modules.get("invoke.main")
    return getattr(module, "program", None)


def _word() -> Refused | None:
    """The flag of the program itself whose value is no number: the tasks' are looked at before (suggest.check)."""
    from .suggest import no_number

    program = _program()
    return no_number(sys.argv[1:], [], program.initial_context, Path(sys.argv[0]).name) if program else None


def _files() -> Iterator[Path]:
    """The configuration files that there are, in the order in which they are read."""
    name = "fabric" if "fabric.main" in sys.modules else "invoke"
    for place in (f"/etc/{name}", f"~/.{name}", str(default_file().with_name(name))):
        for suffix in SUFFIXES:
            path = Path(f"{place}.{suffix}").expanduser()
            if path.exists():
                yield path
                break
    program = _program()
    args = program.args if hasattr(program, "core") else {}
    runtime = args["config"].value if "config" in args else os.environ.get("INVOKE_RUNTIME_CONFIG")
    if runtime:
        yield Path(runtime).expanduser()


def _unreadable(path: Path, trace: TracebackType | None) -> str:
    """Why Invoke cannot read the file, with the line, or nothing."""
    if path.suffix == ".py":
        lines = [entry.lineno for entry in traceback.extract_tb(trace) if entry.filename == str(path)]
        return f"{path}:{lines[-1]}: this line fails" if lines else ""
    try:
        read = _read(path)
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return f"{path}:{line}: is not UTF-8"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = in_words(getattr(error, "problem", None) or str(error))
        return f"{path}{f':{mark.line + 1}' if mark else ''}: {problem}"
    except json.JSONDecodeError as error:
        return f"{path}:{error.lineno}: {error.msg}"
    except RecursionError:
        return f"{path}: is nested too deeply"
    return "" if isinstance(read, dict | None) else f"{path}: keys with values are wanted, not {_called(read)}"


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def _of_another_kind(path: Path) -> str:
    """The first key whose value is of another kind than its default, or nothing."""
    from invoke import Config

    if path.suffix == ".py":
        return ""
    kind = getattr(sys.modules.get("fabric.config"), "Config", Config)
    collection = getattr(sys.modules.get("tasks.collection"), "namespace", None)
    ours = collection.configuration() if collection else {}
    found = _other({**kind.global_defaults(), **ours}, _read(path) or {})
    return f"{path}: {found}" if found else ""


def _other(default: Mapping[str, Any], given: Mapping[str, Any], place: str = "") -> str:
    for key, value in given.items():
        usual = default.get(key)
        if isinstance(usual, dict) != isinstance(value, dict) and usual is not None:
            return f"{place}{key}: {'wants keys of its own' if isinstance(usual, dict) else 'has no keys of its own'}"
        if isinstance(usual, dict):
            found = _other(usual, value, f"{place}{key}.")
            if found:
                return found
        elif type(usual) in _WANTED and value is not None and not _fits(usual, value):
            return f"{place}{key}: wants {_WANTED[type(usual)]}, not {_called(value)}"
    return ""


def _fits(usual: object, value: object) -> bool:
    if isinstance(usual, float | int) and not isinstance(usual, bool):
        return isinstance(value, float | int) and not isinstance(value, bool)
    return isinstance(value, type(usual))


def _called(value: object) -> str:
    return "a list" if isinstance(value, list) else ascii(value)[:60]
