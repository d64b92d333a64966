"""The root shell, over a channel that is a real sh on this machine instead of one behind SSH."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import termios
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.fleet.lines import Lines
from tasks.fleet.outcome import Outcome, failure
from tasks.fleet.output import LONGEST
from tasks.fleet.shell import MOST_TOLD, Output, RootShell, ShellError, StepTimeout
from tasks.fleet.wire import ConnectionLost, Wire
from tests.unit.builders import Shell


class Channel:
    """What RootShell needs of paramiko's Channel and Transport."""

    def __init__(self, shell: Shell, chunk: int) -> None:
        self._shell, self._chunk = shell, chunk
        self._patience: float | None = None
        self._terminal = False
        self.executed = ""
        self.eof_received = self.closed = False

    def open_session(self, timeout: float) -> Channel:
        return self

    def is_active(self) -> bool:
        return True

    def get_pty(self, term: str) -> None:
        self._terminal = True

    def recv_ready(self) -> bool:
        return bool(select.select([self._out], [], [], 0)[0])

    def set_combine_stderr(self, combine: bool) -> None:
        pass

    def exec_command(self, command: str) -> None:
        self.executed = command
        self._theirs = -1
        if self._terminal:
            ours, self._theirs = os.openpty()
            self._in, self._out = os.fdopen(os.dup(ours), "wb", 0), os.fdopen(ours, "rb", 0)
        else:
            (stdin, ours_in), (ours_out, stdout) = os.pipe(), os.pipe()
            self._in, self._out = os.fdopen(ours_in, "wb", 0), os.fdopen(ours_out, "rb", 0)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=self._shell.folder,
            env={"PATH": str(self._shell.bin)},
            stdin=self._theirs if self._terminal else stdin,
            stdout=self._theirs if self._terminal else stdout,
            stderr=subprocess.STDOUT,
            preexec_fn=_takes_the_terminal if self._terminal else None,
        )
        for end in (self._theirs,) if self._terminal else (stdin, stdout):
            os.close(end)

    def settimeout(self, seconds: float | None) -> None:
        self._patience = seconds

    def sendall(self, data: bytes) -> None:
        while data:
            data = data[self._in.write(data) :]

    def recv(self, size: int) -> bytes:
        if not select.select([self._out], [], [], self._patience)[0]:
            raise TimeoutError
        try:
            return os.read(self._out.fileno(), min(size, self._chunk))
        except OSError:  # so a terminal says that nobody is at its other end
            return b""

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._out.close()
        with suppress(BrokenPipeError):
            self._in.close()


def _takes_the_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def channel(shell: Shell) -> Iterator[Callable[[int], Any]]:
    opened: list[Channel] = []

    def connect(chunk: int = 65536) -> Any:
        opened.append(Channel(shell, chunk))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def nobody(prompt: str) -> str:
    raise AssertionError(f"asked: {prompt}")


def opened(transport: Any, ask: Callable[[str], str]) -> RootShell:
    """A root shell whose questions are answered until it has none."""
    root = RootShell(transport)
    while root.prompt is not None:
        root.answer(ask(root.prompt))
    return root


@pytest.fixture
def root(channel: Callable[..., Any]) -> RootShell:
    return RootShell(channel(), as_root=True)


@pytest.mark.parametrize(
    ("command", "lines", "exited"),
    [
        pytest.param("echo one; echo two", ("one", "two"), 0, id="its lines"),
        pytest.param("false", (), 1, id="its status"),
        pytest.param("echo out; echo err >&2", ("out", "err"), 0, id="both outputs as one"),
        pytest.param("printf unfinished", ("unfinished",), 0, id="a line without an end"),
        pytest.param("echo a; echo; echo b", ("a", "b"), 0, id="no blank lines"),
        pytest.param("echo a; exit 7; echo b", ("a",), 7, id="an exit in it"),
        pytest.param("cat", (), 0, id="nothing on its stdin"),
        pytest.param('echo "it\'s"', ("it's",), 0, id="quotes"),
        pytest.param("{ echo a\n} && { echo b\n}", ("a", "b"), 0, id="several lines"),
        pytest.param("printf 'caf\\303\\251 \\377\\n'", ("café \ufffd",), 0, id="letters, and bytes that are none"),
        pytest.param("printf '\\033[31mred\\033[0m\\n'", ("red",), 0, id="S10 no colour"),
        pytest.param("echo postgresql://u:hunter2@h/d", ("postgresql://u:[redacted]@h/d",), 0, id="S6 no secret"),
    ],
)
@pytest.mark.parametrize("chunk", [65536, 1], ids=["at once", "S6 byte by byte"])
def test_a_command_comes_back_with(
    command: str, lines: tuple[str, ...], exited: int, chunk: int, channel: Callable[..., Any]
) -> None:
    root = RootShell(channel(chunk), as_root=True)
    assert root.run(command) == Output(lines, exited)


