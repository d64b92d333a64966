"""The hosts.yml of docs/application.md: the lab has its application, and the sandbox plays it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/application.md"


def hosts_yml() -> str:
    [text] = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return str(text)
