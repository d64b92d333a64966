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
    )


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
    environment.filters["capitalised"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _style(name: str) -> Markup:
    """A style sheet of this folder, which is no remote text."""
    return Markup((HERE / name).read_text(encoding="utf-8"))
