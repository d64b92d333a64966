"""A bare machine: Debian 12 with nothing but Python, git and CA certificates, in namespaces of its own.

It is a folder that becomes the root of namespaces (pivot_root: who enters a namespace that is made in there must not
land outside), with processes, mounts and devices of its own and this machine's network.
Registries are reached as from here: resolv.conf, what apt and pip are told, proxies and CA certificates are copied.
"""

from __future__ import annotations

import hashlib
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

SUITE = "bookworm"
MAKE = ("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--include=python3,git,ca-certificates")
LIMIT_SECONDS = 2400  # for one command; nothing here may wait for ever
# How registries are reached: what is said in the environment, and in files that are copied where they are.
_SAID = re.compile(
    "PIP_.*|(https?|no|all)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_.*", re.I
)
_APT_SAYS = re.compile("Acquire::(https?|ftp|Check|Allow|Retries|Force)", re.I)
_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
_FOLDERS = ("/etc/apt/keyrings", "/etc/apt/auth.conf.d", "/usr/share/keyrings", "/usr/local/share/ca-certificates")
_OF_USERS = (".config/pip/pip.conf", ".pip/pip.conf")
ENTER = """set -e
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do : >"$root/dev/$node"; mount --bind /dev/$node "$root/dev/$node"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${stream%:*}" "$root/dev/${stream#*:}"; done
while test "$1" != --; do mkdir -p "$root$1"; mount --bind -o ro "$1" "$root$1"; shift; done
shift; cd "$root"; mkdir -p .outside; pivot_root . .outside; umount -l /.outside; exec chroot "$@"
"""


@dataclass(frozen=True)
class Typed:
    """How a line ended: its exit status, what it said, and the seconds it took."""

    code: int
    said: str
    seconds: float


class Machine:
    """One bare machine, gone at the end of `with`. user: who types there; root, unless `adduser` was called."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=cache()))
        self.user = "root"
        self._lent = [path for path in _named_by_pip() if path.is_dir()]

    def __enter__(self) -> Machine:
        subprocess.run(["tar", "-C", self.folder, "-xf", tarball()], check=True)
        for path in (*map(Path, _FILES), *(path for path in _named_by_pip() if path.is_file())):
            _copy(path, self.folder)
        for folder in map(Path, _FOLDERS):
            if folder.is_dir():
                shutil.copytree(folder, self.folder / folder.relative_to("/"), dirs_exist_ok=True)
        refuses = self.folder / "usr/sbin/policy-rc.d"  # as in a container: no package starts its server
        refuses.write_text("#!/bin/sh\nexit 101\n")
        refuses.chmod(0o755)
        self._copy_what_pip_is_told(self.folder / "root")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder)

    @property
    def home(self) -> str:
        return "/root" if self.user == "root" else f"/home/{self.user}"

    def adduser(self, name: str, sudo: bool) -> None:
        """From now on an ordinary user types there, who may or may not become root with sudo."""
        rights = f"{name} ALL=(ALL) NOPASSWD: ALL"
        keeps = 'Defaults env_keep += "http_proxy https_proxy no_proxy"'
        lines = ["useradd --create-home --shell /bin/bash " + name]
        if sudo:
            lines += ["apt-get -qq update", "apt-get -qq install -y --no-install-recommends sudo"]
            lines += [f"printf '%s\\n' '{rights}' '{keeps}' >/etc/sudoers.d/{name}", "rm -r /var/lib/apt/lists/*"]
        self.must(" && ".join(lines))
        self._copy_what_pip_is_told(self.folder / "home" / name)
        self.must(f"chown -R {name}: /home/{name}")
        self.user = name

    def clone(self, checkout: Path) -> None:
        """What is committed in `checkout`, as README's reader gets it."""
        place = self.folder / self.home.lstrip("/") / "src"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", checkout, place], check=True)
        self.must(f"chown -R {self.user}: {self.home}/src")

    def must(self, line: str) -> None:
        """Done by root, to prepare the machine."""
        ended = self._run(line, "root", "/", None, {"DEBIAN_FRONTEND": "noninteractive"}, show=False)
        if ended.code:
            raise SystemExit(f"the bare machine could not be prepared: {line}\n{ended.said}")

    def types(self, line: str, answer: str | None = None, **environment: str) -> Typed:
        """What becomes of `line` in the clone: without a terminal, or on one where each [y/N] gets this answer."""
        return self._run(line, self.user, f"{self.home}/src", answer, environment, show=True)

    def _run(
        self, line: str, user: str, folder: str, answer: str | None, environment: dict[str, str], show: bool
    ) -> Typed:
        home = "/root" if user == "root" else f"/home/{user}"
        path = "/usr/local/bin:/usr/bin:/bin" if user != "root" else "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
        told = {name: value for name, value in os.environ.items() if _SAID.fullmatch(name)}
        told |= {"PATH": path, "HOME": home, "USER": user, "TERM": "xterm" if answer else "dumb", **environment}
        command = [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"),
            *("sh", "-c", ENTER, "sh", str(self.folder), *map(str, self._lent), "--"),
            *(f"--userspec={user}:{user}", "/", "env", "-i"),
            *(f"{name}={value}" for name, value in told.items()),
            *("/bin/sh", "-c", f"cd {folder} && {line}"),
        ]
        began = time.monotonic()
        ours, theirs = os.pipe() if answer is None else pty.openpty()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if answer is None else theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=answer is None,
            preexec_fn=None if answer is None else lambda: os.login_tty(theirs),
        )
        os.close(theirs)
        try:
            said = self._listen(ours, began + LIMIT_SECONDS, answer, show)
        finally:
            process.kill()  # where it is not over: unshare takes all that runs there with it
            os.close(ours)
        return Typed(process.wait(), said, time.monotonic() - began)

    def _listen(self, ours: int, ends: float, answer: str | None, show: bool) -> str:
        said = b""
        answered = 0
        while select.select([ours], [], [], max(0.0, ends - time.monotonic()))[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # a terminal whose other end is closed
                break
            if not chunk:
                break
            said += chunk
            if show:
                os.write(1, chunk)
            if answer and said.count(b"[y/N]: ") > answered:
                answered += 1
                os.write(ours, f"{answer}\n".encode())
        else:
            said += f"\nnothing for the end in {LIMIT_SECONDS} s: killed\n".encode()
        return said.decode(errors="replace")

    def _copy_what_pip_is_told(self, home: Path) -> None:
        for name in _OF_USERS:
            if (Path.home() / name).is_file():
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path.home() / name, home / name)


