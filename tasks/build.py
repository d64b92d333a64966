"""From a tarball to the tag: what is typed before anything is upgraded."""

from __future__ import annotations

from pathlib import Path

from invoke import Context

from .flags import task

_MADE = ("spec", "version", "from_tag")
_SUBMITTED = ("scratch", "no_wait", "upload", "profile", "attempts")
_THE_SPECS = "The version that the spec must have."


@task(*_MADE, "srpm_only", *_SUBMITTED, "task", version=_THE_SPECS)
def build(
    context: Context,
    spec: str,
    version: str | None,
    from_tag: str,
    srpm_only: bool,
    scratch: bool,
    no_wait: bool,
    upload: str,
    profile: str,
    attempts: str,
    task: str,
) -> None:
    """SRPM, Koji on x86_64, tag, repo.

    Can be interrupted at any time: it says how to go on, and never submits twice.
    """
    from .koji import flow, options

    version = version or ""
    line = options.line(
        "build",
        spec=spec,
        version=version,
        from_tag=from_tag,
        srpm_only=srpm_only,
        scratch=scratch,
        no_wait=no_wait,
    )
    typed = options.read(context, line, profile, attempts)
    if task:
        options.only_follows(line)
        flow.go_on(typed, options.number("--task", task))
        return
    if upload:
        flow.go_on_with_upload(typed, upload, scratch, wait=not no_wait)
        return
    package, path = flow.make_srpm(typed, spec, version, from_tag)
    if not srpm_only:
        flow.build_srpm(typed, package, path, scratch, wait=not no_wait)


@task(*_MADE, version=_THE_SPECS)
def srpm(context: Context, spec: str, version: str | None, from_tag: str) -> None:
    """Only the SRPM, with the right dist."""
    from .koji import flow, options

    version = version or ""
    line = options.line("srpm", spec=spec, version=version, from_tag=from_tag)
    flow.make_srpm(options.read(context, line), spec, version, from_tag)


@task("srpm", *_SUBMITTED, needs="srpm")
def koji_build(
    context: Context, srpm: str, scratch: bool, no_wait: bool, upload: str, profile: str, attempts: str
) -> None:
    """An SRPM that is there, in Koji."""
    from .koji import flow, options, spec

    path = Path(srpm).expanduser()
    line = options.line("koji-build", str(path), scratch=scratch, no_wait=no_wait)
    typed = options.read(context, line, profile, attempts)
    if upload:
        flow.go_on_with_upload(typed, upload, scratch, wait=not no_wait)
        return
    flow.build_srpm(typed, spec.read_srpm(path), path, scratch, wait=not no_wait)


@task("nvr", "profile", needs="nvr", nvr="The build to wait for.")
def wait_tag(context: Context, nvr: str, profile: str) -> None:
    """Wait for the stg tag and its repo."""
    from .koji import flow, options

    flow.wait_tag(options.read(context, options.line("wait-tag", nvr), profile), nvr)


@task("nvr", "unverified", "profile", nvr="The build to move. Default: what stg runs.")
def promote(context: Context, nvr: str, unverified: str | None, profile: str) -> None:
    """From stg's tag to prod's, or the request.

    Moves what stg runs and is healthy with. Without the right to do so: the
    exact line, and a text for infra.
    """
    from .koji import flow, options

    line = options.line("promote", nvr=nvr, unverified=unverified or "")
    flow.move(options.read(context, line, profile), nvr, unverified or "")
