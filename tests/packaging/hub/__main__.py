"""A hub to try `invoke build` on: python -m tests.packaging.hub --route buildppc64le,buildx86

Lays down a home with koji's profile, a spec and its tarball in a new folder, prints how to use it, and listens until
Ctrl-C. The client that talks to it is the real one.
"""

from __future__ import annotations

import argparse
import shlex
import tempfile
import threading
import time
from pathlib import Path

from ..laid import Project
from .api import Api, world
from .machine import Pace
from .server import Hub


def main() -> None:
    """Read the arguments, lay everything down, and listen."""
    parser = argparse.ArgumentParser(prog="python -m tests.packaging.hub", description="A Koji hub to try things on.")
    parser.add_argument("--route", default="buildx86", help="the builders of the attempts, e.g. buildppc64le,buildx86")
    parser.add_argument("--work", type=float, default=5.0, help="seconds that a build takes")
    parser.add_argument("--robot", type=float, default=10.0, help="seconds until a build is moved to the stg tag")
    parser.add_argument("--user", default="qadevel", help="who logs in: qadevel, or infra, who may promote")
    given = parser.parse_args()
    pace = Pace(before=0.2, assign=0.5, open=0.5, work=given.work, after=0.2)
    machine = world(clock=time.time, pace=lambda _method, _number: pace, route=given.route.split(","))
    machine.robot = given.robot
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        project = Project(home / "blockerbugs", home / "rpmbuild" / "SOURCES")
        project.spec()
        project.tarball()
        with Hub(Api(machine), home) as hub:
            hub.profile(home, user=given.user)
            environment = {"HOME": folder, "INVOKE_BUILD_CHECKOUT": str(project.checkout), "INVOKE_KOJI_POLL": "1"}
            words = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
            print(f"a hub listens on {hub.url}; in another terminal:\n\n  {words} ./run invoke build\n", flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print()
