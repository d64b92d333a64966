"""A small blocker-bug tracker: what the lab's upgrades install."""

__version__ = "@VERSION@"
