"""The line that tells why a command failed."""

from __future__ import annotations

import pytest

from tasks.fleet.outcome import failure, telling_line

CONFLICT = """\
Running transaction test


Transaction check error:
  file /usr/share/blockerbugs/alembic.ini from install of blockerbugs-1.0.1-1.el7.noarch conflicts with file from x

Error Summary
-------------
"""
NO_SPACE = """\
Transaction check error:
  installing package blockerbugs-1.0.1-1.el7.noarch needs 12MB on the / filesystem

Error Summary
-------------
Disk Requirements:
  At least 12MB more space needed on the / filesystem.
"""
UNPACKING = """\
  Updating   : blockerbugs-1.0.1-1.el7.noarch              1/2
error: unpacking of archive failed on file /usr/share/blockerbugs: cpio: rename
  Verifying  : blockerbugs-1.0.1-1.el7.noarch              1/2

Failed:
  blockerbugs.noarch 0:1.0.1-1.el7

Complete!
"""
MIRRORS = """\
http://infra/repodata/x.rpm: [Errno 14] HTTP Error 404 - Not Found
Trying other mirror.


Error downloading packages:
  blockerbugs-1.0.1-1.el7.noarch: [Errno 256] No more mirrors to try.

"""
SOLVER = """\
Last metadata expiration check: 0:00:01 ago.
Error:
 Problem: package blockerbugs-1.0.1-1.el7.noarch requires python-munch, but none of the providers can be installed
  - nothing provides python-munch
(try to add '--skip-broken' to skip uninstallable packages)
"""
SQL = """\
sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not connect to server: Connection refused
(Background on this error at: http://sqlalche.me/e/e3q8)
"""
UNIT = """\
Redirecting to /bin/systemctl start httpd.service
Job for httpd.service failed because the control process exited with error code.
See "systemctl status httpd.service" and "journalctl -xe" for details.
failed
"""
GPG = "Downloading Packages:\nPackage blockerbugs-1.0.1-1.el7.noarch.rpm is not signed\nError: GPG check FAILED\n"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(CONFLICT, "conflicts with file from x", id="a conflict of files"),
        pytest.param(NO_SPACE, "needs 12MB on the / filesystem", id="no space"),
        pytest.param(UNPACKING, "error: unpacking of archive failed on file", id="an rpm that cannot be unpacked"),
        pytest.param(MIRRORS, "blockerbugs-1.0.1-1.el7.noarch: [Errno 256] No more mirrors", id="no mirror"),
        pytest.param(SOLVER, "requires python-munch", id="a package that is missing"),
        pytest.param(SQL, "could not connect to server: Connection refused", id="a database that is away"),
        pytest.param(UNIT, "Job for httpd.service failed because", id="a service that does not start"),
        pytest.param(GPG, "is not signed", id="no signature"),
        pytest.param("one\ntwo", "two", id="no word of an error"),
        pytest.param("one\nFailed:\n", "one", id="a heading with nothing below it"),
        pytest.param("Failed:\n  blockerbugs\n", "Failed: blockerbugs", id="nothing but a heading"),
        pytest.param("", "no output", id="silence"),
        pytest.param("inactive\n", "inactive", id="one word is all there is"),
    ],
)
def test_the_reason_of_a_failure_is_the_line_that_tells_it_when_there_is(said: str, reason: str) -> None:
    assert reason in telling_line(said)


@pytest.mark.parametrize("said", [CONFLICT, NO_SPACE, UNPACKING, MIRRORS, SOLVER, SQL, UNIT, GPG])
def test_no_heading_rule_or_advice_is_a_reason(said: str) -> None:
    reason = telling_line(said)
    assert not reason.startswith(("Failed", "Error Summary", "---", "(Background", "(try", "See", "Error: GPG"))
    assert "\n" not in reason


def test_a_status_that_means_something_is_told_with_its_meaning() -> None:
    def means(exited: int, last: str) -> str | None:
        return f"it says {last}" if exited == 97 else None

    assert failure(97, "a\nb\n", means) == "it says b"
    assert failure(1, "a\nb\n", means) == "exit status 1: b"
    assert failure(0, "a failed: b\n", means) is None