def test_lines_are_told_as_they_come(root: RootShell) -> None:
    told: list[str] = []
    root.run("echo one; echo two", told.append)
    assert told == ["one", "two"]


def test_one_command_leaves_nothing_to_the_next(root: RootShell) -> None:
    root.run("cd /; x=1; exit 3")
    assert root.run('echo "${x:-nothing}"; test "$PWD" != /') == Output(("nothing",), 0)


def test_a_command_may_be_longer_than_a_program_s_argument(root: RootShell) -> None:
    assert root.run(f"echo {'x' * 300_000} | wc -c").lines[0].strip() == "300001"


@pytest.mark.parametrize("broken", ["echo 'well", "if true; then", "fi", "done )"])
def test_a_command_that_no_shell_can_read_fails_and_leaves_the_next_one_alone(broken: str, root: RootShell) -> None:
    assert root.run(broken).exited != 0
    assert root.run("echo well").lines == ("well",)


def test_a_command_that_does_not_end_is_no_longer_waited_for(root: RootShell) -> None:
    with pytest.raises(StepTimeout):
        root.run("sleep 30", timeout=0.05)


def test_N2_a_clock_that_jumps_ends_no_wait(root: RootShell, monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = iter([TimeoutError(), TimeoutError()])  # paramiko's, which goes by the wall clock
    channel = root._wire._channel
    receive = channel.recv

    def recv(size: int) -> bytes:
        if (jump := next(jumps, None)) is not None:
            raise jump
        return receive(size)

    monkeypatch.setattr(channel, "recv", recv)
    assert root.run("echo well", timeout=60).lines == ("well",)


def test_N2_what_a_command_says_after_its_time_is_not_taken_for_the_next_ones_answer(root: RootShell) -> None:
    with pytest.raises(StepTimeout):
        root.run("sleep 0.3; echo late; exit 3", timeout=0.05)
    with suppress(ConnectionLost):  # to say that this shell cannot be used any more is as good
        assert root.run("echo mine", timeout=20) == Output(("mine",), 0)


def test_N2_a_shell_that_goes_away_is_a_lost_connection(root: RootShell) -> None:
    with pytest.raises(ConnectionLost):
        root.run("kill -9 $$")


def test_s14_a_forged_mark_is_a_line_like_others(root: RootShell) -> None:
    forged = f"{root._mark}-1 ends"
    output = root.run(f"echo '{forged} x'; echo '{forged} 99999999'; echo '{forged} 0 '; echo end; exit 3", timeout=20)
    assert (output.lines[-1], output.exited) == ("end", 3)


def test_s14_a_host_that_never_ends_a_line_fills_no_memory_and_its_answer_is_found(root: RootShell) -> None:
    tracemalloc.start()
    output = root.run("head -c 40000000 /dev/zero | tr '\\0' x; echo; echo end", timeout=60)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(output.lines[0]), output.lines[1:], most < 4_000_000) == (LONGEST, ("end",), True), most


def test_s14_of_a_flood_of_lines_some_are_told_and_the_last_ones_are_kept(root: RootShell) -> None:
    told: list[str] = []
    output = root.run(f"n=0; while test $((n += 1)) -le {MOST_TOLD + 10}; do echo $n; done", told.append, 60)
    assert (len(told), told[-1]) == (MOST_TOLD, "(it says more, which is not shown)")
    assert output.lines[-1] == str(MOST_TOLD + 10)


def test_n2_a_shell_that_somebody_ends_is_told_apart_from_a_line_that_drops(root: RootShell) -> None:
    with pytest.raises(ConnectionLost, match="its root shell was ended"):
        root.run("kill -9 $$", timeout=20)


# sudo, as a small program that wants the password "sesame"

