"""`invoke push-config` with real git: a bare upstream, the operator's checkout, and somebody who pushes first."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.ansible.checkout import template_state

from .conftest import Typed
from .repo import SETTINGS, TEMPLATE, Repo


def test_the_change_is_shown_committed_rebased_pushed(mine: Repo, clone: Callable[[str], Repo], typed: Typed) -> None:
    other = clone("other")
    other.commit("README", "somebody was faster\n")
    other.git("push", "-q")
    (mine.root / "notes").write_text("mine\n")
    said = typed("push-config", "--yes", "--message", "bugzilla has moved")
    assert (said.code, said.err) == (0, "")
    assert "  | +BUGZILLA_URL = 'https://bugzilla.redhat.com'" in said.out
    assert "next, on the ansible host: sudo rbac-playbook groups/blockerbugs.yml" in said.out
    other.git("pull", "-q")
    assert "bugzilla.redhat.com" in other.template.read_text()
    assert other.git("log", "-1", "--format=%s", "--name-only").split("\n") == ["bugzilla has moved", "", TEMPLATE]
    assert mine.git("rev-parse", "HEAD") == other.git("rev-parse", "HEAD")
    assert mine.git("status", "--porcelain") == "?? notes"
    assert (mine.root / "README").read_text() == "somebody was faster\n"


def test_secrets_in_the_diff_are_redacted(mine: Repo, typed: Typed) -> None:
    text = mine.template.read_text()
    text = text.replace("{{ blockerbugs_secret_key }}", "hunter2").replace("{{ blockerbugs_db_password }}", "hunter3")
    mine.template.write_text(text)
    said = typed("--dry", "push-config")
    assert "hunter" not in said.out + said.err
    assert "  | +SECRET_KEY = [redacted]" in said.out


def test_a_dry_run_changes_nothing(mine: Repo, typed: Typed) -> None:
    before = mine.state()
    said = typed("--dry", "push-config")
    assert said.code == 0
    assert "would push to origin/main: blockerbugs: change blockerbugs-settings.py.j2" in said.out
    assert mine.state() == before


def test_nothing_changed_is_nothing_to_push(mine: Repo, typed: Typed) -> None:
    mine.git("checkout", "-q", "--", TEMPLATE)
    said = typed("push-config", "--yes")
    assert said.code == 0
    assert f"nothing to push: origin/main has {TEMPLATE} as it is here" in said.out


def test_a_commit_made_by_hand_is_pushed_too(mine: Repo, clone: Callable[[str], Repo], typed: Typed) -> None:
    mine.git("commit", "-qam", "by hand")
    assert typed("push-config", "--yes").code == 0
    assert clone("other").git("log", "-1", "--format=%s") == "by hand"
    assert mine.git("status", "-sb") == "## main...origin/main"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("PORT = {{ port }}", "PORT = = 1", "line 6: no Python"),
        ('FEDMENU_URL = "', "FEDMENU_URL = ", "line 4, when env == 'staging': no Python"),
        ("{% endif %}", "", "Unexpected end of template"),
    ],
    ids=["no Python", "no Python in stg", "no Jinja2"],
)
def test_a_template_that_becomes_no_python_is_refused(mine: Repo, typed: Typed, old: str, new: str, says: str) -> None:
    mine.template.write_text(SETTINGS.replace(old, new))
    before = mine.state()
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert says in said.err
    assert mine.state() == before


def staged(repo: Repo) -> None:
    (repo.root / "README").write_text("staged\n")
    repo.git("add", "README")


def detached(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")


def ahead(repo: Repo) -> None:
    repo.commit("README", "not pushed\n")


def no_upstream(repo: Repo) -> None:
    repo.git("checkout", "-qb", "topic")


def merging(repo: Repo) -> None:
    (repo.root / ".git" / "MERGE_HEAD").write_text(repo.git("rev-parse", "HEAD") + "\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (staged, "other changes are staged in"),
        (detached, "is on no branch (detached HEAD)"),
        (ahead, "main has unpushed commits that touch other files: README"),
        (no_upstream, "topic has no upstream"),
        (merging, "MERGE_HEAD is not finished"),
    ],
)
def test_a_checkout_that_is_not_fit_is_refused(
    mine: Repo, typed: Typed, spoil: Callable[[Repo], None], says: str
) -> None:
    spoil(mine)
    before = mine.git("status", "--porcelain"), mine.git("rev-parse", "HEAD")
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert says in said.err
    assert (mine.git("status", "--porcelain"), mine.git("rev-parse", "HEAD")) == before


def test_a_conflict_leaves_the_checkout_as_it_was(mine: Repo, clone: Callable[[str], Repo], typed: Typed) -> None:
    other = clone("other")
    other.commit(TEMPLATE, SETTINGS.replace("https://bugzilla.example.org", "https://elsewhere.example.org"))
    other.git("push", "-q")
    before = mine.state()
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert "was changed in origin/main as well, and the changes conflict" in said.err
    assert mine.state() == before


def test_a_change_beside_ours_is_merged(mine: Repo, clone: Callable[[str], Repo], typed: Typed) -> None:
    other = clone("other")
    other.commit(TEMPLATE, "# a comment\n" + SETTINGS)
    other.git("push", "-q")
    assert typed("push-config", "--yes").code == 0
    text = mine.template.read_text()
    assert text.startswith("# a comment")
    assert "bugzilla.redhat.com" in text
    assert mine.git("status", "-sb") == "## main...origin/main"


def test_a_rejected_push_leaves_the_checkout_as_it_was(mine: Repo, fence: Path, typed: Typed) -> None:
    hook = fence / "upstream.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'frozen until the release'\nexit 1\n")
    hook.chmod(0o755)
    before = mine.state()
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert "origin rejected the push: remote: frozen until the release" in said.err
    assert mine.state() == before


def test_other_changed_files_in_the_way_only_leave_the_checkout_behind(
    mine: Repo, clone: Callable[[str], Repo], typed: Typed
) -> None:
    other = clone("other")
    other.commit("README", "somebody was faster\n")
    other.git("push", "-q")
    (mine.root / "README").write_text("being edited\n")
    said = typed("push-config", "--yes")
    assert said.code == 0
    assert "stays behind origin/main" in said.out
    assert (mine.root / "README").read_text() == "being edited\n"
    assert "bugzilla.redhat.com" in mine.template.read_text()


def test_a_checkout_that_is_locked_after_the_push_is_no_refusal(mine: Repo, typed: Typed) -> None:
    (mine.root / ".git" / "index.lock").touch()
    said = typed("push-config", "--yes")
    assert said.code == 0
    assert "pushed" in said.out
    assert "stays behind origin/main: fatal: Unable to create" in said.out
    assert "next, on the ansible host" in said.out
    assert "bugzilla.redhat.com" in mine.template.read_text()


def test_an_upstream_that_is_gone_is_told_in_gits_words(mine: Repo, fence: Path, typed: Typed) -> None:
    (fence / "upstream.git").rename(fence / "gone.git")
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert "git ls-remote with origin in" in said.err
    assert "does not appear to be a git repository" in said.err


def test_g1_variables_of_git_do_not_lead_to_another_repository(
    mine: Repo, clone: Callable[[str], Repo], fence: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", fence / "upstream.git", fence / "other.git"], check=True)
    subprocess.run(["git", "clone", "-q", fence / "other.git", fence / "other"], check=True)
    other = Repo(fence / "other")
    before = other.state()
    for name, value in (
        ("GIT_DIR", f"{other.root}/.git"),
        ("GIT_INDEX_FILE", f"{other.root}/.git/index"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "remote.origin.url"),
        ("GIT_CONFIG_VALUE_0", str(fence / "other.git")),
    ):
        monkeypatch.setenv(name, value)
    said = typed("push-config", "--yes")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    assert said.code == 0
    assert other.state() == before
    assert clone("third").git("log", "-1", "--format=%s") == "blockerbugs: change blockerbugs-settings.py.j2"


def test_no_checkout_names_the_setting(fence: Path, typed: Typed) -> None:
    said = typed("push-config", "--yes")
    assert said.code == 2
    assert f"ansible.checkout is {fence}/ansible: there is no folder\n" in said.err
    assert "next: INVOKE_ANSIBLE_CHECKOUT=PATH invoke push-config  # or set ansible.checkout in invoke.yml" in said.err


def test_the_plan_is_told_of_a_template_that_is_not_pushed(mine: Repo, tmp_path: Path) -> None:
    assert template_state(tmp_path, TEMPLATE) == []
    assert template_state(mine.root, TEMPLATE) == [
        f"blockerbugs-settings.py.j2 has uncommitted changes in {mine.root}: invoke push-config"
    ]
    mine.git("commit", "-qam", "by hand")
    commit = mine.git("rev-parse", "--short", "HEAD")
    assert template_state(mine.root, TEMPLATE) == [
        f"blockerbugs-settings.py.j2 has commits in {mine.root} ({commit}) that origin/main does not have:"
        " invoke push-config"
    ]
    mine.git("push", "-q")
    assert template_state(mine.root, TEMPLATE) == []
    mine.git("checkout", "-qb", "topic")
    assert "has no upstream branch" in template_state(mine.root, TEMPLATE)[0]
