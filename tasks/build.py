"""From a tarball to the tag: what is typed before anything is upgraded."""

from __future__ import annotations

from pathlib import Path

from invoke import Context, task

_SPEC = {
    "spec": "The spec file. Default: the only one in build.checkout, or NAME.spec in rpm's _specdir.",
    "version": "The version that the spec must have.",
    "from_tag": "Make the tarball from this git tag of the spec's checkout.",
}
_KOJI = {
    "profile": "The profile in koji's configuration. Default: koji.profile.",
    "attempts": "How often to submit while it goes to wrong builders. Default: koji.attempts.",
    "scratch": "Build for nothing but the look at it: no NVR, no tag.",
    "no_wait": "Submit, print how to go on watching, and end.",
}


@task(
    help={
        **_SPEC,
        **_KOJI,
        "srpm_only": "Make the SRPM and stop.",
        "task": "Go on watching this task; nothing is made and submitted.",
    },
    auto_shortflags=False,
)
def build(
    context: Context,
    spec: str = "",
    version: str = "",
    from_tag: str = "",
    srpm_only: bool = False,
    scratch: bool = False,
    no_wait: bool = False,
    profile: str = "",
    attempts: str = "",
    task: str = "",
) -> None:
    """Build: SRPM, Koji on x86_64, tag, repo.

    Can be interrupted at any time: it says how to go on, and never submits twice.
    """
    from .koji import asked, flow

    line = asked.line(
        "build",
        spec=spec,
        version=version,
        from_tag=from_tag,
        srpm_only=srpm_only,
        scratch=scratch,
        no_wait=no_wait,
    )
    typed = asked.read(context, line, profile, attempts)
    if task:
        asked.only_follows(line)
        flow.go_on(typed, asked.number("--task", task))
        return
    package, path = flow.make_srpm(typed, spec, version, from_tag)
    if not srpm_only:
        flow.build_srpm(typed, package, path, scratch, wait=not no_wait)


@task(help=_SPEC, auto_shortflags=False)
def srpm(context: Context, spec: str = "", version: str = "", from_tag: str = "") -> None:
    """Build: only the SRPM, with the right dist."""
    from .koji import asked, flow

    line = asked.line("srpm", spec=spec, version=version, from_tag=from_tag)
    flow.make_srpm(asked.read(context, line), spec, version, from_tag)


@task(help={"srpm": "The source RPM.", **_KOJI}, auto_shortflags=False)
def koji_build(
    context: Context,
    srpm: str,
    scratch: bool = False,
    no_wait: bool = False,
    profile: str = "",
    attempts: str = "",
) -> None:
    """Build: an SRPM that is there, in Koji."""
    from .koji import asked, flow, spec

    path = Path(srpm).expanduser()
    line = asked.line("koji-build", str(path), scratch=scratch, no_wait=no_wait)
    typed = asked.read(context, line, profile, attempts)
    flow.build_srpm(typed, spec.read_srpm(path), path, scratch, wait=not no_wait)


@task(help={"nvr": "The build to wait for.", "profile": _KOJI["profile"]}, auto_shortflags=False)
def wait_tag(context: Context, nvr: str, profile: str = "") -> None:
    """Build: wait for the stg tag and its repo."""
    from .koji import asked, flow

    flow.wait_tag(asked.read(context, asked.line("wait-tag", nvr), profile), nvr)


@task(
    help={
        "nvr": "The build to move. Default: what stg runs.",
        "unverified": "Why a build may go to prod that stg does not run; written down.",
        "profile": _KOJI["profile"],
    },
    auto_shortflags=False,
)
def promote(context: Context, nvr: str = "", unverified: str = "", profile: str = "") -> None:
    """Build: from stg's tag to prod's, or the request.

    Moves what stg runs and is healthy with. Without the right to do so: the
    exact line, and a text for infra.
    """
    from .koji import asked, flow

    line = asked.line("promote", nvr=nvr, unverified=unverified)
    flow.move(asked.read(context, line, profile), nvr, unverified)