SUDO = """\
test "$1" = -S && test "$2" = -p || exit 9
prompt=$3; shift 3
for try in 1 2; do
  printf %s "$prompt" >&2
  read -r said || exit 1
  test "$said" = sesame && exec "$@"
  echo 'Sorry, try again.' >&2
done
echo 'sudo: 2 incorrect password attempts' >&2
exit 1"""


def test_what_was_left_unfinished_before_a_command_does_not_hide_its_answer(root: RootShell) -> None:
    root.run("(printf abc) & sleep 0.1")
    assert root.run("echo mine", timeout=20) == Output(("mine",), 0)


def test_sudo_that_wants_no_password_is_asked_for_none(shell: Shell, channel: Callable[..., Any]) -> None:
    shell.program("sudo", 'shift 3; exec "$@"')
    assert opened(channel(), nobody).run("echo root") == Output(("root",), 0)


def test_S8_the_password_is_asked_for_once_and_is_in_no_command_line(shell: Shell, channel: Callable[..., Any]) -> None:
    shell.program("sudo", SUDO)
    answers, ours = ["sesame"], channel()
    root = opened(ours, lambda prompt: answers.pop())
    assert root.run("echo one").lines + root.run("echo two").lines == ("one", "two")
    assert "sesame" not in ours.executed


def test_a_wrong_password_is_asked_for_again(shell: Shell, channel: Callable[..., Any]) -> None:
    shell.program("sudo", SUDO)
    answers = ["sesame", "wrong"]
    assert opened(channel(), lambda prompt: answers.pop()).run("true").exited == 0


def test_S8_a_password_that_stays_wrong_is_told_in_sudos_words_without_the_password(
    shell: Shell, channel: Callable[..., Any]
) -> None:
    shell.program("sudo", SUDO)
    with pytest.raises(ShellError, match="2 incorrect password attempts") as refused:
        opened(channel(), lambda prompt: "tell nobody")
    assert "tell nobody" not in str(refused.value)


def test_a_sudo_that_says_no_is_told_in_its_words(shell: Shell, channel: Callable[..., Any]) -> None:
    shell.program("sudo", "echo 'qa is not in the sudoers file.' >&2; exit 1")
    with pytest.raises(ShellError, match="not in the sudoers file"):
        opened(channel(), nobody)


def test_a_host_without_sudo_is_told(channel: Callable[..., Any]) -> None:
    with pytest.raises(ShellError, match="sudo: not found"):
        opened(channel(), nobody)


def test_a_second_factor_is_asked_for_in_its_own_words(shell: Shell, channel: Callable[..., Any]) -> None:
    shell.program("sudo", 'printf \'Token code: \'; read -r code; test "$code" = 123456 || exit 1; shift 3; exec "$@"')
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "123456"

    assert opened(channel(), ask).run("true").exited == 0
    assert asked == ["Token code: "]


# What sudo and PAM say beside their questions


def sudo_says(shell: Shell, script: str) -> None:
    """A sudo that does this before it becomes the command."""
    shell.program("sudo", f'shift 3\n{script}\nexec "$@"')


def test_everything_that_sudo_says_is_told_before_its_question(shell: Shell, channel: Callable[..., Any]) -> None:
    sudo_says(shell, "printf 'Duo login\\n\\n 1. Push to XXX-1234\\n 2. Phone\\n\\nOption (1-2): ' >&2; read -r answer")
    heard: list[str] = []
    root = RootShell(channel(), on_said=heard.append)
    assert (heard, root.prompt) == (["Duo login", "1. Push to XXX-1234", "2. Phone"], "Option (1-2): ")
    root.answer("1")
    assert root.run("echo root") == Output(("root",), 0)


def test_what_sudo_says_while_it_waits_is_told_at_once(shell: Shell, channel: Callable[..., Any]) -> None:
    sudo_says(shell, "echo 'Please touch the device.' >&2; until test -e touched; do sleep 0.02; done")
    told: list[str] = []

    def touch(line: str) -> None:
        told.append(line)
        (shell.folder / "touched").touch()

    assert RootShell(channel(), on_said=touch).run("echo root") == Output(("root",), 0)
    assert told == ["Please touch the device."]


def test_a_line_without_an_end_is_a_question_that_is_moot_when_sudo_goes_on(
    shell: Shell, channel: Callable[..., Any]
) -> None:
    sudo_says(shell, "printf 'Please touch the device.' >&2; until test -e touched; do sleep 0.02; done")
    heard: list[str] = []
    root = RootShell(channel(), on_said=heard.append)
    assert (root.prompt, root.spoke) == ("Please touch the device.", False)
    (shell.folder / "touched").touch()
    wait_until(lambda: root.spoke)
    root.listen()
    assert (root.prompt, heard) == (None, [])
    assert root.run("echo root") == Output(("root",), 0)


