"""The collection: what `fab --list` and `invoke --list` show."""

from __future__ import annotations

from invoke import Collection

from . import build, config, sandbox, sandboxed, steps, suggest, upgrade
from .inventory.file import configured_file, names, set_names
from .koji.settings import DEFAULTS
from .targets import target

namespace = Collection()
for module in (upgrade, steps, build, config):
    for task in Collection.from_module(module).tasks.values():
        namespace.add_task(task)
namespace.add_collection(Collection.from_module(sandboxed), name="sandbox")
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
        "report": {"verbose": False, "quiet": False, "json": False, "junit": ""},
        # Koji, the SRPM and the ansible repo: the keys are explained in koji/settings.py.
        **DEFAULTS,
    }
)


def _read_strictly() -> None:
    from .inventory.model import read  # pydantic takes longer than all of `fab --list`

    read(configured_file(), taken)


suggest.check(
    namespace, [*sets, "sandbox.here"], lambda: [*names(configured_file(), taken), *sandbox.NAMES], _read_strictly
)
