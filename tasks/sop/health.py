"""Does a node answer, and which build is it that answers? As shell that runs on the node itself.

From the node, because the control host may not reach it other than through SSH; curl, because every host has it.
"""

from __future__ import annotations

import math
import re
import shlex

from ..inventory.model import App, Health


def answer(app: App, health: Health) -> str:
    """Shell that defines `answer`, which prints `STATUS VERSION`, e.g. `200 0.4.4.11` or `000 -`.

    Where the page does not show its version, httpd having started after the package was installed stands for
    the installed version, and having started before stands for an unknown old one. A page that does not end in time is
    no answer, whatever status it began with (H4).
    """
    package, service = shlex.quote(app.package), shlex.quote(app.service)
    if health.version:
        before, after = (_sed(part) for part in health.version.split("{version}"))
        # Greedy as sed is: where nothing stands before the version, it must begin where a word begins.
        start = f".*{before}" if before else "\\(.*[^0-9A-Za-z._~^+]\\)\\{0,1\\}"
        group = 1 if before else 2
        pattern = shlex.quote(f"s/{start}\\([0-9A-Za-z][0-9A-Za-z._~^+]*\\){after}.*/\\{group}/p")
        version = f"version=$(printf '%s\\n' \"$page\" | sed -n {pattern} | head -n 1)"
    else:
        version = (
            f"started=$(LC_ALL=C systemctl show -p ActiveEnterTimestamp {service}); version=old; "
            f'if [ "$(LC_ALL=C date -d "${{started#*=}}" +%s)" -ge "$(rpm -q --qf "%{{INSTALLTIME}}" {package})" ]; '
            f'then version=$(rpm -q --qf "%{{VERSION}}" {package}); fi'
        )
    return f"""answer() {{
  page=$({_request(health)} -w '\\n%{{http_code}}' 2>&1) || page=000
  status=$(printf '%s\\n' "$page" | tail -n 1)
  version=-
  if [ "$status" = {health.status} ]; then {version}; fi
  printf '%s %s\\n' "$status" "${{version:--}}"
}}"""


def settle(health: Health) -> str:
    """Shell that asks the node for its page, and once more if it was answered, whatever with.

    mod_wsgi begins its process anew with the first request that finds the application's files changed. An httpd that is
    stopped in the middle of that waits for a process that does not come back, and cuts its requests off when systemd's
    patience is over: after an update the first answer says that this is behind it, the second that those are let in who
    had come meanwhile, and whom a closed socket would have sent away.
    """
    ask = f"{_request(health)} >/dev/null 2>&1"
    return f"{{ {{ {ask} && {ask}; }} || :; }}"


def _request(health: Health) -> str:
    url = shlex.quote(f"http://localhost{health.path}")
    return f"curl -sSg --noproxy '*' --max-time {math.ceil(health.timeout)} {url}"


def poll(app: App, health: Health, wanted: str | None) -> str:
    """Shell that ends well as soon as the node answers with version `wanted` (any, if None).

    It asks until the set's deadline and then looks once more (H3): a machine that slept through the deadline
    must not be called ill without having been asked. Meanwhile it says what it waits for, and what is answered instead.
    """
    expected = f"{health.status} {wanted}" if wanted else f"{health.status} "
    match = shlex.quote(expected) + ("" if wanted else "*")
    return f"""{answer(app, health)}
end=$(($(date +%s) + {health.deadline:.0f})); last=; verdict=1; before=
while :; do
  now=$(date +%s); got=$(answer)
  case $got in {match}) echo "answers $got"; verdict=0; break;; esac
  if [ -n "$last" ]; then echo "answers $got after {health.deadline:.0f} s, wanted {expected.strip()}"; break; fi
  if [ "$got" != "$before" ]; then echo "waiting for {expected.strip()}, answers $got"; before=$got; fi
  if [ "$now" -ge "$end" ]; then last=yes; else sleep 0.2; fi
done
[ $verdict = 0 ]"""


def _sed(text: str) -> str:
    """`text` to be taken literally in a basic regular expression between slashes."""
    return re.sub(r"([\\/.*\[\]^$])", r"\\\1", text)
