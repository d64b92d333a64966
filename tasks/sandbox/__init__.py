"""A fleet on this machine over real SSH: for a first run, for rehearsals, for tests.

Kept empty of imports: the small programs of `programs/` start through this package and must start fast.
"""
