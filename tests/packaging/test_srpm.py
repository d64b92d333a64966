"""`invoke srpm`, and what is refused before a hub has heard of it (K6). Real rpm, real tarballs, real git."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Typed
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"


@pytest.mark.smoke
def test_the_srpm_has_the_dist_of_the_targets_builders(project: Project, typed: Typed) -> None:
    said = typed("srpm")
    made = project.sources.parent / "SRPMS" / f"{NVR}.src.rpm"
    assert said.code == 0
    assert f"srpm: {made}" in said.out
    assert made.is_file()


def test_k6_a_missing_tarball_is_named_with_where_it_was_looked_for(project: Project, typed: Typed) -> None:
    project.spec(version="0.4.4.17")
    said = typed("srpm")
    assert said.code == 2
    assert f"blockerbugs-0.4.4.17.tar.gz is not in {project.sources}" in said.err
    assert "it holds blockerbugs-0.4.4.16.tar.gz" in said.err
    assert "next: invoke srpm --from-tag 0.4.4.17" in said.err


def test_rpms_macros_say_where_tarballs_are(project: Project, typed: Typed, fence: Path) -> None:
    (fence / ".rpmmacros").write_text(f"%_sourcedir {fence}/elsewhere\n")
    assert f"is not in {fence}/elsewhere" in typed("srpm").err
    (fence / "elsewhere").mkdir()
    (project.sources / "blockerbugs-0.4.4.16.tar.gz").rename(fence / "elsewhere" / "blockerbugs-0.4.4.16.tar.gz")
    assert typed("srpm").code == 0


@pytest.mark.parametrize(
    ("tarball", "says"),
    [
        (
            {"version": "0.4.4.15", "name": "blockerbugs-0.4.4.16.tar.gz"},
            "the folder is blockerbugs-0.4.4.15, and the spec's %setup enters blockerbugs-0.4.4.16",
        ),
        ({"inside": "0.4.4.15"}, "blockerbugs/__init__.py says 0.4.4.15"),
    ],
    ids=["its folder", "its __version__"],
)
def test_k6_a_tarball_of_another_version_is_refused(
    project: Project, typed: Typed, tarball: dict[str, str], says: str
) -> None:
    project.tarball(**tarball)  # type: ignore[arg-type]  # padding is not in the table
    said = typed("srpm")
    assert said.code == 2
    assert "blockerbugs.spec has version 0.4.4.16, but in" in said.err
    assert says in said.err


def test_k6_a_source_line_that_was_not_changed_with_the_version_is_refused(project: Project, typed: Typed) -> None:
    project.spec(source="blockerbugs-0.4.4.15.tar.gz")
    project.tarball(version="0.4.4.15")
    assert "its name says 0.4.4.15" in typed("srpm").err


@pytest.mark.parametrize("release", ["1%{?dist}.1", "2%{?dist}.10", "1%{?dist}_1"])
def test_a_bump_behind_the_dist_is_the_packagers(project: Project, typed: Typed, release: str) -> None:
    project.spec(release=release)
    assert typed("srpm").code == 0


@pytest.mark.parametrize(
    ("version", "source", "tarball"),
    [
        ("1.0~rc1", "%{name}-%{upstream}.tar.gz", {"version": "1.0rc1"}),
        ("1.0~beta2", "%{name}-%{upstream}.tar.gz", {"version": "1.0b2"}),
        ("1.0^20240101git1234abc", "%{name}-%{upstream}.tar.gz", {"version": "1234abc", "inside": "1.0"}),
        ("1.0", "https://example.org/archive/v1.0.tar.gz#/%{name}-%{version}.tar.gz", {"version": "1.0"}),
        ("1.0", "v%{version}.tar.gz", {"version": "1.0", "name": "v1.0.tar.gz", "inside": "1.0"}),
        ("1.0", "%{name}-%{version}.tar.zst", {"version": "1.0", "name": "blockerbugs-1.0.tar.zst"}),
    ],
    ids=["a prerelease", "another spelling", "a snapshot", "an address", "a tag's archive", "another compression"],
)
def test_k6_what_rpmbuild_takes_for_the_version_is_taken(
    project: Project, typed: Typed, version: str, source: str, tarball: dict[str, str]
) -> None:
    upstream = tarball["version"]
    project.spec(
        version=version, source=source, setup=f"-q -n blockerbugs-{upstream}", before=f"%global upstream {upstream}\n"
    )
    project.tarball(**tarball)  # type: ignore[arg-type]  # padding is not in the table
    said = typed("srpm")
    assert said.code == 0, said


def test_k6_another_prerelease_is_another_version(project: Project, typed: Typed) -> None:
    project.spec(version="1.0~rc2", source="%{name}-1.0rc1.tar.gz", setup="-q -n %{name}-1.0rc1")
    project.tarball(version="1.0rc1")
    said = typed("srpm")
    assert said.code == 2
    assert "its name says 1.0rc1" in said.err


def test_k6_a_missing_prerelease_names_a_tag_that_git_can_have(project: Project, typed: Typed) -> None:
    project.spec(version="1.0~rc1", source="%{name}-1.0rc1.tar.gz")
    assert "next: invoke srpm --from-tag 1.0rc1" in typed("srpm").err


def test_a_folder_of_its_own_is_the_specs_business(project: Project, typed: Typed) -> None:
    project.tarball(folder="upstream-main")
    assert "the spec's %setup enters blockerbugs-0.4.4.16" in typed("srpm").err
    for setup in ("-q -n upstream-main", "-q -c", "-q -c\ncd inner", "-q -c\n%build\ncd docs"):
        project.spec(setup=setup)
        assert typed("srpm").code == 0


@pytest.mark.parametrize("where", [".rpmmacros", "the spec"])
def test_macros_of_the_spec_are_in_rpms_folders(project: Project, typed: Typed, fence: Path, where: str) -> None:
    sources = f"{project.sources}/%{{name}}"
    if where == ".rpmmacros":
        (fence / ".rpmmacros").write_text(f"%_sourcedir {sources}\n")
    else:
        project.spec(before=f"%global _sourcedir {project.sources}/blockerbugs\n")
    assert f"is not in {project.sources}/blockerbugs" in typed("srpm").err
    (project.sources / "blockerbugs").mkdir()
    (project.sources / "blockerbugs-0.4.4.16.tar.gz").rename(
        project.sources / "blockerbugs/blockerbugs-0.4.4.16.tar.gz"
    )
    assert typed("srpm").code == 0


@pytest.mark.parametrize("release", ["1.el7.centos", "1", "1.fc43"])
def test_k6_a_release_with_another_dist_is_refused(project: Project, typed: Typed, release: str) -> None:
    project.spec(release=release)
    said = typed("build")
    assert said.code == 2
    assert f"blockerbugs-0.4.4.16-{release}: its release does not end in .el7" in said.err
    assert "Release: N%{?dist}" in said.err


def test_k6_an_srpm_with_another_dist_is_refused_by_koji_build(project: Project, typed: Typed) -> None:
    spec = project.spec()
    subprocess.run(["rpmbuild", "-bs", "--define", "dist .el7.centos", spec], check=True, capture_output=True)
    said = typed("koji-build", str(project.sources.parent / "SRPMS" / f"{NVR}.centos.src.rpm"))
    assert said.code == 2
    assert f"{NVR}.centos: its release does not end in .el7" in said.err


def test_a_file_that_is_no_srpm_is_refused(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "x.src.rpm").write_text("no rpm")
    said = typed("koji-build", str(tmp_path / "x.src.rpm"))
    assert "x.src.rpm cannot be read: error:" in said.err
    assert "next: invoke srpm" in said.err
    assert f"there is no {tmp_path}/y.src.rpm" in typed("koji-build", f"{tmp_path}/y.src.rpm").err


def test_a_tarball_that_is_none_is_refused(project: Project, typed: Typed) -> None:
    (project.sources / "blockerbugs-0.4.4.16.tar.gz").write_text("<html>404</html>")
    assert "blockerbugs-0.4.4.16.tar.gz is no tarball" in typed("srpm").err


def test_the_version_that_was_meant_has_to_be_the_specs(project: Project, typed: Typed) -> None:
    said = typed("srpm", "--version", "0.4.4.17")
    assert said.code == 2
    assert "blockerbugs.spec has version 0.4.4.16, not 0.4.4.17" in said.err


def test_k6_a_missing_rpmbuild_says_how_to_get_it(
    project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for tool in ("rpm", "rpmspec"):
        (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = typed("srpm")
    assert said.code == 2
    assert "rpmbuild is not installed" in said.err
    assert "next: sudo dnf install rpm-build  # Fedora\n  or: sudo apt-get install rpm  # Debian" in said.err


def test_a_spec_is_named_found_or_asked_for(project: Project, typed: Typed) -> None:
    other = project.checkout / "other.spec"
    other.write_text(project.spec().read_text())
    assert "has more than one spec: blockerbugs.spec, other.spec" in typed("srpm").err
    assert typed("srpm", "--spec", str(other)).code == 0
    assert f"there is no spec {Path('nope.spec').resolve()}" in typed("srpm", "--spec", "nope.spec").err
    for path in project.checkout.glob("*.spec"):
        path.unlink()
    assert "no spec: neither" in typed("srpm").err


def test_a_broken_spec_is_refused_in_rpms_words(project: Project, typed: Typed) -> None:
    path = project.spec()
    path.write_text("Nonsense\n" + path.read_text())
    said = typed("srpm")
    assert said.code == 2
    assert "blockerbugs.spec cannot be read: error: " in said.err


def test_a_missing_patch_is_told_like_a_missing_tarball(project: Project, typed: Typed) -> None:
    project.spec(more="Patch0: there-is-no.patch")
    said = typed("srpm")
    assert said.code == 2
    assert f"there-is-no.patch is not in {project.sources}" in said.err


def test_rpmbuilds_own_words_are_shown_when_it_fails(project: Project, typed: Typed) -> None:
    (project.sources.parent / "SRPMS").write_text("in the way")
    said = typed("srpm")
    assert said.code == 1
    assert "failed: rpmbuild: error: " in said.err
    assert "next: rpmbuild -bs --define 'dist .el7' " in said.err


def test_an_operator_whose_language_is_german_gets_the_srpm(
    project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rpmbuild = tmp_path / "rpmbuild"  # Debian's rpm has no translations: this one speaks as Fedora's does
    rpmbuild.write_text('#!/bin/sh\n/usr/bin/rpmbuild "$@" | sed "s/^Wrote/${LANGUAGE:-Wrote}/"\n')
    rpmbuild.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("LANGUAGE", "de")
    assert typed("srpm").code == 0


def test_a_tarball_is_made_from_a_tag_when_asked(project: Project, typed: Typed) -> None:
    (project.sources / "blockerbugs-0.4.4.16.tar.gz").unlink()
    package = project.checkout / "blockerbugs" / "__init__.py"
    package.parent.mkdir()
    package.write_text('__version__ = "0.4.4.16"\n')
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "0.4.4.16"],
        ["tag", "0.4.4.16"],
    ):
        subprocess.run(["git", *command], cwd=project.checkout, check=True)
    said = typed("srpm", "--from-tag", "0.4.4.16")
    assert said.code == 0
    assert "run: git archive --prefix=blockerbugs-0.4.4.16/" in said.out
    said = typed("srpm", "--from-tag", "v9")
    assert f"{project.checkout} has no tag v9: it has 0.4.4.16" in said.err


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("KOJI_ATTEMPTS", "0", "koji.attempts: 0 should be more than 0"),
        ("KOJI_POLL", "-1.0", "koji.poll: -1.0 should be more than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(f"INVOKE_{name}", value)
    said = typed("srpm")
    assert said.code == 2
    assert problem in said.err


def test_a_setting_from_the_environment_that_is_no_number_is_refused(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_ATTEMPTS", "lots")
    monkeypatch.setenv("INVOKE_KOJI_TIMEOUT", "soon")
    said = typed("build")
    assert said.code == 2
    assert "koji.attempts: 'lots' should be a whole number" in said.err
    assert "koji.timeout: 'soon' should be a number" in said.err


def test_what_is_configured_can_be_shown(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_KOJI_TARGET", "epel8-infra")
    said = typed("show-config", "--key", "koji")
    assert "koji.target: epel8-infra\n" in said.out
    assert "build." not in said.out
    assert "there is no key 'nope'" in typed("show-config", "--key", "nope").err


def test_fab_does_the_same_as_invoke(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABRIC_BUILD_CHECKOUT", str(project.checkout))
    command = [sys.executable, "-m", "fabric", "srpm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{NVR}.src.rpm" in done.stdout


def test_the_list_of_tasks_does_not_wrap(typed: Typed) -> None:
    said = typed("--list")
    assert "push-config" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_line_to_type_without_a_spec_is_the_task_that_was_typed(project: Project, typed: Typed) -> None:
    (project.checkout / "blockerbugs.spec").unlink()
    for words in (("srpm",), ("build", "--srpm-only")):
        said = typed(*words)
        assert f"next: invoke {' '.join(words)} --spec PATH  # or set build.checkout in invoke.yml" in said.err, said
    (project.checkout / "a.spec").touch()
    (project.checkout / "b.spec").touch()
    assert f"next: invoke srpm --spec {project.checkout / 'a.spec'}\n" in typed("srpm").err
    missing = typed("srpm", "--spec", str(project.checkout / "c.spec"))
    assert f"next: ls {project.checkout}\n" in missing.err, missing
