"""The lab: the same host sets as real machines (sshd, systemd, dnf, rpm, httpd, PostgreSQL, haproxy) in containers.

`python -m tests.lab up` builds and starts it; needs root on Debian 12 and, once, a Debian mirror.
"""
