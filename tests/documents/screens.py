"""docs/screens.md: the main screens on terminals of three widths, out of the snapshots that the unit tests hold."""

from __future__ import annotations

from tests.warmed import PROJECT

PAGE = PROJECT / "docs/screens.md"
SNAPSHOTS = PROJECT / "tests/unit/report/screens"
WIDTHS = (80, 40, 120)
# What they are called on the page, in the order in which one meets them.
SCREENS = {
    "plan-{}-minor-upgrade": "The plan of a minor upgrade",
    "plan-{}-major-upgrade": "The plan of a major upgrade",
    "live_at_work-{}": "While hosts are at work",
    "live_waits_for-{}-cron": "A wait for cron's sync",
    "live_waits_for-{}-health": "A wait for a node's health",
    "live_waits_and_was_asked_to_end-{}": "A wait for the balancer, and after Ctrl-C",
    "recap-{}": "The recap",
    "failure-{}": "A failure",
    "what_is_left_to_resume-{}": "What resume is going to do",
    "status-{}": "fab prod status",
    "history-{}": "fab prod history",
    "folded_plan-{}-minor-upgrade": "Of a set of 200 hosts: the plan of a minor upgrade",
    "folded_plan-{}-major-upgrade": "Of a set of 200 hosts: the plan of a major upgrade",
    "folded_live_at_work-{}": "Of a set of 200 hosts: while they are at work",
    "folded_live_in_batches-{}": "Of a set of 200 hosts: while a batch is at work",
    "folded_run-{}": "Of a set of 200 hosts: what stays of its phases",
    "folded_what_is_left_to_resume-{}": "Of a set of 200 hosts: what resume is going to do",
    "folded_recap-{}": "Of a set of 200 hosts: the recap",
    "folded_status-{}": "Of a set of 200 hosts: fab prod status",
}
_HEAD = """# The screens

What an operator sees on terminals of 80, 40 and 120 columns, without its colours. `tox -e docs` makes
this page out of what the unit tests hold the program to (`tests/unit/report/screens`).
"""


def page() -> str:
    """The page as it is to be."""
    parts = [_HEAD]
    for name, title in SCREENS.items():
        parts.append(f"\n## {title}\n")
        for width in WIDTHS:
            text = (SNAPSHOTS / f"{name.format(width)}.txt").read_text(encoding="utf-8")
            block = f"\n```text\n{text}```\n"
            fold = f"\n<details><summary>{width} columns</summary>\n{block}\n</details>\n"
            parts.append(block if width == WIDTHS[0] else fold)
    return "".join(parts)
