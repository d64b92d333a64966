# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""The web application: one page with the bugs and the version."""

from flask import Flask, render_template_string
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from . import __version__, config
from .models import Bug

PAGE = """<!doctype html>
<title>Blockerbugs</title>
<h1>Proposed blockers</h1>
<ul>{% for bug in bugs %}<li>{{ bug.id }}: {{ bug.summary }}</li>{% endfor %}</ul>
<footer>Blockerbugs {{ version }}</footer>
"""

application = Flask("blockerbugs")
# A node that has lost its database must say so at once, not hang its five threads.
engine = create_engine(
    config.load()["SQLALCHEMY_DATABASE_URI"], pool_pre_ping=True, connect_args={"connect_timeout": 3}
)


@application.get("/")
def index() -> str:
    """All bugs, by number."""
    with Session(engine) as session:
        bugs = session.scalars(select(Bug).order_by(Bug.id)).all()
        return render_template_string(PAGE, bugs=bugs, version=__version__)
