"""What YAML's reader says of a file that is none, in words of who has written the file. Pure."""

from __future__ import annotations

import re

_SAID = {
    r"expected <block end>, but found .*": "the indentation differs from that of the lines above",
    r"mapping values are not allowed here": "a colon cannot stand here: the line is indented too far, the one above "
    "lacks its own colon, or quotes are missing",
    r"found character '\\t' that cannot start any token": "a tab stands here: indent with blanks",
    r"found character '(.)' that cannot start any token": "a value cannot begin with {}: put it in quotes",
    r"expected ',' or '(.)', but got .*": "a bracket is not closed: {} is missing",
    r"found unexpected end of stream": "a quote is opened, and not closed before the file ends",
    r"could not find expected ':'": "a key without a colon stands here, or in the line above",
}


def in_words(problem: str) -> str:
    """The same in words; as it is where that says enough."""
    for pattern, words in _SAID.items():
        if found := re.fullmatch(pattern, problem):
            return words.format(*found.groups())
    return problem
