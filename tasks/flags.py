"""Every flag of the tasks, once: its help, its default, and the decorator that gives a task those it names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature
from typing import Any, NamedTuple

from invoke import Context, Task
from invoke import task as invokes_task

from . import lines
from .report import Shown
from .run.interrupt import interruptible


class Flag(NamedTuple):
    """What `--help TASK` says of a flag, and its value where it is not typed; the value's type is the flag's."""

    help: str
    default: object = False


FLAGS = {
    # A run, and what is looked at.
    "version": Flag("The build: 0.4.4.11 or 0.4.4.11-1.el7. Default: what stg runs, or what the repos offer.", None),
    "unverified": Flag("Reason to install a build that stg is not running; recorded in the journal.", None),
    "serial": Flag("One host after the other, also where the set is worked on in parallel."),
    "parallel": Flag("All hosts at once: nobody serves meanwhile."),
    "lock_wait": Flag("Seconds to wait for another run that holds the set. Default: not at all.", 0.0),
    "plan": Flag("Show the plan and stop: exit 0 means nothing to do, 2 means changes."),
    "yes": Flag("Do not ask."),
    "last": Flag("How many runs. Default: 20.", 20),
    "run": Flag("The run's id, or its beginning. Default: the last run of the set.", ""),
    "out": Flag("The file to write, its picture beside it. Default: below the journal's folder.", ""),
    # How much is shown.
    "verbose": Flag("Show every line of every host, and a row for each, however many there are."),
    "quiet": Flag("Show only the recap, and what is asked."),
    "json": Flag("JSON lines on stdout (docs/json.md), what is for people on stderr."),
    "junit": Flag("Write JUnit XML to this file, a test case for each host and step.", ""),
    # From a tarball to the tag.
    "spec": Flag("The spec file. Default: the only one in build.checkout, or NAME.spec in rpm's _specdir.", ""),
    "srpm": Flag("The source RPM.", ""),
    "nvr": Flag("The build.", ""),
    "from_tag": Flag("Make the tarball from this git tag of the spec's checkout.", ""),
    "srpm_only": Flag("Make the SRPM and stop."),
    "scratch": Flag("Build for nothing but the look at it: no NVR, no tag."),
    "no_wait": Flag("Submit, print how to go on watching, and end."),
    "task": Flag("Go on watching this task; nothing is made and submitted.", ""),
    "upload": Flag("Go on with this upload: follow the task made of it, or submit it if there is none.", ""),
    "profile": Flag("The profile in koji's configuration. Default: koji.profile.", ""),
    "attempts": Flag("How often to submit while it goes to wrong builders. Default: koji.attempts.", ""),
    "message": Flag("The commit's message. Default: one that names the template.", ""),
    "branch": Flag("Push to this branch of the checkout's upstream, though it is not the one that is applied.", ""),
    "unchecked": Flag("Reason to push a template that the check refuses; stands in the commit's message.", ""),
    "literal": Flag("Reason to push a value that looks like a secret; stands in the commit's message.", ""),
    "key": Flag("Only this one: koji, build, ansible.", ""),
    # The sandbox: what it is made like, and its faults.
    "like": Flag(
        "The set of hosts.yml whose application the sandbox plays; sandbox: Blockerbugs again. Default: the one that "
        "was named before; the file's first set, where that is another application or the only one; Blockerbugs.",
        "",
    ),
    "step": Flag(
        "Where it goes wrong: download, yum-update, downgrade, sync, upgrade-db, stop-httpd, start-httpd, "
        "restart-httpd, healthy, new-build, preflight (the look before a run), schema (the look at the database). "
        "At the proxy: drain, undrain.",
        "",
    ),
    "kind": Flag(
        "What goes wrong: fail (an error), hang (no end), slow (takes --seconds), drop (the connection is "
        "lost), down (the host has no power), restart (it restarts, and httpd with it), "
        "nothing (says it is done, and does nothing). For healthy also: "
        "unavailable (503 for --seconds), loop (redirects to itself), drip (a byte every --seconds). "
        "For new-build only, from --seconds after httpd's start on, for every other build than runs now: errors "
        "(500 for 5 % of the requests), slower (90 ms for each). "
        "For drain and undrain also: reload (haproxy is reloaded --seconds later, and forgets), "
        "denied (its socket allows no change). Default: fail.",
        "fail",
    ),
    "host": Flag("On which host: sandbox01, sandbox02 or sandboxproxy. Default: the one that has such a step.", ""),
    "times": Flag("How often, until it works again. Default: 1.", 1),
    "seconds": Flag("How long, for slow, unavailable, drip, reload and new-build. Default: 5.", 5.0),
    "clear": Flag("Take all faults back, and give a host that is down its power."),
}
SHOWING = ("verbose", "quiet", "json", "junit")
Body = Callable[..., None]


class SharedTask(Task[Any]):
    """A task that is not copied: Invoke would copy it with each collection, attribute by attribute."""

    def __deepcopy__(self, _: dict[int, Any]) -> SharedTask:
        return self


def task(*names: str, needs: str = "", default: bool = False, **helps: str) -> Callable[[Body], Task[Any]]:
    """Make an Invoke task out of a function that gets what was typed as keyword arguments.

    names: of FLAGS; those of SHOWING reach the function as one value, `shown`. needs: the one that must be given, also
    without its dashes. default: of its collection. helps: another help of a flag, where it means something else here.
    """

    def decorate(body: Body) -> Task[Any]:
        @wraps(body)
        def typed(context: Context, **flags: Any) -> None:
            if set(SHOWING) & set(names):
                flags["shown"] = Shown(**{name: flags.pop(name) for name in SHOWING if name in flags})
            if not default:  # a collection's default only chooses the hosts
                lines.task_begins()
            with interruptible():
                body(context, **flags)

        # Invoke makes a task's flags out of its signature.
        own = [Parameter("context", Parameter.POSITIONAL_OR_KEYWORD)]
        for name in names:
            value = Parameter.empty if name == needs else FLAGS[name].default
            own.append(Parameter(name, Parameter.KEYWORD_ONLY, default=value))
        typed.__signature__ = Signature(own)  # type: ignore[attr-defined]
        texts = {name.replace("_", "-"): helps.get(name, FLAGS[name].help) for name in names}
        made: Task[Any] = invokes_task(klass=SharedTask, help=texts, auto_shortflags=False, default=default)(typed)
        return made

    return decorate
