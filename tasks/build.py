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
    attempts: int = 0,
    task: int = 0,
) -> None:
    """Build: SRPM, Koji on x86_64, tag, repo.

    Can be interrupted at any time: it says how to go on, and never submits twice.
    """
    from .packaging import asked, flow

    typed = asked.read(context, "invoke build", profile, attempts)
    if task:
        flow.go_on(typed, task, wait=not no_wait)
        return
    package, path = flow.make_srpm(typed, spec, version, from_tag)
    if not srpm_only:
        flow.build_srpm(typed, package, path, scratch, wait=not no_wait)


@task(help=_SPEC, auto_shortflags=False)
def srpm(context: Context, spec: str = "", version: str = "", from_tag: str = "") -> None:
    """Build: only the SRPM, with the right dist."""
    from .packaging import asked, flow

    flow.make_srpm(asked.read(context, "invoke srpm"), spec, version, from_tag)


@task(help={"srpm": "The source RPM.", **_KOJI}, auto_shortflags=False)
def koji_build(
    context: Context,
    srpm: str,
    scratch: bool = False,
    no_wait: bool = False,
    profile: str = "",
    attempts: int = 0,
) -> None:
    """Build: an SRPM that is there, in Koji."""
    from .packaging import asked, flow, spec

    path = Path(srpm).expanduser()
    typed = asked.read(context, f"invoke koji-build {path}", profile, attempts)
    flow.build_srpm(typed, spec.read_srpm(path), path, scratch, wait=not no_wait)


@task(help={"nvr": "The build to wait for.", "profile": _KOJI["profile"]}, auto_shortflags=False)
def wait_tag(context: Context, nvr: str, profile: str = "") -> None:
    """Build: wait for the stg tag and its repo."""
    from .packaging import asked, flow

    flow.wait_tag(asked.read(context, f"invoke wait-tag {nvr}", profile), nvr)


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

    Moves what stg runs and is healthy with. Without the right to do so: the exact line, and a text for infra.
    """
    from .packaging import asked, flow

    flow.move(asked.read(context, "invoke promote", profile), nvr, unverified)
