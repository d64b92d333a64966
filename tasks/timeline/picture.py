"""The picture: one lane for each host, time from left to right, and what the users saw. Geometry only, and pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..journal.events import Span
from ..journal.words import duration, plural
from .scale import Scale
from .story import Bar, Story, Watched

WIDTH = 960
MARGIN = 12
TOP = 16
LANE = 50  # the height of a lane: a name, and below it a bar
BAR = 22
LETTER = 7.0  # the widest that a letter of the bars' 12 px font is
SMALL = 5.5  # and one of the 9 px font of the numbers below them


@dataclass(frozen=True)
class Box:
    """A rectangle of a lane.

    kind: its look (done, failed, unknown, outage, away, served, unwatched, wait); title: its words; number: what may
    stand below it where no text fits in.
    """

    left: float
    width: float
    kind: str
    text: str
    title: str
    number: str = ""


@dataclass(frozen=True)
class Lane:
    """One row of the picture: its name, how high it stands, its boxes, and the numbers below the narrow ones."""

    name: str
    top: float
    boxes: tuple[Box, ...]
    numbers: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Picture:
    """What the template needs: sizes, lanes, the outage bands behind them, ticks, breaks, and it all in a sentence."""

    width: int
    height: float
    axis: float
    bar: int
    lanes: tuple[Lane, ...]
    bands: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[float, str], ...]
    breaks: tuple[tuple[float, str], ...]
    describes: str


def draw(story: Story) -> Picture:
    """The picture of a run."""
    spans: list[Span] = [*story.bars, *story.waits, *(o for one in story.users for o in _outages(one))]
    moments = [(at, at) for at in story.times]
    scale = Scale([*((s.began, s.ended) for s in spans), *moments], WIDTH - 2 * MARGIN)
    rows = [(host, [_bar(scale, bar) for bar in story.bars if bar.host == host]) for host in story.hosts]
    rows += [(f"{one.url}, as its users saw it", _answers(scale, one, "outage")) for one in story.users]
    rows += [(f"{one.host}, as it answered", _answers(scale, one, "away")) for one in story.nodes if not one.never]
    if story.waits:
        rows.append(
            ("waits", [_box(scale, wait, "wait", f"{duration(wait.seconds)} {wait.why}") for wait in story.waits])
        )
    lanes = tuple(Lane(name, TOP + LANE * n, tuple(b), _numbers(b)) for n, (name, b) in enumerate(rows))
    axis = TOP + LANE * len(lanes) + 4
    return Picture(
        width=WIDTH,
        height=axis + 40,
        axis=axis,
        bar=BAR,
        lanes=lanes,
        bands=tuple(_room(scale, gap) for one in story.users[:1] for gap in _outages(one)),
        ticks=tuple((round(MARGIN + at, 1), text) for at, text in scale.ticks(apart=90)),
        breaks=tuple((MARGIN + at, f"{duration(seconds)} without an event") for at, seconds in scale.breaks),
        describes=_sentence(story),
    )


def _bar(scale: Scale, bar: Bar) -> Box:
    state = {"done": "", "failed": ", failed", "unknown": ", its end is not known"}.get(bar.state, f", {bar.state}")
    title = f"{bar.step}: {duration(bar.seconds)}{state}" + (f": {bar.failure}" if bar.failure else "")
    kind = bar.state if bar.state in ("done", "failed") else "unknown"
    mark = {"failed": "✗ ", "unknown": "? "}.get(kind, "")
    number = str(bar.number) if bar.number else ""
    box = _box(
        scale,
        bar,
        kind,
        title,
        f"{mark}{number} {bar.step}".replace("  ", " "),
        f"{mark}{number}".strip(),
        mark.strip(),
    )
    return replace(box, number=f"{number}{mark.strip()}") if number not in box.text else box


def _numbers(boxes: Sequence[Box]) -> tuple[tuple[float, str], ...]:
    """Where which numbers stand below the boxes; those of neighbours that would lie on one another are one: `3-5`."""
    labels: list[tuple[float, float, str]] = []  # left, right, text
    for box in sorted((box for box in boxes if box.number), key=lambda box: box.left):
        left, right, text = labels[-1] if labels else (0.0, 0.0, "")
        if labels and box.left < right + SMALL:
            text = f"{text.partition('-')[0]}-{box.number}"
            labels[-1] = (left, left + len(text) * SMALL, text)
        else:
            labels.append((box.left, box.left + len(box.number) * SMALL, box.number))
    return tuple((left, text) for left, _, text in labels)


def _outages(one: Watched) -> tuple[Span, ...]:
    return () if one.never else one.outages


def _answers(scale: Scale, one: Watched, gap: str) -> list[Box]:
    """When it answered, and on top of that when it did not; nothing is known of what never answered."""
    if one.never:
        return [_box(scale, span, "unwatched", "no answer from where fab ran: not known") for span in one.whiles]
    boxes = [Box(*_room(scale, span), "served", "", "it answered") for span in one.whiles]
    boxes += [_box(scale, gap, "unwatched", f"nobody watched for {duration(gap.seconds)}") for gap in one.gaps]
    return boxes + [_box(scale, o, gap, f"no answer for {duration(o.seconds)}") for o in one.outages]


def _box(scale: Scale, span: Span, kind: str, title: str, *texts: str) -> Box:
    left, width = _room(scale, span)
    text = next((text for text in (*texts, *_shorter(kind, title)) if len(text) * LETTER + 6 <= width), "")
    return Box(left, width, kind, text, title)


def _shorter(kind: str, title: str) -> Sequence[str]:
    return (title,) if kind in ("wait", "outage", "away", "unwatched") else ()


def _room(scale: Scale, span: Span) -> tuple[float, float]:
    """Left and width; nothing is so short that it cannot be seen."""
    left = scale.place(span.began)
    return round(MARGIN + left, 1), round(max(scale.place(span.ended) - left, 3.0), 1)


def _sentence(story: Story) -> str:
    """For whoever cannot see it; the page's table has every number."""
    parts = [f"{plural(len(story.chapters), 'phase')} on {plural(len(story.hosts), 'host')}"]
    parts.append(f"{duration(story.ended - story.began)} in all")
    parts += [f"{bar.step} failed on {bar.host}" for bar in story.failures]
    parts += [
        f"{one.url}: "
        + ("no answer" if one.never else f"{plural(len(one.outages), 'outage')}, {one.longest:.1f} s the longest")
        for one in story.users
    ]
    return ", ".join(parts) + "."
