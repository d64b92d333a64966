"""The page and the picture of a run, as text. Pure: the same story gives the same text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..journal import words
from .picture import Picture, draw
from .story import Story

HERE = Path(__file__).parent
LOOKS = {
    "done": "done",
    "failed": "failed",
    "unknown": "its end is not known",
    "wait": "a wait",
    "served": "the page answered",
    "outage": "the page did not answer",
    "away": "a host did not answer: its own restart is no outage",
    "unwatched": "nobody watched: not known",
}


def html(story: Story) -> str:
    """One self-contained HTML page: no network, no script, light and dark, and fit to be printed."""
    picture = draw(story)
    used = {box.kind for lane in picture.lanes for box in lane.boxes}
    told = [
        (chapter, [bar for bar in story.bars if (bar.number, bar.step) == (chapter.number, chapter.step)])
        for chapter in story.chapters
    ]
    return _render(
        "page.html.jinja",
        story,
        picture,
        _style("style.css") + _style("page.css"),
        key=[(kind, text) for kind, text in LOOKS.items() if kind in used],
        told=[(chapter, bars) for chapter, bars in told if bars],
        verdict=verdict(story),
    )


def verdict(story: Story) -> tuple[str, str]:
    """How the run ended, in a sentence, and its look (good, warn, bad): what users had to bear is said beside it."""
    if not story.how:
        return "No end was written: the run goes on, or fab was killed", "bad"
    code = "" if story.code is None else f" (exit code {story.code})"
    text = f"{story.how[:1].upper()}{story.how[1:]}{code}"
    if story.code != 0 and story.how != "done":
        return text, "bad"
    down = [one for one in story.users if one.down and not one.never]
    if story.httpd_still_down or down:
        because = "" if story.httpd_still_down else next((one.because for one in down), "")
        why = f": {because}" if because else ""
        return f"{text}, and users had no answer at the end{why}", "warn" if because else "bad"
    longest = max((one.longest for one in story.users if one.failed and not one.never), default=0.0)
    return (f"{text}, with an outage of {words.duration(longest)}", "warn") if longest else (text, "good")


def svg(story: Story) -> str:
    """The picture by itself, to be shown inside another page."""
    return _render("alone.svg.jinja", story, draw(story), _style("style.css"))


def _render(template: str, story: Story, picture: Picture, style: Markup, **more: object) -> str:
    return (
        _environment()
        .get_template(template)
        .render(story=story, picture=picture, title=story.title, style=style, **more)
    )


@cache
def _environment() -> Environment:
    # autoescape: what hosts have said stands on this page, and must never be more than text.
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(clock=words.clock, duration=words.duration, plural=words.plural)
    return environment


def _style(name: str) -> Markup:
    """A style sheet of this folder, which is no remote text."""
    return Markup((HERE / name).read_text(encoding="utf-8"))
