"""A list of kittens: an application that the upgrade tool knows from hosts.yml alone."""

__version__ = "@VERSION@"
