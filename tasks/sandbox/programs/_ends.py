"""How a program ends before its last line."""


class Quit(Exception):
    """The program ends now, with this exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class NoFleet(Exception):
    """Nobody answers at the control port: the fleet does not run, or it ended in the middle."""
