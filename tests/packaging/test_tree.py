"""What can be said about builders without a hub."""

from __future__ import annotations

import pytest

from tasks.koji.spec import Package
from tasks.koji.tree import Attempt, Builder, keeps_choosing

FARM = ["x86_64", "ppc64le", "aarch64"]


@pytest.mark.parametrize(
    ("build", "only", "never", "lands"),
    [
        ("noarch", "", "", FARM),
        ("noarch", "x86_64 noarch", "", ["x86_64"]),
        ("noarch", "x86_64", "", ["x86_64"]),
        ("noarch", "x86_64 ppc64le noarch", "", ["x86_64", "ppc64le"]),
        ("noarch", "noarch", "", FARM),
        ("noarch", "", "ppc64le aarch64", ["x86_64"]),
        ("", "", "", []),
    ],
    ids=["nothing said", "pinned", "pinned, noarch left out", "two", "only noarch", "excluded", "not noarch"],
)
def test_where_a_package_may_land_is_what_its_spec_says(build: str, only: str, never: str, lands: list[str]) -> None:
    lists = (frozenset(words.split()) for words in (build, only, never))
    assert Package("blockerbugs", "1", "1.el7", (), *lists).may_land_on(FARM) == lands


def test_a_hub_keeps_choosing_when_the_last_choices_are_one_builder() -> None:
    attempts = [Attempt(number, name, "ppc64le", "", 0) for number, name in enumerate(["a", "b", "b", "b"])]
    assert keeps_choosing(attempts, 3)
    assert not keeps_choosing(attempts, 4)
    assert not keeps_choosing(attempts[:3], 3)
    assert not keeps_choosing(attempts[:2], 3)


def test_a_builder_of_several_architectures_has_each_of_them() -> None:
    assert Builder("both", "i386 x86_64").has("x86_64")
    assert not Builder("odd", "x86_64_v2").has("x86_64")
