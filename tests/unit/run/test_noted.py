"""What still stands around runs, as status and abort tell it."""

from __future__ import annotations

from tasks.run.left_behind import left_behind
from tasks.run.noted import sentences, what_is_up
from tests.unit.builders import ONE, found, prod, well

FIRST = {"silence": "http://am.example:9093", "matchers": {"service": "blockerbugs"}}
SET = prod(around=[FIRST, {"begin": "on", "end": "off", "name": "page"}])


def test_what_has_ended_by_itself_is_not_up_and_a_command_never_does() -> None:
    rows = (("0123abcd", 60, "silence"), ("0123abcd", 0, "silence"), ("89abcdef", -9, "page"), ("89abcdef", 5, "gone"))
    facts = {ONE: well(around=rows)}
    assert [(up.part, up.seconds) for up in what_is_up(SET, facts)] == [("silence", 60), ("page", -9), ("gone", 5)]
    assert sentences(SET, facts) == [
        "silence: put up by run 0123abcd, ends by itself in 1 min 0 s",
        "page: put up by run 89abcdef",
        "gone: put up by run 89abcdef; hosts.yml has it no more",
    ]
    assert what_is_up(SET, {}) == []


def test_w1_where_no_run_holds_the_set_an_abort_undoes_what_is_up() -> None:
    facts = found(SET, well(around=(("0123abcd", 60, "silence"), ("89abcdef", 60, "silence"))), well())
    assert left_behind(SET, facts) == "fab prod abort  # undoes silence"
    assert left_behind(SET, found(SET, well(around=(("0123abcd", 0, "silence"),)), well())) == ""


def test_r3_what_hosts_yml_has_no_more_has_a_line_that_clears_its_note_and_abort_is_not_named_for_it() -> None:
    facts = found(SET, well(around=(("0123abcd", 60, "gone"),)), well())
    note = "/var/lib/blockerbugs-upgrade/around/0123abcd,gone"
    clears = f"ssh -t {ONE.name} sudo rm {note}  # when gone is undone by hand"
    assert left_behind(SET, facts) == clears
    both = left_behind(SET, found(SET, well(around=(("0123abcd", 60, "gone"), ("0123abcd", 60, "page"))), well()))
    assert [line.split("  # ")[0].strip() for line in both.splitlines()] == [
        "fab prod abort",
        f"then: {clears.split('  # ')[0]}",
    ]
