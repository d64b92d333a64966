"""The collection: the one list of all tasks, in the order in which `fab --list` shows them."""

from __future__ import annotations

from invoke import Collection, Task

from . import build, config, failure, look, program, sandbox, sandboxed, steps, unexpected, upgrade
from .flags import SHOWING
from .inventory.file import configured_file, set_names
from .koji.settings import DEFAULTS
from .report.opened import Shown
from .targets import target

ON_HOSTS = {"Look": look, "Upgrade": upgrade, "After a failure": failure, "The SOP's steps, one by one": steps}
BEFORE = {"Before an upgrade: the build, and its settings": (build, config)}

if program.running():
    unexpected.spread()
namespace = Collection()
groups: dict[str, list[str]] = {}
for title, modules in {**{title: (module,) for title, module in ON_HOSTS.items()}, **BEFORE}.items():
    tasks = [task for module in modules for task in vars(module).values() if isinstance(task, Task)]
    for task in tasks:
        namespace.add_task(task)
    groups[title] = [namespace.transform(task.name) for task in tasks]
namespace.add_collection(Collection.from_module(sandboxed), name="sandbox")
groups["Sandbox"] = list(sandbox.TASKS)
taken = [*namespace.tasks, *namespace.collections]
sets = set_names(configured_file(), taken)
for name in sets:
    namespace.add_task(target(name))
namespace.configure(
    {
        # Another hosts.yml: here, or as FABRIC_HOSTS_FILE, INVOKE_HOSTS_FILE.
        "hosts_file": "",
        # What `fab prod` chose for the tasks that follow on the line, whether one has used it; names no set can have.
        "target": {"set": "", "used": False, "tasks": taken},
        # How much is shown, where no flag says so; see `fab --help minor-upgrade`.
        "report": {name: getattr(Shown, name) for name in SHOWING},
        # Koji, the SRPM and the ansible repo: the keys are explained in koji/settings.py.
        **DEFAULTS,
    }
)
program.check(namespace, groups, sets, [name for title in ON_HOSTS for name in groups[title]], taken)