def test_s8_an_answer_that_comes_too_late_is_no_command(shell: Shell, channel: Callable[..., Any]) -> None:
    sudo_says(shell, "printf 'Touch: ' >&2; until test -e touched; do sleep 0.02; done")
    root = RootShell(channel())
    (shell.folder / "touched").touch()
    wait_until(lambda: root.spoke)
    root.answer(": >executed")
    assert root.run("ls") == Output(("bin", "touched"), 0)


def test_s8_a_password_is_not_told_though_sudo_repeats_its_own_prompt(
    shell: Shell, channel: Callable[..., Any]
) -> None:
    shell.program("sudo", SUDO)
    heard: list[str] = []
    root = RootShell(channel(), on_said=heard.append)
    for password in ("wrong", "sesame"):
        root.answer(password)
    assert (root.prompt, heard) == (None, ["Sorry, try again."])


def test_what_the_login_says_before_sudo_is_not_sudos(shell: Shell, channel: Callable[..., Any]) -> None:
    sudo_says(shell, "echo 'usual lecture'")
    ours, heard = channel(), list[str]()
    execute = ours.exec_command
    ours.exec_command = lambda command: execute(f"echo 'motd of .bashrc'; printf unfinished; {command}")
    RootShell(ours, on_said=heard.append)
    assert heard == ["usual lecture"]


@pytest.mark.parametrize(
    "flood", ["while :; do echo; done", "while :; do printf 'no end'; done", "while :; do echo more; done"]
)
def test_a_sudo_that_never_stops_talking_is_given_up_and_fills_no_memory(
    flood: str, shell: Shell, channel: Callable[..., Any]
) -> None:
    sudo_says(shell, f"({flood}) >&2")
    heard: list[str] = []
    tracemalloc.start()
    with pytest.raises(ShellError, match=r"no answer in 0\.5 s"):
        RootShell(channel(), seconds=0.5, on_said=heard.append)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(heard) <= 101, most < 4_000_000) == (True, True), (len(heard), most)


@pytest.mark.parametrize("seconds", [0.8, 1.5], ids=["before it is taken for a question", "after that"])
def test_s14_a_sudo_that_asks_for_ever_and_waits_for_no_answer_is_given_up(
    seconds: float, shell: Shell, channel: Callable[..., Any]
) -> None:
    sudo_says(shell, f"while :; do printf 'Touch it. ' >&2; sleep {seconds}; echo >&2; done")
    root = RootShell(channel(), seconds=4)

    def hear() -> None:
        for _ in range(20):  # the time between counts for nobody
            wait_until(lambda: root.spoke)
            root.listen()

    with pytest.raises(ShellError, match="no answer in 4 s"):
        hear()


def test_the_time_that_somebody_takes_to_answer_is_not_sudos(shell: Shell, channel: Callable[..., Any]) -> None:
    sudo_says(shell, "printf 'Option: ' >&2; read -r answer; echo Pushed. >&2; sleep 0.5")
    root = RootShell(channel(), seconds=2)
    threading.Event().wait(2.5)
    root.answer("1")
    assert root.prompt is None


def test_a_sudo_that_gives_no_answer_is_told_with_what_it_said_last_and_how_long_it_was_given(
    shell: Shell, channel: Callable[..., Any]
) -> None:
    sudo_says(shell, "echo 'Please touch the device.' >&2; sleep 30")
    with pytest.raises(ShellError, match=r"no answer in 0.2 s \(limits: sudo in hosts.yml\).*Please touch the device"):
        RootShell(channel(), seconds=0.2)


# requiretty: sudo wants a terminal

WANTS_TERMINAL = """\
if ! test -t 0; then echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; fi
printf 'Option (1-2): ' >&2; read -r answer; echo "you said ${#answer} letters" >&2"""


@pytest.fixture
def at_a_terminal(shell: Shell, channel: Callable[..., Any]) -> RootShell:
    """A root shell on a host whose sudo wants one, and has been answered."""
    sudo_says(shell, WANTS_TERMINAL)
    root = RootShell(channel())
    assert root.prompt == "Option (1-2): "
    root.answer("sesame")
    return root


