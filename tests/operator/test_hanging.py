"""A host on which a question hangs, as df does on a dead mount."""

from __future__ import annotations

import pytest

from .conftest import ONE, Fleet


@pytest.mark.sandbox_only("a program of a host is replaced")
@pytest.mark.parametrize("line", ["prod status", "prod restart-httpd --yes"])
def test_w3_a_fact_that_hangs_is_named_with_its_host_and_nothing_is_done(line: str, fleet: Fleet) -> None:
    df = fleet.kept(ONE).parents[2] / "usr/bin/df"
    df.rename(df.with_name("df.real"))
    df.write_text("#!/bin/sh\nexec sleep 60\n")
    df.chmod(0o755)
    ended = fleet.types(line)
    assert ended.code == (4 if "status" in line else 2), ended.said
    assert "this hangs, no answer in 30 s: df " in ended.said
    assert fleet.moments("service", "restart") == []
