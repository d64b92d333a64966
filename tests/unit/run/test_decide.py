"""The decisions, by value: what was asked for and found comes in, a plan or the reasons come out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import Refused, TryLater
from tasks.inventory.model import Host
from tasks.run.decide import Plan, decide
from tasks.run.request import predecessor
from tasks.sop.model import Schema
from tasks.sop.workflows import PROCEDURES, RESTART_TOGETHER
from tests.unit.builders import NEW, NEWER, OLD, ONE, TWO, fleet, found, nvr, prod, request, said, stg, well

STG = stg()
PROD = prod(after="stg", schema_status="alembic current")
INSTALLING = [name for name, procedure in PROCEDURES.items() if procedure.installs and not procedure.back]


def reasons(*args: Any) -> str:
    with pytest.raises(Refused) as refused:
        decide(*args)
    return said(refused.value)


def steps(plan: Plan) -> list[str]:
    return [f"{phase.step.name}: {', '.join(host.short for host in phase.hosts)}" for phase in plan.phases]


# Whether a migration can be proven


def test_d1_a_major_upgrade_is_refused_where_nobody_could_say_afterwards_that_the_database_is_migrated() -> None:
    blind = well(schema=Schema.UNKNOWN, no_schema="schema_status failed (exit status 1): alembic current: no server")
    message = reasons(request("major-upgrade", PROD, unverified="tried"), found(PROD, blind))
    assert (
        "blockerbugs01: schema_status failed (exit status 1): alembic current: no server: the migration result "
        in message
    )
    assert "remove schema_status from hosts.yml to trust upgrade_db's exit status" in message
    elsewhere = found(PROD, well(), blind)
    assert decide(request("major-upgrade", PROD, unverified="tried"), elsewhere).phases


# What only a look finds of hosts.yml

NO_UNIT = "systemctl cannot tell whether httpf runs: Unit not found; its name is `service` of `app` in hosts.yml"
NOT_FOUND = "schema_status in hosts.yml failed (exit status 127): alembc current: alembc: not found"
NO_REPO = "yum cannot list blockerbugs: repository infraa not found; its name is `enable_repo` in hosts.yml"
EDITS = "next: ${EDITOR:-vi} hosts.yml"


@pytest.mark.parametrize(
    ("procedure", "facts", "keys"),
    [
        pytest.param("stop-httpd", {"problems": (NO_UNIT,)}, {}, id="app.service"),
        pytest.param("minor-upgrade", {"no_list": NO_REPO, "offered": {}}, {}, id="enable_repo"),
        pytest.param("minor-upgrade", {"no_schema": NOT_FOUND, "schema": Schema.UNKNOWN}, {}, id="schema_status"),
        pytest.param("major-upgrade", {"no_schema": NOT_FOUND, "schema": Schema.UNKNOWN}, {}, id="schema, major"),
        pytest.param("minor-upgrade", {}, {"minor_version": "1.0.7"}, id="minor_version"),
    ],
)
def test_a_key_of_hosts_yml_that_does_not_fit_the_hosts_is_told_with_the_line_that_opens_the_file(
    procedure: str, facts: dict[str, Any], keys: dict[str, Any]
) -> None:
    host_set = prod(schema_status="alembc current", **keys)
    message = reasons(request(procedure, host_set), found(host_set, well(**facts)))
    assert message.splitlines()[-1] == EDITS


# Which build?


def test_without_a_word_the_newest_build_on_offer_is_taken() -> None:
    assert decide(request("minor-upgrade"), found(prod(), well())).target == NEW


def test_the_build_that_was_typed_is_taken() -> None:
    both = well(offered={OLD: "r", NEW: "r", NEWER: "r"})
    assert decide(request("minor-upgrade", version="1.1.0"), found(prod(), both)).target == NEW


def test_of_a_version_without_its_release_the_newest_release_is_taken() -> None:
    rebuilt = nvr("1.1.0-2.el7")
    offers = well(offered={rebuilt: "r", NEW: "r"})
    assert decide(request("minor-upgrade", version="1.1.0"), found(prod(), offers)).target == rebuilt


def test_a_build_that_is_not_on_offer_is_refused_with_what_is() -> None:
    message = reasons(request("minor-upgrade", version="9.9"), found(prod(), well()))
    assert "9.9 is not on offer, the repo offers blockerbugs-1.0.0-1.el7, blockerbugs-1.1.0-1.el7" in message


def test_an_older_build_than_the_installed_one_is_refused() -> None:
    message = reasons(request("minor-upgrade", version="1.0.0"), found(prod(), well(NEW)))
    assert "is installed, which is newer than blockerbugs-1.0.0-1.el7" in message


def test_a_set_may_pin_what_a_minor_upgrade_installs() -> None:
    pinned = prod(minor_version="1.1.0")
    both = found(pinned, well(offered={NEW: "r", NEWER: "r"}))
    assert decide(request("minor-upgrade", pinned), both).target == NEW
    assert decide(request("major-upgrade", pinned), both).target == NEWER


def test_a_set_that_is_past_its_pin_is_not_taken_back() -> None:
    pinned = prod(minor_version="1.0.0")
    assert decide(request("minor-upgrade", pinned), found(pinned, well(NEW))).phases == ()


def test_V1_prod_gets_exactly_what_stg_runs_although_something_newer_is_on_offer() -> None:
    offers = well(offered={NEW: "r", NEWER: "r"})
    plan = decide(request("minor-upgrade", PROD), found(PROD, offers) | found(STG, well(NEW)), STG)
    assert plan.target == NEW


@pytest.mark.parametrize("procedure", INSTALLING)
def test_V1_prod_is_refused_where_its_repo_has_only_another_build_than_stg_runs(procedure: str) -> None:
    offers = found(PROD, well(offered={NEWER: "r"}))
    message = reasons(request(procedure, PROD), offers | found(STG, well(NEW)), STG)
    assert "stg runs blockerbugs-1.1.0-1.el7, the repo offers blockerbugs-1.2.0-1.el7" in message


def test_V1_asking_by_name_for_a_build_that_stg_does_not_run_is_refused() -> None:
    offers = found(PROD, well(offered={NEW: "r", NEWER: "r"}))
    message = reasons(request("major-upgrade", PROD, version="1.2.0"), offers | found(STG, well(NEW)), STG)
    assert "you asked for blockerbugs-1.2.0-1.el7, but stg verified blockerbugs-1.1.0-1.el7" in message


@pytest.mark.parametrize(
    ("there", "why"),
    [
        pytest.param(well(NEW, answers=503), "not healthy", id="V1 answers 503"),
        pytest.param(well(NEW, answers=None, version=None), "answers nothing", id="V1 does not answer"),
        pytest.param(well(NEW, version="1.0.0"), "version 1.0.0", id="V1 still serves the old build"),
        pytest.param(well(NEW, installed=None), "not installed there", id="V1 has nothing installed"),
    ],
)
def test_prod_is_refused_while_stg(there: Any, why: str) -> None:
    message = reasons(request("minor-upgrade", PROD), found(PROD, well()) | found(STG, there), STG)
    assert why in message
    assert "stg comes first" in message
    assert "--unverified" in message


def test_V1_prod_is_refused_while_the_hosts_of_stg_have_different_builds() -> None:
    two = stg(hosts=(Host(name="s1.example"), Host(name="s2.example")), sync_host="s1.example")
    message = reasons(request("minor-upgrade", PROD), found(PROD, well()) | found(two, well(NEW), well(OLD)), two)
    assert "stg runs different builds" in message


def test_V1_a_reason_for_going_unverified_leaves_stg_out_and_is_written_down() -> None:
    asked = request("minor-upgrade", PROD, unverified="stg burnt down")
    assert predecessor(asked, fleet(STG, PROD)) is None
    assert any("stg burnt down" in warning for warning in decide(asked, found(PROD, well())).warnings)


@pytest.mark.parametrize("procedure", sorted(PROCEDURES))
def test_V1_stg_comes_first_for_whatever_installs_and_for_nothing_else(procedure: str) -> None:
    wanted = STG if procedure in INSTALLING else None
    assert predecessor(request(procedure, PROD), fleet(STG, PROD)) == wanted


def test_a_set_that_comes_after_none_waits_for_none() -> None:
    assert predecessor(request("minor-upgrade", STG), fleet(STG, PROD)) is None


@pytest.mark.parametrize("procedure", INSTALLING)
def test_V3_hosts_that_are_offered_different_builds_are_refused(procedure: str) -> None:
    message = reasons(request(procedure), found(prod(), well(), well(offered={OLD: "r"})))
    assert "blockerbugs01: is offered blockerbugs-1.1.0-1.el7" in message
    assert "blockerbugs02: is offered blockerbugs-1.0.0-1.el7" in message


def test_V3_a_build_that_was_typed_must_be_on_offer_on_every_host() -> None:
    facts = found(prod(), well(), well(offered={OLD: "r"}))
    assert "blockerbugs02: 1.1.0 is not on offer" in reasons(request("major-upgrade", version="1.1.0"), facts)


@pytest.mark.parametrize(
    "pending",
    [
        pytest.param((well(schema=Schema.PENDING), well()), id="V4 seen on the first host"),
        pytest.param((well(), well(NEW, schema=Schema.PENDING)), id="V4 seen on the host that has the new build"),
    ],
)
def test_a_minor_upgrade_is_refused_while_a_migration_is_pending(pending: Any) -> None:
    with pytest.raises(Refused, match="a schema migration is pending") as refused:
        decide(request("minor-upgrade", PROD), found(PROD, *pending))
    assert "use major-upgrade" in said(refused.value)
    assert refused.value.next_line == "fab prod major-upgrade"


def test_V4_a_minor_upgrade_to_a_build_that_stg_runs_on_another_schema_is_refused() -> None:
    message = reasons(request("minor-upgrade", PROD), found(PROD, well()) | found(STG, well(NEW, revision="bbb")), STG)
    assert "runs on bbb in stg, the database here is at aaa: use major-upgrade" in message


def test_V4_a_major_upgrade_is_what_a_pending_migration_wants() -> None:
    assert "upgrade-db: blockerbugs01" in steps(
        decide(request("major-upgrade", PROD), found(PROD, well(schema=Schema.PENDING)))
    )


@pytest.mark.parametrize("procedure", ["start-httpd", "restart-httpd", "sync"])
def test_D1_nothing_runs_over_a_database_of_another_schema(procedure: str) -> None:
    behind = found(PROD, well(NEW, schema=Schema.PENDING, service="inactive", answers=None))
    with pytest.raises(Refused) as refused:
        decide(request(procedure, PROD), behind)
    assert refused.value.next_line == "fab prod upgrade-db"


@pytest.mark.parametrize("procedure", INSTALLING)
def test_V5_everything_at_the_target_and_healthy_is_nothing_to_do(procedure: str) -> None:
    plan = decide(request(procedure, PROD), found(PROD, well(NEW)) | found(STG, well(NEW)), STG)
    assert (plan.phases, plan.hosts) == ((), ())


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(well(NEW, answers=503), id="V5 one is ill"),
        pytest.param(well(NEW, version="1.0.0"), id="V5 one serves the old build still"),
        pytest.param(well(OLD), id="V5 one has the old build"),
    ],
)
def test_it_is_not_nothing_to_do_while(second: Any) -> None:
    assert decide(request("minor-upgrade"), found(prod(), well(NEW), second)).hosts == (TWO,)
    assert decide(request("major-upgrade"), found(prod(), well(NEW), second)).hosts == (ONE, TWO)


def test_V5_a_major_upgrade_goes_on_where_only_the_database_is_behind() -> None:
    assert decide(request("major-upgrade", PROD), found(PROD, well(NEW, schema=Schema.PENDING))).phases


# What stands in the way?


@pytest.mark.parametrize(
    ("there", "why", "cure"),
    [
        pytest.param(well(unfinished=True), "not finished", "fab prod mend-rpm", id="an unfinished transaction"),
        pytest.param(
            well(lacks=("flock", "pgrep", "setsid")),
            "has no flock and no pgrep and no setsid",
            "sudo yum -y install util-linux procps-ng",
            id="Y4 a missing program",
        ),
        pytest.param(well(free=10), "10 MB free", "yum clean packages", id="a full disk"),
        pytest.param(well(installed=None), "is not installed", None, id="no package"),
        pytest.param(
            well(problems=("yum cannot list",)), "blockerbugs01: yum cannot list", None, id="a fact not found"
        ),
        pytest.param(
            well(unchecked_repos=frozenset({"infra"})), "infra has gpgcheck=0", None, id="S9 unsigned packages"
        ),
    ],
)
def test_an_upgrade_is_refused_on_a_host_with(there: Any, why: str, cure: str | None) -> None:
    with pytest.raises(Refused) as refused:
        decide(request("minor-upgrade"), found(prod(), there, well()))
    assert any(problem.startswith("blockerbugs01: ") and why in problem for problem in refused.value.problems)
    assert (cure or "fab prod status") in str(refused.value.next_line)


@pytest.mark.parametrize("procedure", sorted(PROCEDURES))
def test_Y4_nothing_is_begun_on_a_host_that_lacks_what_the_steps_need(procedure: str) -> None:
    message = reasons(request(procedure), found(prod(), well(), well(lacks=("setsid", "of its own making; reboot"))))
    assert "blockerbugs02: has no setsid, which the steps need" in message
    assert f"next: ssh -t {TWO.name} sudo yum -y install util-linux" in message.splitlines()
    assert "reboot" not in message


def test_S9_another_repo_without_signatures_is_nobodys_business() -> None:
    assert decide(request("minor-upgrade"), found(prod(), well(unchecked_repos=frozenset({"epel"})))).phases


def test_S9_a_set_may_allow_packages_without_signatures() -> None:
    relaxed = prod(gpgcheck=False)
    assert decide(request("minor-upgrade", relaxed), found(relaxed, well(unchecked_repos=frozenset({"infra"})))).phases


@pytest.mark.parametrize("procedure", INSTALLING)
def test_a_yum_that_is_held_is_for_later(procedure: str) -> None:
    with pytest.raises(TryLater, match="yum is held by 42 yum update") as later:
        decide(request(procedure), found(prod(), well(yum_holder="42 yum update")))
    assert later.value.code == 75


def test_every_reason_is_told_not_only_the_first() -> None:
    message = reasons(request("minor-upgrade"), found(prod(), well(free=1), well(unfinished=True)))
    assert "1 MB free" in message
    assert "not finished" in message


@pytest.mark.parametrize(
    ("service", "line"),
    [("active", "fab prod stop-httpd"), ("activating", "fab prod stop-httpd"), ("unknown", "fab prod status")],
)
def test_D1_the_database_is_not_migrated_while_an_httpd_is(service: str, line: str) -> None:
    down = well(NEW, service="inactive", schema=Schema.PENDING)
    with pytest.raises(Refused) as refused:
        decide(request("upgrade-db"), found(prod(), down, well(NEW, service=service)))
    assert refused.value.next_line == line


@pytest.mark.parametrize("service", ["inactive", "failed"])
def test_the_database_is_migrated_when_every_httpd_is(service: str) -> None:
    down = well(NEW, service=service, schema=Schema.PENDING, answers=None)
    assert steps(decide(request("upgrade-db"), found(prod(), down))) == [
        "still-stopped: blockerbugs01, blockerbugs02",
        "upgrade-db: blockerbugs01",
    ]


def test_the_database_is_not_migrated_by_one_of_two_different_builds() -> None:
    with pytest.raises(Refused) as refused:
        decide(request("upgrade-db"), found(prod(), well(NEW, service="inactive"), well(OLD, service="inactive")))
    assert refused.value.next_line == "fab prod yum-update"


def test_the_last_host_that_serves_is_not_taken_for_a_canary() -> None:
    message = reasons(request("minor-upgrade", hosts=[ONE]), found(prod(), well(), well(answers=503)))
    assert "blockerbugs02: not healthy: taking blockerbugs01 out of service leaves no healthy host" in message


def test_an_ill_host_is_taken_first() -> None:
    order = steps(decide(request("minor-upgrade"), found(prod(), well(), well(answers=503))))
    assert [step for step in order if step.startswith("yum-update")] == [
        "yum-update: blockerbugs02",
        "yum-update: blockerbugs01",
    ]


# What will be done?


def test_a_canary_is_one_host_only() -> None:
    assert decide(request("minor-upgrade", hosts=[TWO]), found(prod(), well())).hosts == (TWO,)


def test_after_a_failed_major_upgrade_the_database_is_not_migrated_again() -> None:
    down = well(NEW, service="inactive", answers=None)
    assert "upgrade-db: blockerbugs01" not in steps(decide(request("major-upgrade", PROD), found(PROD, down)))


def test_where_the_schema_is_not_known_the_migration_is_run() -> None:
    down = well(NEW, service="inactive", answers=None, schema=Schema.UNKNOWN)
    assert "upgrade-db: blockerbugs01" in steps(decide(request("major-upgrade"), found(prod(), down)))


@pytest.mark.parametrize(
    ("there", "warning"),
    [
        pytest.param(well(skew=90), "its clock is +90 s off", id="a clock that is off"),
        pytest.param(well(settings="other"), "settings.py differs between", id="other settings"),
    ],
)
def test_the_operator_is_warned_of(there: Any, warning: str) -> None:
    assert warning in "\n".join(decide(request("minor-upgrade"), found(prod(), well(), there)).warnings)


def test_the_operator_is_warned_of_a_cron_job_on_the_wrong_host() -> None:
    facts = {ONE: well(cron=False), TWO: well(cron=True)}
    warnings = "\n".join(decide(request("minor-upgrade"), facts).warnings)
    assert "blockerbugs01 lacks the sync's cron file" in warnings
    assert "blockerbugs02 has the sync's cron file" in warnings


def test_the_operator_is_warned_where_a_migration_could_not_be_noticed() -> None:
    assert "schema_status" in "\n".join(decide(request("minor-upgrade"), found(prod(), well())).warnings)


def test_a_set_as_it_should_be_gives_no_warning() -> None:
    host_set = prod(schema_status="alembic current")
    assert decide(request("minor-upgrade", host_set), found(host_set, well())).warnings == ()


def test_a_restart_of_all_at_once_says_that_nobody_serves() -> None:
    together = replace(request("restart-httpd"), procedure=RESTART_TOGETHER)
    plan = decide(together, found(prod(), well()))
    assert steps(plan) == [f"{step}: blockerbugs01, blockerbugs02" for step in ("restart-httpd", "healthy")]
    assert plan.warnings == ("no node of prod serves while this lasts",)


# What to type next


def planned(**more: Any) -> Plan:
    return decide(request("minor-upgrade", PROD, **more), found(PROD, well()))


def test_the_next_line_is_pinned_to_the_same_build_where_it_installs() -> None:
    assert planned().typed("minor-upgrade") == "fab prod minor-upgrade --version 1.1.0-1.el7"
    assert planned().typed("restart-httpd") == "fab prod restart-httpd"
    assert planned().typed("rollback") == "fab prod rollback"


def test_the_next_line_is_for_the_same_host() -> None:
    assert planned(hosts=[TWO]).typed("restart-httpd") == "fab -H blockerbugs02 restart-httpd"


@pytest.mark.parametrize("task", ["major-upgrade", "upgrade-db", "sync"])
def test_the_next_line_is_for_the_set_where_one_host_would_be_refused(task: str) -> None:
    assert planned(hosts=[TWO]).typed(task).startswith(f"fab prod {task}")


def test_the_next_line_keeps_the_reason_for_going_unverified_or_it_would_be_refused() -> None:
    next_line = planned(unverified="stg's down; really").typed("minor-upgrade")
    assert shlex.split(next_line)[-2:] == ["--unverified", "stg's down; really"]


@pytest.mark.parametrize(
    ("facts", "warning"),
    [
        ({"answers": 404, "version": None}, "gives 404 where httpd runs, not 200: is host_sets.prod.health right?"),
        ({"answers": None, "version": None}, "gives no answer where httpd runs, not 200"),
        (
            {"version": None},
            "no page shows 'Blocker {version}', by which the new build is known: is host_sets.prod.health.version",
        ),
        ({}, ""),
        ({"service": "inactive", "answers": None, "version": None}, ""),
    ],
)
def test_where_no_host_that_runs_is_well_before_an_upgrade_it_is_asked_whether_hosts_yml_is_right(
    facts: dict[str, Any], warning: str
) -> None:
    host_set = prod(health={"version": "Blocker {version}"})
    for procedure in ("minor-upgrade", "major-upgrade"):
        told = "\n".join(decide(request(procedure, host_set), found(host_set, well(**facts))).warnings)
        assert warning in told
        assert ("health" in told) == bool(warning)
    assert "health" not in "\n".join(
        decide(request("minor-upgrade", host_set), found(host_set, well(**facts), well())).warnings
    )
