"""`python -m tests.lab up|down|reset|publish VERSION|status`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from ipaddress import IPv4Network

from . import lifecycle, observe
from .errors import LabError
from .layout import HOME, REPO, STG_REPO, SUBNET, VERSIONS


def main() -> int:
    """Do what the command line says; 1 and a sentence if that cannot be."""
    asked = _arguments()
    began = time.monotonic()
    try:
        _do(asked)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; python -m tests.lab down removes what is there", file=sys.stderr)
        return 130
    if asked.command != "status":
        _say(f"{asked.command}: {time.monotonic() - began:.1f} s")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Real machines in containers.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build what is missing, start everything")
    up.add_argument("--install", action="store_true", help="get the Debian packages that are missing (in CI: always)")
    up.add_argument("--subnet", type=IPv4Network, default=SUBNET, help=f"the lab's addresses, a /24 ({SUBNET})")
    up.add_argument("--interval", type=float, default=10.0, help="seconds between haproxy's checks (10, as Fedora's)")
    down = commands.add_parser("down", help="remove what up made")
    down.add_argument("--images", action="store_true", help="also the images: the next up takes minutes")
    reset = commands.add_parser("reset", help="every host and database back to 1.0.0")
    reset.add_argument("--interval", type=float, help="seconds between haproxy's checks from now on")
    publish = commands.add_parser("publish", help="offer a version in a repo")
    publish.add_argument("version", choices=VERSIONS)
    publish.add_argument("--repo", choices=(REPO, STG_REPO), default=REPO)
    commands.add_parser("status", help="what runs, and how to reach it")
    return parser.parse_args()


def _do(asked: argparse.Namespace) -> None:
    if asked.command == "up":
        lifecycle.up(asked.subnet, asked.interval, asked.install or bool(os.environ.get("CI")), _say)
        _say(f"FABRIC_HOSTS_FILE={HOME}/hosts.yml fab -S {HOME}/ssh_config stg status")
    elif asked.command == "down":
        lifecycle.down(asked.images, _say)
    elif asked.command == "reset":
        lifecycle.reset(asked.interval)
    elif asked.command == "publish":
        lifecycle.publish(asked.version, asked.repo)
    else:
        settings = lifecycle.running()
        for line in observe.table(settings):
            _say(line)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
