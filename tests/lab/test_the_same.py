"""Prod gets what stg ran, by the real yum and rpm: the very build, and what came along with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import rebuilt, repo
from .conftest import Lab
from .layout import NODES, ONE, REPO, STG, STG_REPO, TWO

pytestmark = [pytest.mark.lab, pytest.mark.dnf5]

OLD, NEW = ("1.0.0", "1.0.0"), ("1.0.1", "1.0.1")
TIMER = "dnf-automatic.timer"


@pytest.fixture
def clean(lab: Lab) -> Iterator[Lab]:
    yield lab
    for node in NODES:
        lab.on(node, f"rpm -e --nodeps blockerbugs {rebuilt.LIBRARY} 2>/dev/null || true")


@pytest.mark.smoke
def test_v6_the_same_name_built_again_is_refused_before_anything_is_changed(lab: Lab) -> None:
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    rebuilt.publish("1.0.1", REPO)
    for procedure in ("minor-upgrade", "major-upgrade"):
        ended = lab.types(f"prod {procedure} --yes")
        assert (ended.code, lab.runs(ONE), lab.runs(TWO)) == (2, OLD, OLD), ended.said
        assert "blockerbugs-1.0.1-1.el7 is another build than the one of that name that stg runs" in ended.said
    forced = lab.types("prod minor-upgrade --version 1.0.1 --unverified rebuilt --yes")
    assert (forced.code, lab.runs(ONE)) == (0, NEW), forced.said


def test_v7_what_came_along_on_stg_is_shown_kept_and_compared_for_prod(clean: Lab) -> None:
    repo.withdraw("1.0.1")
    rebuilt.publish("1.0.1", STG_REPO, library="2.0")
    ended = clean.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, clean.runs(STG)) == (0, NEW), ended.said
    assert "yum also changes 1 package:\n  install bugs-library 2.0-1.el7\n" in ended.said
    repo.publish("1.0.1")
    refused = clean.types("prod minor-upgrade --yes")
    assert (refused.code, clean.runs(ONE)) == (2, OLD)
    assert "yum would not install bugs-library 2.0-1.el7, as it did on stg for blockerbugs-1.0.1-1.el7" in refused.said
    repo.withdraw("1.0.1")
    rebuilt.offer(REPO)
    ended = clean.types("prod minor-upgrade --yes")
    assert (ended.code, clean.runs(ONE), clean.runs(TWO)) == (0, NEW, NEW), ended.said


def test_c4_the_real_timer_is_stopped_for_the_run_and_runs_again_afterwards(lab: Lab) -> None:
    unit = "[Timer]\\nOnBootSec=1year\\nUnit=dnf-automatic.service\\n"
    lab.on(STG, f"printf '{unit}' >/run/systemd/system/{TIMER}")
    lab.on(STG, "printf '[Service]\\nExecStart=/bin/true\\n' >/run/systemd/system/dnf-automatic.service")
    lab.on(STG, f"systemctl daemon-reload; systemctl start {TIMER}")
    try:
        ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
        assert (ended.code, lab.on(STG, f"systemctl is-active {TIMER}")) == (0, "active\n"), ended.said
        assert f"automatic updates are on ({TIMER})" in ended.said
        stops = lab.on(STG, f"journalctl -b -o cat -u {TIMER}")
        assert "Stopped" in stops or "Deactivated" in stops
    finally:
        lab.on(STG, f"systemctl stop {TIMER}; rm /run/systemd/system/dnf-automatic.*; systemctl daemon-reload")
