from __future__ import annotations

from pathlib import Path

import pytest
from invoke.exceptions import Exit

from tasks.errors import MEANING, Code, HalfWay, Interrupted, Locked, Refused, SopError, TryLater, Unreachable
from tasks.run.interrupt import interruptible

from .builders import said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(SopError, 1, id="failed is 1"),
        pytest.param(Refused, 2, id="refused is 2"),
        pytest.param(Locked, 3, id="locked is 3"),
        pytest.param(Unreachable, 4, id="unreachable is 4"),
        pytest.param(HalfWay, 5, id="half-way is 5"),
        pytest.param(TryLater, 75, id="try again later is 75"),
        pytest.param(Interrupted, 130, id="Ctrl-C is 130"),
    ],
)
def test_every_end_has_its_exit_status(error: type[SopError], code: int) -> None:
    assert error("why").code == code


@interruptible()
def ends_while_ctrl_c_is_pressed() -> None:
    try:
        raise HalfWay("httpd is down")
    finally:
        raise KeyboardInterrupt  # a connection takes its time to close, say


def test_n3_ctrl_c_while_an_end_is_on_its_way_out_does_not_take_its_place() -> None:
    with pytest.raises(HalfWay, match="httpd is down"):
        ends_while_ctrl_c_is_pressed()


def test_the_exit_statuses_are_those_of_the_design() -> None:
    assert [int(code) for code in Code] == [0, 1, 2, 3, 4, 5, 75, 130]


def test_every_exit_status_has_a_meaning() -> None:
    assert set(MEANING) == set(Code)


def test_the_readme_tells_every_exit_status_and_its_meaning() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    missing = [
        code
        for code, meaning in MEANING.items()
        if not any(
            line.startswith(f"| {int(code)} ") and meaning in line.replace("`", "") for line in readme.splitlines()
        )
    ]
    assert not missing


def test_invoke_prints_every_end_and_exits_with_its_status() -> None:
    assert all(issubclass(kind, Exit) for kind in (SopError, Refused, Unreachable, HalfWay, TryLater, Interrupted))


def test_one_problem_is_told_in_one_line() -> None:
    assert Refused("prod is closed").message == "refused, nothing was changed: prod is closed"


def test_several_problems_are_told_one_a_line() -> None:
    assert HalfWay("one is down", "two is down").message == "stopped half-way:\n  one is down\n  two is down"


def test_the_last_line_is_what_to_type() -> None:
    assert str(Refused("stg comes first", next_line="fab stg minor-upgrade").message).splitlines()[-1] == (
        "next: fab stg minor-upgrade"
    )


def test_on_a_terminal_a_sentence_breaks_between_words_and_the_line_to_type_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    why = "prod01: blockerbugs-1.1.0-1.el7 is not on offer in updates-testing-infrastructure"
    line = "fab prod minor-upgrade --version 1.1.0-1.el7 --unverified 'a long reason'"
    plain = said(Refused(why, next_line=line))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    *told, last = said(Refused(why, next_line=line)).splitlines()
    assert max(map(len, told)) <= 40
    assert " ".join(" ".join(told).split()) == plain.splitlines()[0]
    assert last == f"next: {line}"
    assert str(Refused(why, next_line=line)) == plain


def test_many_hosts_with_the_same_problem_are_one_sentence_and_programs_are_told_of_each() -> None:
    problems = [f"web{n:03}: cannot be reached" for n in range(1, 201)]
    error = Unreachable(*problems)
    assert str(error) == "not reached, nothing was changed: web[001-200]: cannot be reached"
    assert list(error.problems) == problems


def test_of_many_different_problems_the_first_and_the_last_are_shown() -> None:
    error = HalfWay(*(f"web{n:03}: exit status {n}" for n in range(1, 201)), "if it needs a person: SRE, #sre")
    lines = str(error).splitlines()
    assert len(lines) <= 20
    assert (lines[1], lines[15], lines[-1]) == (
        "  web001: exit status 1",
        "  and 184 more",
        "  if it needs a person: SRE, #sre",
    )
