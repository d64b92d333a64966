"""What others are told of a run. Pure; no more than the journal says, from which secrets were taken out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..timeline.story import tell, title
from ..timeline.words import duration


def message(event: str, events: Iterable[dict[str, Any]]) -> tuple[str, str, dict[str, Any]]:
    """Subject, text, and the same as data, of a run that is about to begin (`begin`) or has ended (`end`)."""
    story = tell(events)
    who = story.people[-1][1] if story.people else "somebody"
    data = {
        "run": story.run,
        "set": story.host_set,
        "procedure": story.procedure,
        "target": story.target or None,
        "operator": who,
        "unverified": story.unverified or None,
    }
    if event == "begin":
        lines = [f"Run {story.run} by {who} on {', '.join(story.hosts)}."]
        lines += [f"Unverified, because {story.unverified}"] if story.unverified else []
        return f"{title(story)}: begins", "\n".join(lines), data
    how = story.how or "fab ended without writing an end"
    lines = [f"{bar.host}: {bar.step}: {bar.failure}" for bar in story.failures]
    if story.httpd_down:
        lines.append(f"httpd was down for {duration(story.httpd_down)}.")
    lines += [f"{one.url}: {one.requests} requests, {one.failed} failed." for one in story.users]
    lines.append(f"Run {story.run} by {who}, {duration(story.ended - story.began)}.")
    return f"{title(story)}: {how}", "\n".join(lines), {**data, "how": how, "code": story.code}
