"""RPMs that a test has made on the hub: a build of a name that there is already, and a library that it needs."""

from __future__ import annotations

from .layout import HUB
from .podman import run_in

LIBRARY = "bugs-library"
_SPEC = f"""\
Name: {LIBRARY}
Version: %{{version}}
Release: 1.el7
Summary: What blockerbugs needs
License: MIT
BuildArch: noarch
AutoReqProv: no
%description
A library.
%files
%postun -p <lua>
-- systemctl try-restart httpd.service
"""
_BUILD = """\
export HOME=~root GNUPGHOME=~root/.gnupg
rm -rf /tmp/rebuilt && mkdir /tmp/rebuilt && cd /tmp/rebuilt
cat >library.spec
cp /usr/src/blockerbugs/blockerbugs.spec .
if test -n '{library}'; then
    rpmbuild --quiet -bb --define 'version {library}' --define '_rpmdir /tmp/rebuilt' library.spec
    sed -i 's/^AutoReqProv.*/&\\nRequires: {name} >= {library}/' blockerbugs.spec
fi
rpmbuild --quiet -bb --define 'version {version}' --define '_rpmdir /tmp/rebuilt' blockerbugs.spec
rpmsign --define '_gpg_name Blockerbugs lab' --addsign noarch/*.rpm
cp noarch/*.rpm /var/www/html/repo/{repo}
createrepo_c -q --update /var/www/html/repo/{repo}
"""


def publish(version: str, repo: str, library: str = "") -> None:
    """Build a version once more and offer it in a repo; with a library: so that it needs that, which comes with it."""
    run_in(HUB, "bash", "-ec", _BUILD.format(version=version, repo=repo, library=library, name=LIBRARY), given=_SPEC)


def offer(repo: str) -> None:
    """Offer what was built last in another repo, too."""
    folder = f"/var/www/html/repo/{repo}"
    run_in(HUB, "sh", "-ec", f"cp /tmp/rebuilt/noarch/*.rpm {folder}; createrepo_c -q --update {folder}")
