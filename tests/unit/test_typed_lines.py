"""Every line that the program prints to be typed is read here as it stands in the code."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import tasks

COMMENT = "  # "

ROOM = Path(tasks.__file__).parent
SOMETHING = "X"  # in place of what is known only at run time
CAN_BE_TYPED = {"fab", "invoke", "git", "ssh", "ssh-add", "ssh-keygen", "ssh-keyscan", "koji", "kinit", "kvno", "klist",
                "ls", "df", "kill", "mkdir", "export", "unset", "env", "rpmspec", "sudo", "apt-get", "dnf", "host",
                "chmod", "tar", "grep"}  # fmt: skip
PROSE = re.compile(r"…| \((?:or|and)\b|, (?:or|and|which|then)\b|; (?:or|and|only)\b| or with ")
QUOTES = ("word", "lines.word", "quote", "shlex.quote")
MARK = re.compile(" *(?:next|or|then): ")
MAKERS = {"Reason": 1, "Obstacle": 1, "Line": 1}  # which of their arguments is a line to type


def texts(node: ast.expr, scope: ast.AST) -> Iterator[str]:
    """What an expression can be, as far as the code says so."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else SOMETHING
            for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body, scope)
        yield from texts(node.orelse, scope)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value, scope)
    elif isinstance(node, ast.BinOp):
        yield f"{next(texts(node.left, scope), SOMETHING)}{next(texts(node.right, scope), SOMETHING)}"
    elif isinstance(node, ast.Name):
        for found in ast.walk(scope):
            names = found.targets if isinstance(found, ast.Assign) else []
            if any(isinstance(name, ast.Name) and name.id == node.id for name in names):
                yield from texts(found.value, ast.Module([], []))  # type: ignore[attr-defined]


def lines() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOM.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for scope in functions:
            for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
                place = f"{path.relative_to(ROOM.parent)}:{call.lineno}"
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                typed = [keyword.value for keyword in call.keywords if keyword.arg in ("next_line", "cure")]
                typed += call.args[MAKERS[name] : MAKERS[name] + 1] if name in MAKERS else []
                for text in {text for one in typed for text in texts(one, scope)}:
                    yield place, text
                for text in (text for argument in call.args for text in texts(argument, ast.Module([], []))):
                    if mark := MARK.match(text):
                        yield place, text[mark.end() :]


def why_not(line: str) -> str:
    typed = line.partition(COMMENT)[0]
    try:
        words = shlex.split(typed)
    except ValueError as error:
        return str(error)
    first = next((word for word in words if not re.fullmatch(r"[A-Z_]+=.*", word)), SOMETHING)
    program = first if first in CAN_BE_TYPED or SOMETHING in first or first.startswith("${") else ""
    prose = PROSE.search(typed)
    return "" if program and not prose else f"{prose[0] if prose else first!r} is nothing that can be typed"


def test_every_line_to_type_can_be_typed_as_it_stands_and_says_the_rest_behind_a_comment_sign() -> None:
    wrong = [
        f"{place}: {line}: {why}"
        for place, text in lines()
        for line in re.split(r"\n(?:  or|then): ", text)
        if (why := why_not(line))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_line_for_ssh_is_made_but_where_the_file_of_ssh_config_is_kept() -> None:
    made = [
        f"{path.relative_to(ROOM.parent)}:{node.lineno}: {node.value}"
        for path in sorted(ROOM.rglob("*.py"))
        if path.name != "lines.py" or path.parent != ROOM
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"ssh (-[tTv]\b|$)", node.value)
    ]
    assert not made, "\n".join(made)


def test_a_path_that_a_line_ends_in_is_one_word_whatever_is_in_it() -> None:
    bare = [
        f"{path.relative_to(ROOM.parent)}:{node.lineno}: {before.value!s}"
        for path in sorted(ROOM.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        for before, named in pairwise(node.values)
        if isinstance(before, ast.Constant) and isinstance(named, ast.FormattedValue)
        if re.search(r"\b(ls( -\w+)?|git -C|tar tf|mkdir -p|rpmspec -P|--spec) $", str(before.value))
        if not (isinstance(named.value, ast.Call) and ast.unparse(named.value.func) in QUOTES)
    ]
    assert not bare, "\n".join(bare)
