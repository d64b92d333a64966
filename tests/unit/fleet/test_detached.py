"""Steps that outlive their connection, in a real sh with the real tools."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tasks.fleet import detached
from tasks.fleet.detached import DIED, HELD, NEVER, TAKEN_OVER, RunFolder
from tests.unit.builders import Shell
from tests.wanted import wanted

pytestmark = wanted("setsid", "util-linux")
FOLDER = RunFolder("./keep", "0123abcd", "alice@laptop (1)")
STEP = "03-yum-update"


def does(shell: Shell, script: str, run_folder: RunFolder = FOLDER) -> tuple[int, list[str]]:
    ended = shell.run(detached.carry_out(run_folder, STEP, script))
    return ended.returncode, ended.stdout.split()


def states(shell: Shell, run_folder: RunFolder = FOLDER, take_over: bool = False) -> dict[str, str]:
    return detached.read_states(shell.run(detached.states(run_folder, take_over)).stdout)


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def begins(shell: Shell, script: str) -> subprocess.Popen[bytes]:
    """The step is begun and somebody follows it; its pid is known when this returns."""
    follower = subprocess.Popen(
        shell.command(detached.carry_out(FOLDER, STEP, script)),
        cwd=shell.folder,
        env={"PATH": str(shell.bin)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    pid = shell.folder / "keep/0123abcd" / STEP / "pid"
    until(lambda: pid.exists() and bool(pid.read_text()))
    return follower


def dies(follower: subprocess.Popen[bytes]) -> None:
    """The one who follows is gone with all that was started to follow; the step has a session of its own."""
    os.killpg(follower.pid, signal.SIGKILL)
    follower.wait()


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_a_step_ends_with_its_own_status(shell: Shell, status: int) -> None:
    assert does(shell, f"echo said; exit {status}") == (status, ["said"])
    assert states(shell) == {STEP: str(status)}


def test_an_unfinished_last_line_is_shown_too(shell: Shell) -> None:
    assert does(shell, "printf 'one\\ntwo'") == (0, ["one", "two"])


def test_a_step_is_run_in_the_folder_where_it_was_asked_for(shell: Shell) -> None:
    assert does(shell, "pwd") == (0, [str(shell.folder)])


def test_N1_a_step_goes_on_when_its_follower_is_killed_and_is_never_started_twice(shell: Shell) -> None:
    script = "echo x >>ran; until test -e go; do sleep 0.1; done; echo ended; exit 4"
    dies(begins(shell, script))
    assert states(shell) == {STEP: "runs"}
    shell.file("go", "")
    assert does(shell, script) == (4, ["ended"])
    assert (shell.folder / "ran").read_text() == "x\n"


def test_N1_many_who_ask_for_a_step_at_once_start_it_once_and_all_see_it(shell: Shell) -> None:
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda _: does(shell, "echo x >>ran; echo seen; exit 4"), range(6)))
    assert ends == [(4, ["seen"])] * 6
    assert (shell.folder / "ran").read_text() == "x\n"


@pytest.mark.parametrize("goes", ["the folder", "sleep"])
def test_who_follows_a_step_does_not_wait_for_ever_where(goes: str, shell: Shell) -> None:
    """The step's folder is gone, or nothing can be started any more: that is not known to be its end."""
    (shell.folder / "nap").symlink_to(shutil.which("sleep") or "")
    follower = begins(shell, "until test -e go; do ./nap 0.1; done")
    if goes == "sleep":
        (shell.bin / "sleep").unlink()
    else:
        shutil.rmtree(shell.folder / "keep/0123abcd" / STEP)
    assert follower.wait(60) == DIED
    shell.file("go", "")


def test_a_step_that_was_killed_is_told_from_one_that_failed(shell: Shell) -> None:
    follower = begins(shell, "echo begins; sleep 30")
    step = shell.folder / "keep/0123abcd" / STEP
    until(lambda: "begins" in (step / "log").read_text())
    pid = int((step / "pid").read_text())
    os.killpg(pid, signal.SIGKILL)
    assert follower.wait(120) == DIED
    assert states(shell) == {STEP: "died"}
    assert does(shell, "echo again") == (DIED, ["begins"])


@pytest.mark.parametrize(
    "ps",
    [
        pytest.param(None, id="nobody can tell what a process was started with"),
        pytest.param('shift $(($# - 1)); exec tr "\\0" " " </proc/$1/cmdline', id="ps tells it"),
    ],
)
def test_without_proc_a_step_that_lives_is_not_called_dead(ps: str | None, shell: Shell) -> None:
    if ps:
        shell.program("ps", ps)
    shell.library = shell.library.replace("/proc/", "./nowhere/")
    with subprocess.Popen(
        ["sh", "-c", "read x; :", "sh", detached.mark(FOLDER, STEP)], stdin=subprocess.PIPE
    ) as runner:
        shell.file(f"keep/0123abcd/{STEP}/pid", f"{runner.pid}\n")
        found = [states(shell)]
        runner.communicate()
        found.append(states(shell))
    assert found == [{STEP: "runs"}, {STEP: "died"}]


