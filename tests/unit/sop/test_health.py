"""The shell that runs on a node, in a real /bin/sh with small programs for curl, rpm, systemctl and the clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasks.inventory.model import App, Balancer, Health, Host
from tasks.sop import workflows
from tasks.sop.health import answer, poll
from tasks.sop.model import Job, Phase
from tasks.sop.shell import call
from tests.unit.builders import Shell, job, prod

SHOWN = Health(version="Blockerbugs {version}", deadline=10)
NOT_SHOWN = Health(deadline=10)


def page(shell: Shell, text: str, status: str = "200") -> None:
    shell.file("page", f"{text}\n{status}")
    shell.program("curl", "cat page")


def asked(shell: Shell, health: Health) -> str:
    return shell.run(answer(App(), health)).stdout.rstrip("\n").removeprefix("answer\t")


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        pytest.param("<p>Blockerbugs 1.1.0</p>", "200", "200 1.1.0", id="its version"),
        pytest.param(
            "<html>\n<p>\nx Blockerbugs 1.1.0~rc1^x+y_z <b>", "200", "200 1.1.0~rc1^x+y_z", id="an odd version"
        ),
        pytest.param("Blockerbugs 1.1.0\nBlockerbugs 9.9", "200", "200 1.1.0", id="two versions"),
        pytest.param("Blockerbugs", "200", "200 -", id="a page without a version"),
        pytest.param("", "200", "200 -", id="an empty page"),
        pytest.param("Blockerbugs 1.1.0", "503", "503 -", id="an error page"),
        pytest.param("Blockerbugs 1.1.0", "302", "302 -", id="H4 a redirect, which is not followed"),
        pytest.param("curl: (7) Failed to connect", "000", "000 -", id="no connection"),
        pytest.param("curl: (28) Operation timed out", "000", "000 -", id="H4 a page that hangs"),
        pytest.param("Blockerbugs 1.1.0'; reboot", "200", "200 1.1.0", id="S5 a page with a quote"),
        pytest.param("Blockerbugs $(reboot) `reboot`", "200", "200 -", id="S5 a page with a substitution"),
        pytest.param("%s %d \\n Blockerbugs 1.1.0", "200", "200 1.1.0", id="a page with formats"),
    ],
)
def test_a_node_answers_with(text: str, status: str, says: str, shell: Shell) -> None:
    page(shell, text, status)
    assert asked(shell, SHOWN) == says


def test_H4_a_page_that_does_not_end_is_no_answer_whatever_status_it_began_with(shell: Shell) -> None:
    shell.file("page", "<p>Blockerbugs 1.1.0\n200")
    shell.program("curl", "cat page; exit 28")
    assert asked(shell, SHOWN) == "000 -"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("Blockerbugs {version}", "Blockerbugs 1.1.0", id="words in front"),
        pytest.param("v{version}<", "<b>v1.1.0</b>", id="marks around it"),
        pytest.param("{version} is Blockerbugs", "1.1.0 is Blockerbugs", id="words behind only"),
        pytest.param("a/b.*[x]^$ \\ {version}", "a/b.*[x]^$ \\ 1.1.0", id="S5 marks of regular expressions"),
        pytest.param('it\'s "{version}"', 'it\'s "1.1.0"', id="S5 quotes"),
        pytest.param("$(reboot)`reboot`& {version}", "$(reboot)`reboot`& 1.1.0", id="S5 marks of the shell"),
        pytest.param("(a|b)+? {version}", "(a|b)+? 1.1.0", id="S5 marks of extended expressions"),
        pytest.param("příliš {version}", "příliš 1.1.0", id="letters of any language"),
    ],
)
def test_a_version_is_found_by_a_pattern_with(pattern: str, text: str, shell: Shell) -> None:
    page(shell, f"<html>\n{text}\n</html>")
    assert asked(shell, Health(version=pattern)) == "200 1.1.0"


def test_a_pattern_is_taken_by_the_letter(shell: Shell) -> None:
    page(shell, "Blockerbugsx 1.1.0")
    assert asked(shell, Health(version="Blockerbugs. {version}")) == "200 -"


def test_H4_one_request_has_its_own_time_limit_and_goes_to_the_node_itself(shell: Shell) -> None:
    shell.program("curl", 'echo "$@" >arguments; echo; echo 200')
    asked(shell, Health(path="/blockerbugs/?a=1&b='x'"))
    arguments = (shell.folder / "arguments").read_text()
    assert "--max-time 5 " in arguments
    assert "http://localhost/blockerbugs/?a=1&b='x' " in arguments
    assert "-L" not in arguments.split()


def test_H4_a_time_limit_is_whole_seconds_because_the_curl_of_el7_knows_no_others(shell: Shell) -> None:
    shell.program("curl", 'echo "$@" >arguments; echo; echo 200')
    asked(shell, Health(timeout=2.5))
    assert "--max-time 3 " in (shell.folder / "arguments").read_text()


def started_and_installed(shell: Shell, started: int, installed: str) -> None:
    shell.program("systemctl", f"echo ActiveEnterTimestamp=@{started}")
    shell.program(
        "rpm", f'case "$*" in *INSTALLTIME*) printf "%s" "{installed}";; *VERSION*) printf 1.1.0;; *) exit 1;; esac'
    )


@pytest.mark.parametrize(
    ("started", "installed", "says"),
    [
        pytest.param(2000, "1000", "200 1.1.0", id="started after the package was installed"),
        pytest.param(1000, "1000", "200 1.1.0", id="started in the second it was installed"),
        pytest.param(1000, "2000", "200 old", id="H2 started before the package was installed"),
        pytest.param(1000, "package blockerbugs is not installed", "200 old", id="no package at all"),
    ],
)
def test_without_a_pattern_the_installed_version_answers_when_httpd_was(
    started: int, installed: str, says: str, shell: Shell
) -> None:
    page(shell, "It works")
    started_and_installed(shell, started, installed)
    assert asked(shell, NOT_SHOWN).splitlines()[-1] == says


@pytest.mark.parametrize("stamp", ["Fri 2024-05-03 10:00:00 UTC", "Fri 2024-05-03 10:00:00 CEST"])
def test_without_a_pattern_systemds_own_way_to_write_a_time_is_understood(stamp: str, shell: Shell) -> None:
    page(shell, "It works")
    started_and_installed(shell, 0, "1")
    shell.program("systemctl", f"echo 'ActiveEnterTimestamp={stamp}'")
    assert asked(shell, NOT_SHOWN) == "200 1.1.0"


def test_without_a_pattern_an_ill_node_is_not_asked_when_it_started(shell: Shell) -> None:
    page(shell, "down", "503")
    assert asked(shell, NOT_SHOWN) == "503 -"


# A clock that goes on by 4 seconds whenever somebody looks at it, and a curl that counts.
CLOCK = "now=$(cat now 2>/dev/null || echo 100); echo $now; echo $((now + 4)) >now"


def polled(shell: Shell, health: Health, wanted: str | None, *answers: str) -> tuple[int, str, int]:
    """The exit status, the last line, and how many requests there were; the last answer is for all that follow."""
    shell.program("date", CLOCK)
    shell.program("sleep", "true")
    lines = "\n".join(f'{number}) echo "{one}";;' for number, one in enumerate(answers, 1))
    shell.program(
        "curl",
        f"n=$(($(cat n 2>/dev/null || echo 0) + 1)); echo $n >n; case $n in\n{lines}\n*) echo '{answers[-1]}';; esac",
    )
    done = shell.run(poll(App(), health, wanted))
    return done.returncode, done.stdout.splitlines()[-1], int((shell.folder / "n").read_text())


WELL, OLD, ILL = "Blockerbugs 1.1.0\n200", "Blockerbugs 1.0.0\n200", "\n503"


def test_a_node_that_answers_is_asked_once(shell: Shell) -> None:
    assert polled(shell, SHOWN, "1.1.0", WELL) == (0, "answers 200 1.1.0", 1)


def test_H3_a_node_that_is_busy_at_first_is_asked_again(shell: Shell) -> None:
    assert polled(shell, SHOWN, "1.1.0", ILL, ILL, WELL) == (0, "answers 200 1.1.0", 3)


def test_while_it_waits_it_says_for_what_and_what_is_answered_instead(shell: Shell) -> None:
    polled(shell, Health(version="Blockerbugs {version}", deadline=60), "1.1.0", ILL, ILL, OLD, WELL)
    (shell.folder / "n").unlink()
    assert shell.run(poll(App(), SHOWN, "1.1.0")).stdout.splitlines() == [
        "waiting for 200 1.1.0, answers 503",
        "waiting for 200 1.1.0, answers 200 1.0.0",
        "answers 200 1.1.0",
    ]


def test_H3_a_node_that_answers_only_after_the_deadline_is_looked_at_once_more(shell: Shell) -> None:
    # the clock says 100 (so until 110), then 104, 108, 112 at the first three requests: the fourth is the one more
    assert polled(shell, SHOWN, "1.1.0", ILL, ILL, ILL, WELL) == (0, "answers 200 1.1.0", 4)


def test_H3_a_node_that_never_answers_is_ill_after_one_more_look(shell: Shell) -> None:
    assert polled(shell, SHOWN, "1.1.0", ILL) == (1, "answers 503 after 10 s, wanted 200 1.1.0", 4)


def test_H2_a_node_that_answers_with_the_old_build_is_ill(shell: Shell) -> None:
    code, said, _ = polled(shell, SHOWN, "1.1.0", OLD)
    assert (code, said) == (1, "answers 200 1.0.0 after 10 s, wanted 200 1.1.0")


@pytest.mark.parametrize("answers", ["1.1.0.1", "1.1", "11.1.0"])
def test_H2_a_version_that_only_looks_like_it_is_another(answers: str, shell: Shell) -> None:
    assert polled(shell, SHOWN, "1.1.0", f"Blockerbugs {answers}\n200")[0] == 1


def test_where_no_build_is_wanted_any_will_do(shell: Shell) -> None:
    assert polled(shell, SHOWN, None, OLD)[:2] == (0, "answers 200 1.0.0")


def test_where_no_build_is_wanted_an_ill_node_is_ill_all_the_same(shell: Shell) -> None:
    assert polled(shell, SHOWN, None, ILL)[:2] == (1, "answers 503 after 10 s, wanted 200")


def test_a_deadline_of_nothing_is_two_looks(shell: Shell) -> None:
    assert polled(shell, Health(version="Blockerbugs {version}", deadline=0), "1.1.0", ILL)[2] == 2


def test_without_a_pattern_an_httpd_that_was_not_restarted_is_ill(shell: Shell) -> None:
    shell.program("systemctl", "echo ActiveEnterTimestamp=x")
    shell.program("rpm", "printf 200")
    code, said, _ = polled(shell, NOT_SHOWN, "1.1.0", "It works\n200")  # this clock says 100 and a little more
    assert (code, said.splitlines()[-1]) == (1, "answers 200 old after 10 s, wanted 200 1.1.0")


@pytest.mark.parametrize("answer", ["echo Blockerbugs 1.1.0; echo 200", "exit 28"])
def test_a_node_that_was_drained_is_asked_for_some_pages_at_once_before_users_come_back(
    answer: str, shell: Shell
) -> None:
    shell.program("curl", f"echo x >>asked; {answer}")
    done = shell.run(call("page_warm", "/blockerbugs/", 5))
    assert (done.returncode, done.stdout) == (0, "")
    assert (shell.folder / "asked").read_text() == "x\n" * 8


AWAY = Balancer(proxies=(Host(name="proxy.example"),), backend="bb")


@pytest.mark.parametrize(
    ("balancer", "workflow", "asked"),
    [
        (AWAY, workflows.minor, True),
        (AWAY, workflows.rollback, True),
        (AWAY, workflows.undrain, True),
        (AWAY, workflows.major, False),
        (AWAY, workflows.restart_together, False),
        (Balancer(), workflows.minor, False),
        (None, workflows.minor, False),
    ],
)
def test_only_a_host_that_is_drained_is_asked_so(
    balancer: Balancer | None, workflow: Callable[[Job], list[Phase]], asked: bool
) -> None:
    looks = [phase.step.script for phase in workflow(job(prod(balancer=balancer))) if phase.step.name == "healthy"]
    assert {"page_warm" in script for script in looks} == {asked}
