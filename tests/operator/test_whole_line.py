"""The whole line is looked at first: a set that was upgraded cannot be told that nothing was changed."""

from __future__ import annotations

import pytest

from .conftest import Fleet
from .fleets import printed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-H stg,prodd minor-upgrade --yes", "'prodd' is no host set and no host"),
        ("-H stg,me@prod minor-upgrade --yes", "-H with a user or a port"),
        ("stg minor-upgrade --yes prod minor-upgrade --yes --verbose --quiet", "--verbose and --quiet on one line"),
        ("stg minor-upgrade --yes prod minor-upgrade --version=1;x", "--version '1;x' is no version"),
        ("stg minor-upgrade --yes prod minor-upgrade --unverified=", "--unverified without a reason"),
        ("stg minor-upgrade --yes prod minor-upgrade --lock-wait nan", "--lock-wait must be a number of seconds"),
        ("stg minor-upgrade --yes --junit /nonexistent/x.xml", "there is no folder /nonexistent"),
        ("stg minor-upgrade --yes prod major-upgrade --junit /nonexistent/x.xml", "next: mkdir -p /nonexistent"),
        ("stg minor-upgrade --yes prod history --last 0", "--last 0: at least one run has to be shown"),
        ("-H stg01,prod01 major-upgrade --yes", "prod01 alone: a major upgrade is for all of prod"),
        ("stg minor-upgrade --yes stg prod status", "two host sets on one line, stg and prod"),
        ("stg minor-upgrade --yes prod", "prod: no task given"),
    ],
)
def test_w8_nothing_is_begun_of_a_line_of_which_a_later_word_is_wrong(fleet: Fleet, line: str, said: str) -> None:
    ended = fleet.types(line)
    assert (ended.code, said in ended.said) == (2, True), ended.said
    assert fleet.changed() == []


def test_w1_every_line_to_type_keeps_the_hosts_yml_and_the_ssh_config_that_were_typed(fleet: Fleet) -> None:
    fleet.breaks("stg01.example", "yum-update")
    client = fleet.begins("stg minor-upgrade --version 1.0.1 --yes")
    with client:
        said = "".join(client.communicate())
    assert client.returncode == 5, said
    typed = f"FABRIC_HOSTS_FILE={fleet.home}/hosts.yml fab --ssh-config {fleet.home}/ssh_config stg"
    assert said.count("fab ") == said.count(f"{typed} ") > 1


def test_of_several_tasks_on_a_line_only_the_last_says_what_to_type_next(fleet: Fleet) -> None:
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --yes stop-httpd --yes upgrade-db --yes")
    assert (ended.code, printed(ended.out)) == (0, ["fab stg sync start-httpd"]), ended.said
    ended = fleet.types("-H stg01 sync --yes start-httpd --yes yum-update --version 1.0.1 --yes status")
    assert (ended.code, printed(ended.out)) == (0, []), ended.said
    ended = fleet.types("-H stg01 status stop-httpd --yes upgrade-db --yes")
    assert (ended.code, printed(ended.out)) == (0, ["fab stg sync start-httpd"]), ended.said
