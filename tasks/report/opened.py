"""Which reports there are: from what was typed and configured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..lines import mended, word
from ..run.observer import Report, Several


@dataclass(frozen=True)
class Shown:
    """How much is shown, and what else is written.

    verbose: every line of every host; quiet: only the recap; agreed: nobody is going to be asked;
    json: JSON lines on stdout, and what is for people on stderr; junit: the file for JUnit's XML.
    """

    verbose: bool = False
    quiet: bool = False
    json: bool = False
    junit: str = ""
    agreed: bool = False

    def check(self) -> None:
        """Raises Refused for what cannot be had together, and for a file that cannot be written."""
        if self.verbose and self.quiet:
            raise Refused("--verbose and --quiet on one line")
        path = Path(self.junit).expanduser()
        if self.junit and path.is_dir():
            inside = str(path / "junit.xml")
            raise Refused(f"--junit {self.junit}: is a folder", next_line=mended(self.junit, inside))
        if self.junit and not path.parent.is_dir():
            raise Refused(
                f"--junit {self.junit}: there is no folder {path.parent}", next_line=f"mkdir -p {word(path.parent)}"
            )

    def as_configured(self, config: Any, agreed: bool = False) -> Shown:
        """With what the configuration has under `report`, where nothing else was typed.

        Raises Refused as `check`; TypeError for a value of another kind, which causes.py puts into words.
        """
        self.check()
        _check_configured(config)
        typed = self.verbose or self.quiet
        return replace(
            self,
            verbose=self.verbose if typed else config.verbose,
            quiet=self.quiet if typed else config.quiet and not config.verbose,
            json=self.json or config.json,
            junit=self.junit or config.junit or "",
            agreed=agreed,
        )


def _check_configured(config: Any) -> None:
    known = {field.name: type(field.default) for field in fields(Shown) if field.name != "agreed"}
    for name, kind in known.items():
        if not isinstance(config[name], kind | None):
            raise TypeError(f"report.{name}")  # which file says so is found by causes.py


def opened(shown: Shown | None = None) -> Report:
    """The reports that are wanted, as one: live on a terminal, plain lines elsewhere, and what is for machines."""
    from .human import Human  # rich, which `fab --list` does without
    from .live import Live
    from .screen import Screen

    shown = shown or Shown()
    screen = Screen(sys.stderr if shown.json else sys.stdout)
    alone = not (shown.json and sys.stdout and sys.stdout.isatty())  # what is drawn must not be written over
    kind = Live if screen.animated and alone else Human
    people = kind(screen, shown.verbose, shown.quiet, shown.agreed)
    return Several([people, *_machines(shown)])


def _machines(shown: Shown) -> Iterator[Report]:
    if shown.json:
        from .jsonl import Machine

        yield Machine(sys.stdout)
    if shown.junit:
        from .junit import JUnit

        yield JUnit(Path(shown.junit).expanduser())
