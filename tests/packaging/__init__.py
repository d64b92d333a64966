"""Building and tagging: real rpmbuild, real git, and the real koji client against a hub double."""
