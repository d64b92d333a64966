"""A Koji hub double: XML-RPC over HTTPS on 127.0.0.1, spoken to by the real client.

records.py   what the hub keeps: tasks, builds, hosts, tags, and how it shows them
machine.py   how tasks get on with time; builders, delays and the tag robot are a test's choice
api.py       the methods, as KOJI.md describes them
server.py    HTTPS, logins, sessions, and everything that can go wrong on the way
__main__.py  the hub as a program, to try `invoke build` on by hand

test_recordings.py replays the recorded conversations through machine and api.
"""