def test_with_proc_no_ps_is_wanted_and_another_process_of_that_number_is_not_the_step(shell: Shell) -> None:
    (shell.folder / "keep/0123abcd" / STEP).mkdir(parents=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    shell.file(f"keep/0123abcd/{STEP}/boot", boot)
    found = []
    for argument in (detached.mark(FOLDER, STEP), "another"):
        with subprocess.Popen(["sh", "-c", "read x; :", "sh", argument], stdin=subprocess.PIPE) as runner:
            shell.file(f"keep/0123abcd/{STEP}/pid", f"{runner.pid}\n")
            found.append(states(shell))
            runner.communicate()
    assert found == [{STEP: "runs"}, {STEP: "died"}]


def test_a_step_of_before_a_restart_has_died_whoever_has_its_pid_now(shell: Shell) -> None:
    (shell.folder / "nap").symlink_to(shutil.which("sleep") or "")
    follower = begins(shell, "until test -e go; do sleep 0.1; done")
    (shell.folder / "keep/0123abcd" / STEP / "boot").write_text("another boot\n")
    assert states(shell) == {STEP: "died"}
    shell.file("go", "")
    dies(follower)


def test_a_step_that_has_no_pid_yet_is_beginning_not_dead(shell: Shell) -> None:
    (shell.folder / "keep/0123abcd" / STEP).mkdir(parents=True)
    assert states(shell) == {STEP: "runs"}


def test_n6_a_step_whose_host_lost_its_power_as_it_began_has_died_and_nobody_waits_for_it(shell: Shell) -> None:
    shell.file(f"keep/0123abcd/{STEP}/pid", "")
    assert states(shell) == {STEP: "died"}
    assert does(shell, "echo x >>ran") == (DIED, [])
    assert not (shell.folder / "ran").exists()


def test_n6_a_step_that_did_not_begin_in_time_never_began_and_cannot_begin_late(shell: Shell) -> None:
    step = shell.folder / "keep/0123abcd" / STEP
    step.mkdir(parents=True)
    os.utime(step, (time.time() - 300,) * 2)
    assert states(shell) == {STEP: "never"}
    late = f"step_run keep/0123abcd/{STEP} mark 022 'echo x >>ran'"
    assert shell.run(late).returncode != 0
    assert does(shell, "echo x >>ran") == (NEVER, [])
    assert (states(shell), (shell.folder / "ran").exists()) == ({STEP: "never"}, False)


@pytest.mark.parametrize(
    ("spoil", "state"),
    [
        pytest.param(lambda step: (step / "boot").write_text("another boot\n"), "died", id="its host lost its power"),
        pytest.param(lambda step: (step / "begun").mkdir(), "died", id="version 0.1 began it, or gave it up"),
        pytest.param(lambda step: os.utime(step, (10.0, 10.0)), "died", id="its folder is older than this boot"),
        pytest.param(lambda step: None, "never", id="nothing else happened"),
    ],
)
def test_n6_that_a_step_never_began_is_said_only_where_it_is_sure_and_a_takeover_waits_for_none(
    spoil: Callable[[Path], object], state: str, shell: Shell
) -> None:
    step = shell.folder / "keep/0123abcd" / STEP
    step.mkdir(parents=True)
    spoil(step)
    assert states(shell, RunFolder("./keep", "0123abcd", "bob@desk (2)"), take_over=True) == {STEP: state}
    (step / "boot").write_text("a later boot\n")
    assert states(shell) == {STEP: state}


def test_n6_who_starts_a_step_whose_runner_is_killed_at_once_need_not_wait_to_know_that_it_never_began(
    shell: Shell,
) -> None:
    shell.program("setsid", "kill -9 $$")
    began = time.monotonic()
    assert does(shell, "echo x >>ran") == (NEVER, [])
    assert time.monotonic() - began < 20  # not 30 s, as for a host that is only busy


def test_s13_a_folder_or_a_state_that_no_step_has_is_not_shown() -> None:
    said = "step\t01-$(reboot)\t0\nstep\t02-sync\t$(reboot)\nstep\t03-stop-httpd.2\t137\nstep\t../lock\truns\n"
    assert detached.read_states(said) == {"02-sync": "died", "03-stop-httpd.2": "137"}


@pytest.mark.parametrize("name", ["bob@desk (2)", "CORP\\nina@desk (2)"])
def test_a_host_starts_nothing_for_a_driver_that_was_replaced(name: str, shell: Shell) -> None:
    bob = RunFolder("./keep", "0123abcd", name)
    assert states(shell, bob, take_over=True) == {}
    assert does(shell, "echo x >>ran") == (TAKEN_OVER, name.split())
    assert not (shell.folder / "ran").exists()
    assert does(shell, "echo x", bob) == (0, ["x"])


def test_o2_of_two_who_take_a_run_over_at_once_both_know_who_carries_it_out(shell: Shell) -> None:
    def takes_over(name: str) -> tuple[int, str]:
        ended = shell.run(detached.states(RunFolder("./keep", "0123abcd", name), take_over=True))
        return ended.returncode, ended.stdout

    with ThreadPoolExecutor(2) as pool:
        for number in range(40):
            names = [f"{who}@desk ({number})" for who in ("ann", "bob")]
            said = list(pool.map(takes_over, names))
            driver = (shell.folder / "keep/0123abcd/driver").read_text().strip()
            assert [code for code, _ in said] == [0, 0], said
            assert driver in names
            assert detached.read_driver(said[names.index(driver)][1]) == driver


@pytest.mark.parametrize("status", [NEVER, HELD, TAKEN_OVER, DIED])
def test_a_step_cannot_say_what_only_the_host_may_say_of_a_run(status: int, shell: Shell) -> None:
    assert does(shell, f"exit {status}") == (1, [])


def test_where_nothing_can_be_kept_nothing_is_started(shell: Shell) -> None:
    shell.file("keep", "a file stands where the folder should be")
    code, _ = does(shell, "echo x >>ran")
    assert code == 1
    assert not (shell.folder / "ran").exists()


def test_what_is_kept_is_for_root_alone(shell: Shell) -> None:
    does(shell, "echo secret")
    kept = [shell.folder / "keep/0123abcd", *(shell.folder / "keep/0123abcd").rglob("*")]
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("line", ["step\tx", "nonsense", "", "step\ta\tb\tc"])
def test_what_is_no_state_is_not_read_as_one(line: str) -> None:
    assert detached.read_states(f"{line}\nstep\t01-a\t0") == {"01-a": "0"}


@pytest.mark.parametrize("sh", [sh for sh in ("sh", "bash", "dash", "ksh", "busybox") if shutil.which(sh)])
@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("one\n", "one"),
        ("one\ntwo\n", "one"),
        ("without an end", "without an end"),
        (r" DOMAIN\anna  $HOME" + "\n", r" DOMAIN\anna  $HOME"),
        ("", ""),
        (None, ""),
    ],
)
def test_every_sh_reads_a_line_as_it_stands_in_the_file(kept: str | None, read: str, sh: str, shell: Shell) -> None:
    if kept is not None:
        (shell.folder / "kept").write_text(kept)
    script = f"{detached.functions()}\nfound=old; line found ./kept || exit 9; printf '<%s>' \"$found\""
    command = [str(shutil.which(sh)), *(["sh"] if sh == "busybox" else []), "-c", script]
    ended = subprocess.run(command, cwd=shell.folder, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == (f"<{read}>", "", 0)


@pytest.mark.parametrize("umask", ["022", "027"])
def test_a_script_makes_its_files_as_for_somebody_who_types_it(umask: str, shell: Shell) -> None:
    sent = f"umask {umask}\n{detached.carry_out(FOLDER, STEP, 'umask; : >made')}"
    assert shell.run(sent).stdout.split() == [f"0{umask}"]
    assert (shell.folder / "made").stat().st_mode & 0o777 == 0o666 & ~int(umask, 8)
    kept = [path for path in (shell.folder / "keep").rglob("*") if path.is_file()]
    assert [path.name for path in kept if path.stat().st_mode & 0o077] == []


@pytest.fixture
def full(shell: Shell) -> Iterator[Callable[[], None]]:
    """`keep` is a small disk, and this fills it."""
    disk = shell.folder / "keep"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "keep", str(disk)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk wants root, and a kernel that mounts one")

    def fill() -> None:
        with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x" * 4096):
                pass

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_where_the_disk_is_full_nobody_is_said_to_have_taken_the_run_over(
    shell: Shell, full: Callable[[], None]
) -> None:
    full()
    assert does(shell, "echo x >>ran") == (1, ["nothing", "can", "be", "kept", "in", "./keep/0123abcd"])
    (shell.folder / "keep/filler").unlink()
    assert does(shell, "echo x >>ran") == (0, [])


def test_who_cannot_become_the_driver_is_told(shell: Shell, full: Callable[[], None]) -> None:
    assert does(shell, "true") == (0, [])
    full()
    bob = RunFolder(FOLDER.root, FOLDER.run, "bob@desk (2)" + "x" * 4096)
    refused = shell.run(detached.states(bob, take_over=True))
    assert (refused.returncode, "nothing can be kept" in refused.stdout) == (1, True)


def test_a_step_that_fills_the_disk_is_followed_to_its_end_and_not_for_ever(
    shell: Shell, full: Callable[[], None]
) -> None:
    assert does(shell, "cat /dev/zero >keep/filler 2>/dev/null; true")[0] == DIED
