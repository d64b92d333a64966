# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""One page: the kittens, and the version."""

from collections.abc import Callable, Iterable

from . import __version__
from .manage import connection


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """WSGI, without a framework."""
    with connection() as database, database.cursor() as cursor:
        cursor.execute("SELECT full_name FROM kitten ORDER BY id")
        names = ", ".join(name for (name,) in cursor.fetchall())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{names}\nKittens {__version__}\n".encode()]
