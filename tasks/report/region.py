"""The part of a terminal that is drawn again and again, below the lines that stay."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rich.console import Group
from rich.live import Live

from .screen import Screen

TIMES_A_SECOND = 5


class Region:
    """What is drawn below the lines that stay, again and again until it is ended.

    rich's own thread would take its turn between the moment in which a line that is being printed has been told how
    high the frame is and the one in which it moves the cursor up by that: a frame of another height then costs a line.
    """

    def __init__(self, screen: Screen, frame: Callable[[], Group]) -> None:
        self._screen = screen
        self._region = Live(
            get_renderable=frame,
            console=screen.console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._over = threading.Event()
        with screen.turn:
            self._region.start()
        threading.Thread(target=self._draw, daemon=True).start()

    def _draw(self) -> None:
        while not self._over.wait(1 / TIMES_A_SECOND):
            with self._screen.turn:
                if not self._over.is_set():
                    self._region.refresh()

    def end(self) -> None:
        """It is taken away."""
        self._over.set()
        with self._screen.turn:
            self._region.stop()
