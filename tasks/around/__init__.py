"""What stands around a run: a silence, a downtime, a command, who is told. hosts.yml has it (`around`, `notify`).

What it is like is here; when it is put up and taken down is `run/standing.py`'s business.
"""
