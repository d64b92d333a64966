"""Where `invoke push-config` pushes, what of, and that it asks: what is pushed is what was shown and checked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.ansible.checkout import template_state

from .conftest import Typed
from .repo import SETTINGS, TEMPLATE, Repo

FEATURE = "feature"


def on_a_feature_branch(repo: Repo) -> None:
    repo.git("switch", "-qc", FEATURE)
    repo.git("push", "-q", "--set-upstream", "origin", FEATURE)


def pushed(fence: Path, branch: str = "main", name: str = "upstream.git") -> str:
    return Repo(fence / name).git("log", "-1", "--format=%s", branch)


def refused(repo: Repo, typed: Typed, *says: str, line: tuple[str, ...] = ()) -> None:
    before = repo.state()
    said = typed("push-config", "--yes", *line)
    assert said.code == 2, said
    for words in says:
        assert words in said.err
    assert repo.state() == before


def test_g1_a_branch_that_is_not_applied_is_refused_and_keeps_the_gate_shut(
    mine: Repo, fence: Path, typed: Typed
) -> None:
    on_a_feature_branch(mine)
    refused(
        mine,
        typed,
        "feature goes to origin/feature, but origin/main is what is applied (the HEAD of origin)",
        "invoke push-config --branch feature",
        f"next: git -C {mine.root} switch main",
    )
    said = typed("push-config", "--yes", "--branch", FEATURE)
    assert said.code == 0
    assert "the ansible host applies branch main; you pushed feature: hosts are unchanged" in said.out
    assert "rbac-playbook" not in said.out
    assert (pushed(fence, FEATURE), pushed(fence)) == ("blockerbugs: change blockerbugs-settings.py.j2", "a change")
    assert "that origin/main does not have" in template_state(mine.root, TEMPLATE)[0]


def test_g1_the_branch_that_is_applied_is_a_setting(
    mine: Repo, fence: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_ANSIBLE_BRANCH", FEATURE)
    refused(mine, typed, "main goes to origin/main, but origin/feature is what is applied (ansible.branch)")
    on_a_feature_branch(mine)
    said = typed("push-config", "--yes")
    assert "next, on the ansible host" in said.out
    assert template_state(mine.root, TEMPLATE, FEATURE) == []


def test_g1_the_gate_stays_shut_while_the_applied_branch_is_not_known(mine: Repo) -> None:
    mine.git("remote", "set-head", "origin", "--delete")
    mine.git("checkout", "-q", "--", TEMPLATE)
    assert template_state(mine.root, TEMPLATE) == []
    on_a_feature_branch(mine)
    warning = template_state(mine.root, TEMPLATE)[0]
    assert "which branch is applied is not known" in warning
    subprocess.run(["sh", "-ec", warning.rpartition(": ")[2]], check=True, capture_output=True)
    assert template_state(mine.root, TEMPLATE) == []
    assert "has not fetched origin/trunk" in template_state(mine.root, TEMPLATE, "trunk")[0]


def test_g1_a_branch_typed_that_the_checkout_is_not_on_is_refused(mine: Repo, typed: Typed) -> None:
    refused(mine, typed, "--branch trunk: main goes to origin/main", line=("--branch", "trunk"))


def test_g1_a_renamed_branch_is_not_made_again(mine: Repo, fence: Path, typed: Typed) -> None:
    Repo(fence / "upstream.git").git("branch", "-m", "main", "trunk")
    before = mine.state()
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert "origin has no branch main; its branch is trunk now" in said.err
    assert mine.state() == before
    cure = said.err.partition("next: ")[2].strip()
    subprocess.run(["sh", "-ec", cure], check=True, capture_output=True)
    assert typed("push-config", "--yes").code == 0
    assert Repo(fence / "upstream.git").git("branch", "--format=%(refname:short)") == "trunk"


@pytest.mark.parametrize("key", ["branch.main.pushRemote", "remote.pushDefault"])
def test_g1_a_push_that_git_would_send_elsewhere_is_refused(mine: Repo, fence: Path, typed: Typed, key: str) -> None:
    mine.git("remote", "add", "fork", str(fence / "fork.git"))
    mine.git("config", key, "fork")
    before = mine.state()
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert f"main follows origin, but git would push it to fork ({key})" in said.err
    assert mine.state() == before
    subprocess.run(["sh", "-ec", said.err.partition("next: ")[2].strip()], check=True)
    assert typed("push-config", "--yes").code == 0


def test_g1_an_upstream_that_is_no_servers_is_refused(mine: Repo, fence: Path, typed: Typed) -> None:
    mine.git("branch", "other")
    mine.git("branch", "-q", "--set-upstream-to=other")
    refused(mine, typed, "the upstream of main is a branch of this checkout, other")
    mine.git("config", "branch.main.remote", str(fence / "upstream.git"))
    refused(mine, typed, f"the upstream of main is at {fence}/upstream.git, which is no remote here")


def test_g3_of_two_push_urls_each_is_told(mine: Repo, fence: Path, typed: Typed) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", fence / "upstream.git", fence / "mirror.git"], check=True)
    for name in ("upstream.git", "mirror.git"):
        mine.git("remote", "set-url", "--add", "--push", "origin", str(fence / name))
    hook = fence / "mirror.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    said = typed("push-config", "--yes")
    assert said.code == 1
    assert "nothing was changed" not in said.err
    assert f"{fence}/upstream.git has it in main" in said.err
    assert f"{fence}/mirror.git does not have it in main now" in said.err
    hook.unlink()
    subprocess.run(["sh", "-ec", said.err.partition("next: ")[2].strip()], check=True, capture_output=True)
    assert pushed(fence, name="mirror.git") == pushed(fence)


LITERAL = SETTINGS.replace("{{ blockerbugs_secret_key }}", "hunter2")


def test_g2_a_literal_for_a_secret_is_refused_unless_there_is_a_reason(mine: Repo, fence: Path, typed: Typed) -> None:
    mine.template.write_text(LITERAL)
    before = mine.state()
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert f"{TEMPLATE}, line 1: SECRET_KEY is in plain text" in said.err
    assert 'invoke push-config --literal "reason"' in said.err
    assert "  | -SECRET_KEY = '{{ blockerbugs_secret_key }}'" in said.out
    assert "  | +SECRET_KEY = [redacted]" in said.out
    assert "hunter2" not in said.out + said.err
    assert mine.state() == before
    assert typed("push-config", "--yes", "--literal", "the sandbox's own").code == 0
    assert "the sandbox's own" in Repo(fence / "upstream.git").git("log", "-1", "--format=%b", "main")


def test_g2_a_secret_in_a_commit_before_the_last_is_refused(mine: Repo, typed: Typed) -> None:
    mine.commit(TEMPLATE, LITERAL)
    mine.commit(TEMPLATE, SETTINGS + "A = 1\n")
    refused(mine, typed, "SECRET_KEY is in plain text")


def test_g2_a_secret_that_the_server_has_may_go(mine: Repo, clone: Callable[[str], Repo], typed: Typed) -> None:
    other = clone("other")
    other.commit(TEMPLATE, LITERAL)
    other.git("push", "-q")
    mine.git("checkout", "-q", "--", TEMPLATE)
    mine.git("pull", "-q")
    mine.template.write_text(LITERAL + "A = 1\n")
    assert typed("push-config", "--yes").code == 0
    mine.template.write_text(SETTINGS)
    said = typed("push-config", "--yes")
    assert said.code == 0
    assert "  | -SECRET_KEY = [redacted]" in said.out
    assert "  | +SECRET_KEY = '{{ blockerbugs_secret_key }}'" in said.out


def test_nothing_is_pushed_before_somebody_agrees(
    mine: Repo, fence: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = mine.state()
    said = typed("push-config", "--message", "it has moved")
    assert said.code == 2
    assert "+BUGZILLA_URL" in said.out
    assert "next: invoke push-config --message 'it has moved' --yes" in said.err
    monkeypatch.setattr("tasks.report.asking.can_ask", lambda: True)
    for answer, code in (("n", 2), ("", 2), ("y", 0)):
        assert mine.state() == before
        monkeypatch.setattr("tasks.report.asking.ask", lambda _question, _moot, answer=answer: answer)
        assert typed("push-config").code == code
    assert pushed(fence) == "blockerbugs: change blockerbugs-settings.py.j2"


def test_a_plan_shows_and_checks_and_pushes_nothing(mine: Repo, fence: Path, typed: Typed) -> None:
    before = mine.state()
    said = typed("push-config", "--plan")
    assert said.code == 0
    assert "+BUGZILLA_URL" in said.out
    assert (mine.state(), pushed(fence)) == (before, "a change")


def test_g4_a_template_that_the_check_refuses_can_be_pushed_with_a_reason(
    mine: Repo, fence: Path, typed: Typed
) -> None:
    mine.template.write_text("A = = 1\n")
    refused(mine, typed, "line 1: no Python", 'invoke push-config --unchecked "reason"')
    assert typed("push-config", "--yes", "--unchecked", "a new syntax").code == 0
    assert "a new syntax" in Repo(fence / "upstream.git").git("log", "-1", "--format=%b", "main")


def test_g4_what_the_rebase_makes_is_what_is_checked(mine: Repo, clone: Callable[[str], Repo], typed: Typed) -> None:
    other = clone("other")
    other.commit(TEMPLATE, "X = (\n" + SETTINGS)  # fits with ours, and is no Python any more
    other.git("push", "-q")
    refused(mine, typed, "no Python")


def test_g3_who_is_overtaken_rebases_once_more(
    mine: Repo, clone: Callable[[str], Repo], fence: Path, typed: Typed
) -> None:
    other = clone("other")
    other.commit("README", "somebody was faster\n")
    hook = mine.root / ".git" / "hooks" / "pre-push"
    hook.write_text(
        f"#!/bin/sh\ntest -e {fence}/once || env -u GIT_DIR git -C {other.root} push -q\ntouch {fence}/once\n"
    )
    hook.chmod(0o755)
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert "somebody was faster: fetching origin/main and rebasing once more" in said.out
    assert said.out.count("+BUGZILLA_URL") == 1
    assert mine.git("log", "-2", "--format=%s") == "blockerbugs: change blockerbugs-settings.py.j2\na change"


def test_g3_a_hook_of_the_checkout_is_told_in_its_own_words(mine: Repo, typed: Typed) -> None:
    for name, says in (("pre-push", "(pre-push) stopped the push: no pushes today"), ("pre-commit", "no pushes today")):
        hook = mine.root / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\necho no pushes today >&2\nexit 1\n")
        hook.chmod(0o755)
        refused(mine, typed, says)
        assert "rejected" not in typed("push-config", "--yes").err
        hook.unlink()


def test_g3_a_hook_that_mends_the_file_is_taken_at_its_word(mine: Repo, fence: Path, typed: Typed) -> None:
    hook = mine.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\ngrep -q MENDED {TEMPLATE} || {{ echo 'MENDED = 1' >>{TEMPLATE}; exit 1; }}\n")
    hook.chmod(0o755)
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert "  | +MENDED = 1" in said.out
    assert mine.template.read_text().endswith("MENDED = 1\n")
    assert mine.git("status", "-sb") == "## main...origin/main"


@pytest.mark.parametrize("bit", ["--skip-worktree", "--assume-unchanged"])
def test_g4_a_change_that_git_was_told_not_to_see_is_seen(mine: Repo, fence: Path, typed: Typed, bit: str) -> None:
    mine.git("update-index", bit, TEMPLATE)
    assert "has uncommitted changes" in template_state(mine.root, TEMPLATE)[0]
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert "bugzilla.redhat.com" in mine.template.read_text()
    assert "bugzilla.redhat.com" in Repo(fence / "upstream.git").git("show", f"main:{TEMPLATE}")


def test_g4_a_template_that_is_not_tracked_yet_is_a_new_file(mine: Repo, fence: Path, typed: Typed) -> None:
    mine.git("rm", "-q", "--cached", TEMPLATE)
    mine.git("commit", "-qm", "out")
    mine.git("push", "-q")
    assert typed("push-config", "--yes").code == 0
    assert mine.git("status", "-sb") == "## main...origin/main"
    assert "bugzilla.redhat.com" in mine.template.read_text()


def test_g4_a_link_and_a_submodule_name_what_is_to_be_pushed_instead(mine: Repo, fence: Path, typed: Typed) -> None:
    real = mine.root / "files" / "real.j2"
    real.parent.mkdir()
    mine.template.rename(real)
    mine.template.symlink_to(real)
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert f"{TEMPLATE} is a link, to {real}" in said.err
    assert "next: INVOKE_ANSIBLE_TEMPLATE=files/real.j2 invoke push-config" in said.err
    mine.template.unlink()
    mine.template.parent.rmdir()
    mine.git("-c", "protocol.file.allow=always", "clone", "-q", str(fence / "upstream.git"), str(mine.template.parent))
    mine.template.write_text("A = 1\n")
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert f"INVOKE_ANSIBLE_CHECKOUT={mine.template.parent} INVOKE_ANSIBLE_TEMPLATE=" in said.err


def test_g4_mode_and_line_ends_are_told_and_carried(mine: Repo, fence: Path, typed: Typed) -> None:
    mine.template.chmod(0o755)
    mine.template.write_bytes(SETTINGS.replace("\n", "\r\n").encode())
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert "the file's mode: 100644 → 100755" in said.out
    assert "the line ends: LF → CRLF, in all lines" in said.out
    assert Repo(fence / "upstream.git").git("ls-tree", "main", TEMPLATE).startswith("100755")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a checkout to somebody else")
def test_g1_a_checkout_of_somebody_else_is_named_with_the_cure(mine: Repo, typed: Typed) -> None:
    subprocess.run(["chown", "-R", "4711", mine.root], check=True)
    assert "dubious ownership" in template_state(mine.root, TEMPLATE)[0]
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert "detected dubious ownership" in said.err
    subprocess.run(["sh", "-ec", said.err.partition("next: ")[2].strip()], check=True)
    assert typed("push-config", "--yes").code == 0


def test_ctrl_c_at_the_question_leaves_nothing(mine: Repo, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(_question: str, _moot: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.report.asking.can_ask", lambda: True)
    monkeypatch.setattr("tasks.report.asking.ask", leave)
    before = mine.state()
    said = typed("push-config")
    assert said.code == 130
    assert "interrupted: nothing was pushed, the checkout is as it was" in said.err
    assert mine.state() == before


def test_a_last_line_without_an_end_is_told(mine: Repo, typed: Typed) -> None:
    mine.template.write_text(SETTINGS.removesuffix("\n"))
    said = typed("push-config", "--yes")
    assert said.code == 0
    assert "the last line has no end" in said.out


def test_an_edit_while_it_asks_is_not_lost(mine: Repo, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_question: str, _moot: object) -> str:
        mine.template.write_text("LATER = 1\n")
        return "y"

    monkeypatch.setattr("tasks.report.asking.can_ask", lambda: True)
    monkeypatch.setattr("tasks.report.asking.ask", answer)
    said = typed("push-config")
    assert said.code == 0
    assert "stays behind origin/main: it was changed meanwhile" in said.out
    assert mine.template.read_text() == "LATER = 1\n"
