"""The collection: what `fab --list` and `invoke --list` show."""

from __future__ import annotations

from invoke import Collection

from . import build, config, sandbox, sandboxed, steps, suggest, upgrade
from .inventory.file import configured_file, names, set_names
from .koji.settings import DEFAULTS
from .targets import target

namespace = Collection()
sets = set_names(configured_file())
for name in sets:
    namespace.add_task(target(name))
for module in (upgrade, steps, build, config):
    for task in Collection.from_module(module).tasks.values():
        namespace.add_task(task)
namespace.add_collection(Collection.from_module(sandboxed), name="sandbox")
namespace.configure(
    {
        # Another hosts.yml: here, or as FABRIC_HOSTS_FILE, INVOKE_HOSTS_FILE.
        "hosts_file": "",
        # What `fab prod` chose for the tasks that follow on the line, and whether one has used it.
        "target": {"set": "", "used": False},
        # How much is shown, where no flag says so; see `fab --help minor-upgrade`.
        "report": {"verbose": False, "quiet": False, "json": False, "junit": ""},
        # Koji, the SRPM and the ansible repo: the keys are explained in packaging/settings.py.
        **DEFAULTS,
    }
)


def _read_strictly() -> None:
    from .inventory.model import read  # pydantic takes longer than all of `fab --list`

    read(configured_file())


suggest.check(namespace, [*sets, "sandbox.here"], lambda: [*names(configured_file()), *sandbox.NAMES], _read_strictly)
