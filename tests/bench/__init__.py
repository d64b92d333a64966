"""What an upgrade costs, beside what others make of the same work: `python -m tests.bench` (docs/bench.md)."""