def test_a_sudo_that_wants_a_terminal_gets_one_and_nothing_that_is_typed_comes_back(
    shell: Shell, channel: Callable[..., Any]
) -> None:
    sudo_says(shell, WANTS_TERMINAL)
    heard: list[str] = []
    root = RootShell(channel(), on_said=heard.append)
    root.answer("sesame")
    assert (root.prompt, heard) == (None, ["you said 6 letters"])
    assert root.run("echo one") == Output(("one",), 0)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        pytest.param("test -t 0 || test -t 1 || test -t 2 || echo none", ("none",), id="no terminal"),
        pytest.param("(: </dev/tty) 2>/dev/null || echo none", ("none",), id="no terminal to open"),
        pytest.param("printf 'a\\nb\\r\\n' | od -An -c | tr -s ' '", (" a \\n b \\r \\n",), id="line ends"),
        pytest.param(
            "printf '\\003\\004\\021\\023\\032' | od -An -b", (" 003 004 021 023 032",), id="control characters"
        ),
        pytest.param(f"echo {'x' * 300_000} | wc -c", ("300001",), id="more than a terminal's line"),
    ],
)
def test_what_runs_behind_a_terminal_sees_nothing_of_it(
    command: str, lines: tuple[str, ...], at_a_terminal: RootShell
) -> None:
    assert at_a_terminal.run(command) == Output(lines, 0)


def test_what_runs_behind_a_terminal_does_not_end_with_it(at_a_terminal: RootShell, shell: Shell) -> None:
    at_a_terminal.run("(until test -e go; do sleep 0.02; done; : >ended) >/dev/null 2>&1 &")
    at_a_terminal.close()
    (shell.folder / "go").touch()
    wait_until((shell.folder / "ended").exists)


def test_a_sudo_that_wants_a_terminal_and_says_no_on_one_is_told_in_its_words(
    shell: Shell, channel: Callable[..., Any]
) -> None:
    sudo_says(shell, f"{WANTS_TERMINAL.splitlines()[0]}\necho 'qa is not in the sudoers file.' >&2; exit 1")
    with pytest.raises(ShellError, match="not in the sudoers file"):
        RootShell(channel())


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("not in 20 s")


class Said:
    """A channel that has said all of this, and gives it in these pieces."""

    def __init__(self, text: bytes, cuts: list[int]) -> None:
        edges = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
        self.pieces = [text[a:b] for a, b in pairwise(edges) if a < b]

    def settimeout(self, seconds: float | None) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


SECRETS = (
    "sqlalchemy.exc.OperationalError: postgresql+psycopg2://blockerbugs:{}@db01:5432/blockerbugs",
    "SECRET_KEY = '{}'",
    "FAS_PASSWORD: {}",
    "'token': \"{}\", more",
)
_passwords = st.text("abcXYZ019!$%+_.,;-", min_size=8, max_size=20)


@given(st.lists(st.tuples(st.sampled_from(SECRETS), _passwords), min_size=1), st.lists(st.integers(0, 4000)))
def test_S6_a_secret_is_shown_nowhere_however_the_channel_cuts_it(said: list[tuple[str, str]], cuts: list[int]) -> None:
    root = RootShell.__new__(RootShell)
    lines = [form.format(password) for form, password in said]
    channel: Any = Said("\n".join(["", "--m begins", *lines, "", "--m ends 1", ""]).encode(), cuts)
    root._wire, root._lines = Wire(channel, channel), Lines()
    told: list[str] = []
    output = root._follow("--m", told.append, None)
    outcome = Outcome("\n".join(output.lines), 1.0, failure(1, "\n".join(output.lines)))
    for _, password in said:
        assert not [text for text in (*output.lines, *told, str(outcome)) if password in text]
    assert told
    assert all("[redacted]" in line for line in told)


@given(st.text("abcé→ \t", max_size=30), st.lists(st.integers(0, 200)))
def test_a_line_comes_whole_wherever_the_channel_cuts_it_letters_too(line: str, cuts: list[int]) -> None:
    root = RootShell.__new__(RootShell)
    channel: Any = Said(f"\n--m begins\n{line}x\n\n--m ends 0\n".encode(), cuts)
    root._wire, root._lines = Wire(channel, channel), Lines()
    assert root._follow("--m", None, None) == Output((f"{line}x",), 0)