def cache() -> Path:
    """Where the made root is kept, and machines are while they are used."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blockerbugs-upgrade"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tarball() -> Path:
    """The root of a bare machine; made when there is none of this month, from the sources that apt has here."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.*"))]
    sources = [path for path in places if path.suffix in (".list", ".sources") and path.is_file()]
    sources = [path for path in sources if SUITE in path.read_text(errors="replace")]
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    settings = "".join(f"{line}\n" for line in dumped.stdout.splitlines() if _APT_SAYS.match(line))
    named = "\0".join(
        [*MAKE, settings, *(path.read_text(errors="replace") for path in sources), time.strftime("%Y-%m")]
    )
    made = cache() / f"bare-{hashlib.sha256(named.encode()).hexdigest()[:12]}.tar"
    if made.exists():
        return made
    for old in cache().glob("bare-*.tar"):
        old.unlink()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as options, tempfile.TemporaryDirectory(dir=cache()) as new:
        options.write(settings)
        options.flush()
        Path(options.name).chmod(0o644)
        ready = Path(new) / made.name
        subprocess.run([*MAKE, f"--aptopt={options.name}", SUITE, ready, *sources], check=True)
        ready.rename(made)
    return made


def _named_by_pip() -> list[Path]:
    """What pip's settings and CA variables name on this machine: local indexes, wheels, certificates."""
    texts = [value for name, value in os.environ.items() if _SAID.fullmatch(name)]
    files = [Path("/etc/pip.conf"), *(Path.home() / name for name in _OF_USERS)]
    texts += [path.read_text(errors="replace") for path in files if path.is_file()]
    named = {Path(path) for text in texts for path in re.findall(r"(?<![\w/.:-])(?:file://)?(/[\w./+-]+)", text)}
    # An index's pages lead to files beside it.
    named = {path.parent if path.name == "simple" else path for path in named if path.exists()}
    return sorted(named - {Path("/etc/ssl/certs")})


def _copy(path: Path, root: Path) -> None:
    if path.is_file():
        place = root / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        shutil.copyfile(path, place)
