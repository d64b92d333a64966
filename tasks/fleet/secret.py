"""Secrets in a line of text, by the words and the forms that they come with."""

from __future__ import annotations

import re

_WORDS = (
    r"passw(?:or)?d|passphrase|passcode|secret(?:[_-](?:access[_-])?key)?|token|credentials?"
    r"|(?:api|private|access|auth|signing|master|shared|session|encryption)[_-]?key"
)
# A name that says that its value is a secret. `pass` and `pwd` are words of their own: a bypass is no secret.
_NAME = rf"(?<![\w.-])(?:[\w.-]{{0,64}}(?:{_WORDS})|(?:[\w.-]{{0,64}}[\d_.-])?(?:db|pg|user|my)?(?:pass|pwd))\b"
_IS = r"\s*(?:=>|:=|[:=])\s*"
_QUOTED = r"(?:\"(?:\\.|[^\"\\])*(?:\"|$)|'(?:\\.|[^'\\])*(?:'|$))"
_USERS = r"(?:git\+|svn\+)?ssh:|sftp:|scp:|rsync:|postgres|mysql|mariadb|oracle|mssql|mongodb|ldap"
_PEM = r"[A-Z0-9 ]{0,30}PRIVATE KEY-----"

# (marks, pattern): of the marks one stands, in small letters, in every line that the pattern can find something in.
_SECRETS = tuple(
    (marks, re.compile(pattern, re.I))
    for marks, pattern in (
        # the password in a URI: postgresql://user:PASSWORD@host/
        (("@",), r"(?P<keep>[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s]*(?P<tail>@)"),
        # a token in its user's place: ftp://TOKEN@host; what ssh and databases have there is a user
        (
            ("@",),
            rf"(?<![a-z0-9+.-])(?!{_USERS})(?P<keep>[a-z][a-z0-9+.-]{{0,30}}://)[^\s:/@]+(?P<tail>@)",
        ),
        # Authorization: Bearer TOKEN; Authorization: TOKEN; Authorization: Digest name="value", …
        (
            ("authorization",),
            rf"(?P<keep>authorization[\"']?{_IS}[\"']?(?:(?:bearer|basic|token|digest|negotiate|apikey)\s+)?)"
            r"(?:[^\"'\s]|(?<==)\"[^\"]*\")(?:[^\"']|(?<==)\"[^\"]*\")*(?P<tail>)",
        ),
        # Cookie: a=b; c=d
        (("cookie",), rf"(?P<keep>\b(?:set-)?cookies?2?[\"']?{_IS}[\"']?)[^\"'\s][^\"']*(?P<tail>)"),
        # --password VALUE
        (
            ("pass", "secret", "token", "key"),
            r"(?P<keep>(?<!\S)--?(?:[\w-]{0,64}-)?(?:passw(?:or)?d|pass|passphrase|secret|token|api-?key)\s+)"
            rf"(?:{_QUOTED}|(?!-)\S+)(?P<tail>)",
        ),
        # mysql -pPASSWORD, sshpass -p PASSWORD
        (
            ("mysql", "maria", "sshpass"),
            r"(?P<keep>\b(?:mysql|mariadb)[\w-]{0,20}(?:\s+(?!-p)[^\s;,&|]{1,200}){0,20}\s+-p|\bsshpass\s+-p\s*)"
            rf"(?:{_QUOTED}|[^\s\"']\S*)(?P<tail>)",
        ),
        # curl -u USER:PASSWORD
        (
            (" -u", "-user"),
            r"(?P<keep>(?<=\s)(?:-u\s*|--(?:proxy-)?user[\s=]+)[\"']?[^\s:\"'/]{1,64}:)[^\s\"']+(?P<tail>)",
        ),
        # WITH PASSWORD 'value', IDENTIFIED BY 'value'
        (
            ("password", "identified"),
            r"(?P<keep>\b(?:password|identified\s+(?:with\s+\S{1,64}\s+)?by(?:\s+password)?)\s+)"
            rf"(?:e?'(?:\\.|''|[^'\\])*(?:'|$)|{_QUOTED}|\$(?P<dollar>\w*)\$.*?(?:\$(?P=dollar)\$|$))(?P<tail>)",
        ),
        # ~/.netrc: login NAME password VALUE
        (("password",), r"(?P<keep>\blogin\s+\S{1,64}\s+password\s+)\S+(?P<tail>)"),
        # <password>value</password>
        (("</",), rf"(?P<keep><[\w:.-]{{0,64}}(?:{_WORDS})(?:\s[^<>]{{0,200}})?>)[^<]+(?P<tail>)"),
        # ?key=value
        (
            ("key=", "sig=", "signature=", "auth=", "sid=", "session"),
            r"(?P<keep>[?&;](?:[\w.-]{0,64}[_.-])?(?:key|sig|signature|auth|sid|session(?:[_-]?id)?)=)"
            r"[^&\s\"'<>]+(?P<tail>)",
        ),
        # what is one by its looks: tokens of GitHub, GitLab, Slack, AWS, Google, JWT; not in the middle of base64, in
        # which a journal's copy comes
        (
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "akia", "aiza", "eyj"),
            r"(?P<keep>(?<![\w+/]))(?-i:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}\b"
            r"|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})(?P<tail>)",
        ),
        # a private key in one line
        (("private key",), rf"(?P<keep>-----BEGIN {_PEM})[^\"']*?(?P<tail>-----END {_PEM}|(?=[\"'])|$)"),
        # NAME = value, name: value, "name": "value"; $PWD is a folder
        (
            ("pass", "pwd", "secret", "token", "key", "credential"),
            rf"(?P<keep>(?!(?-i:(?:OLD)?PWD=/)){_NAME}[\"']?{_IS})(?:[bru]{{0,2}}{_QUOTED}|\S+)(?P<tail>)",
        ),
    )
)
_MARKS = tuple({mark for marks, _ in _SECRETS for mark in marks})


def redacted(line: str) -> str:
    """`line` with `[redacted]` for each secret (S6)."""
    small = line.casefold()
    found = {mark for mark in _MARKS if mark in small}
    for marks, secret in _SECRETS if found else ():
        if not found.isdisjoint(marks):
            line = secret.sub(r"\g<keep>[redacted]\g<tail>", line)
    return line
