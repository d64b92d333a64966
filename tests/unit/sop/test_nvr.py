from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import Refused
from tasks.sop.nvr import Nvr, parse, typed
from tests.unit.builders import nvr, said

_part = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~^]{0,20}", fullmatch=True)
_name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True)


@given(_name, _part, _part)
def test_an_nvr_is_read_as_it_was_written(name: str, version: str, release: str) -> None:
    assert parse(f"{name}-{version}-{release}") == Nvr(name, version, release)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blockerbugs",
        "blockerbugs-1.0",
        "package blockerbugs is not installed",
        "a-1-1\n",
        "a-1-1 b",
        "-1-1",
        "a-1:2-1",
    ],
)
def test_what_is_no_nvr_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param("0.4.4.9", "0.4.4.11", id="numbers, not letters"),
        pytest.param("1.0.0~rc1", "1.0.0", id="a tilde comes before"),
        pytest.param("1.0.0", "1.0.0^git1", id="a caret comes after"),
        pytest.param("1.0.0-1.el7", "1.0.0-2.el7", id="the release decides at last"),
        pytest.param("1.0.0-9.el7", "1.0.0-10.el7", id="the release in numbers"),
    ],
)
def test_builds_have_rpms_order(older: str, newer: str) -> None:
    assert sorted([nvr(newer), nvr(older)]) == [nvr(older), nvr(newer)]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("0.4.4.11", ("0.4.4.11", None)),
        ("0.4.4.11-1.el7", ("0.4.4.11", "1.el7")),
        ("blockerbugs-0.4.4.11-1.el7", ("0.4.4.11", "1.el7")),
        ("blockerbugs-0.4.4.11", ("0.4.4.11", None)),
        ("1.0~rc1^x+y_z", ("1.0~rc1^x+y_z", None)),
    ],
)
def test_a_version_may_be_typed(text: str, means: tuple[str, str | None]) -> None:
    assert typed(text, "blockerbugs") == means


HOSTILE = {
    "a command behind": "1.0; rm -rf /",
    "a command behind, without blanks": "1.0;reboot",
    "a substitution": "$(reboot)",
    "backquotes": "`reboot`",
    "a newline": "1.0\nreboot",
    "a newline at the end": "1.0\n",
    "a leading dash": "-1.0",
    "an option": "--nogpgcheck",
    "a look-alike letter": "1.\u043e",
    "full-width digits": "\uff11.0",
    "Arabic digits": "\u0661.0",
    "10 kB": "1" * 10_000,
    "a blank": "1.0 2.0",
    "a wildcard": "1.*",
    "a path": "/tmp/evil.rpm",
    "an epoch": "1:1.0",
    "two releases": "1.0-1-1",
    "another package": "httpd-1.0-1.el7",
    "nothing": "",
    "a NUL": "1.0\0",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=f"S5 {what}") for what, text in HOSTILE.items()])
def test_a_version_is_refused_with(text: str) -> None:
    with pytest.raises(Refused) as refused:
        typed(text, "blockerbugs")
    assert all(line.isprintable() and line.isascii() and len(line) < 200 for line in said(refused.value).splitlines())


@given(st.text() | st.text(alphabet=string.printable) | _part | st.builds("{}-{}".format, _part, _part))
def test_S5_what_is_taken_for_a_version_has_only_rpms_own_letters_and_no_leading_dash(text: str) -> None:
    try:
        version, release = typed(text, "blockerbugs")
    except Refused:
        return
    for part in (version, release or "1"):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+~^]*", part, re.ASCII)
        assert len(part) <= 128


@given(st.text() | st.text(alphabet="ab1.-+~^ \n;"))
def test_S5_what_is_taken_for_an_nvr_has_only_rpms_own_letters(text: str) -> None:
    found = parse(text)
    assert found is None or (str(found) == text and set(text) <= set(string.ascii_letters + string.digits + "._+-~^"))


@pytest.mark.parametrize(
    ("length", "shown"), [(60, "1." + "!" * 58), (61, "1." + "!" * 55 + "..."), (10_000, "1." + "!" * 55 + "...")]
)
def test_a_version_that_is_none_is_shown_and_a_long_one_cut(length: int, shown: str) -> None:
    with pytest.raises(Refused) as refused:
        typed("1." + "!" * (length - 2), "blockerbugs")
    assert refused.value.problems == (f"--version '{shown}' is no version; 0.4.4.11 and 0.4.4.11-1.el7 are",)


def test_a_version_may_have_128_characters_and_no_more() -> None:
    assert typed("1" * 128, "blockerbugs") == ("1" * 128, None)
    with pytest.raises(Refused):
        typed("1" * 129, "blockerbugs")


def test_an_nvr_may_be_three_times_as_long_as_a_version() -> None:
    long = f"a-{'1' * 190}-{'1' * 191}"
    assert (len(long), str(parse(long))) == (384, long)
    assert parse(f"{long}1") is None


@pytest.mark.parametrize(
    ("epoch", "means"),
    [("", 0), ("(none)", 0), ("1", 1), ("0000000012", 12), ("99999999999", 0), ("\u0661", 0), ("-1", 0)],
)
def test_an_epoch_is_read_as_rpm_and_yum_print_it(epoch: str, means: int) -> None:
    found = parse("blockerbugs-1.0.0-1.el7", epoch)
    assert found
    assert found.epoch == means


def test_of_two_builds_the_epoch_decides_before_the_version() -> None:
    first, later = parse("a-9.0-1", "0"), parse("a-1.0-1", "1")
    assert first
    assert later
    assert first < later
    assert not later < first
    assert not first < first
    assert parse("a-1.0-1") == parse("a-1.0-1", "7")
