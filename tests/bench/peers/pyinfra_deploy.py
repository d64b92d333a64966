"""The SOP for pyinfra: pyinfra INVENTORY pyinfra_deploy.py --data what=… --data version=….

It ends an operation on every host before the next begins. server.shell rather than yum.packages and server.service,
which look at more facts first.
"""

from __future__ import annotations

from typing import Any

from pyinfra import host
from pyinfra.operations import server

VERSION = host.data.version
UPDATE = f"yum clean expire-cache && yum -y update blockerbugs-{VERSION}-1.el7"
HEALTHY = f"until curl -s http://localhost/blockerbugs/ | grep -q 'Blockerbugs {VERSION}'; do sleep 0.2; done"


def shell(command: str, **how: Any) -> None:
    """One operation, as root."""
    server.shell(name=command[:40], commands=[command], _sudo=True, **how)


if host.data.what == "minor":
    # All of it on one host before the next: three commands as one operation, which is taken serially.
    server.shell(name="minor", commands=[UPDATE, "service httpd restart", HEALTHY], _sudo=True, _serial=True)
else:
    shell("service httpd stop")
    shell(UPDATE)
    if host.data.syncs:
        shell("blockerbugs upgrade_db")
        shell("blockerbugs sync")
    shell("service httpd start")
    shell(HEALTHY)
