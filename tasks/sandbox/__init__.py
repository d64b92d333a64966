"""A fleet on this machine over real SSH: for a first run, for rehearsals, for tests.

Kept empty of imports: the small programs of `programs/` start through this package and must start fast.
"""

TASKS = ("sandbox.up", "sandbox.down", "sandbox.reset", "sandbox.fault")
NAMES = ("sandbox", "sandbox01", "sandbox02", "blockerbugs01.sandbox", "blockerbugs02.sandbox")
