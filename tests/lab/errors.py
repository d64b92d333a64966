"""The one way in which the lab says that it cannot."""

from __future__ import annotations


class LabError(Exception):
    """A sentence for whoever called, with what to do about it."""
