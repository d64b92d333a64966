"""How ssh_config is read: Include, Match, Host, values, and what stands in it that is not right."""

from __future__ import annotations

from typing import Any

from ..row import BASE, HOST, Folder, Row, Server

# What counts is in front of this, so a row whose lines are not read ends with a key that no server lets in.
TAIL = "Host *\n    User root\n    IdentityFile <keys>/stranger\n    IdentitiesOnly yes\n"
GOOD = "    IdentityFile <keys>/ed25519\n"
DENIED = "(?i)does not let|denied|authentication"
BAD = "(?i)config"  # the file is named, and what is wrong in it
PORT = (Server(port=2222),)
ON_PORT = f"[{HOST}]:2222 <host>\n"


def counts(words: str, header: str, **more: Any) -> Row:
    """A block whose header applies."""
    return Row(words, "in", more.pop("before", "") + f"{header}\n{GOOD}{TAIL}", **more)


def not_counts(words: str, header: str, **more: Any) -> Row:
    """A block whose header does not."""
    more.setdefault("says", DENIED)
    return Row(words, "out", more.pop("before", "") + f"{header}\n{GOOD}{TAIL}", **more)


ROWS = (
    # Include
    Row("Include of an absolute path", "in", "Include <home>/more\n", files={"more": BASE}),
    Row("Include of a path from ~", "in", "Include ~/more\n", files={"more": BASE}),
    Row("Include of a relative path: from ~/.ssh", "in", "Include more\n", files={".ssh/more": BASE}),
    Row(
        "Include of a relative path is not from the file's own folder",
        "out",
        f"Include more\n{TAIL}",
        files={"more": BASE},
        says=DENIED,
    ),
    Row("Include of a glob", "in", "Include config.d/*.conf\n", files={".ssh/config.d/1.conf": BASE}),
    Row(
        "Include of a glob that the file does not match",
        "out",
        f"Include config.d/*.conf\n{TAIL}",
        files={".ssh/config.d/1.txt": BASE},
        says=DENIED,
    ),
    Row("Include of several files", "in", "Include <home>/one <home>/two\n", files={"one": "", "two": BASE}),
    Row("Include of a name with a blank", "in", 'Include "<home>/my file"\n', files={"my file": BASE}),
    Row("Include within Include", "in", "Include one\n", files={".ssh/one": "Include two\n", ".ssh/two": BASE}),
    Row(
        "Include in a Host block that matches",
        "in",
        f"Host {HOST}\n    Include <home>/more\n{TAIL}",
        files={"more": "IdentityFile <keys>/ed25519\n"},
    ),
    Row(
        "Include in a Host block that does not match",
        "out",
        f"Host web.example\n    Include <home>/more\n{TAIL}",
        files={"more": "IdentityFile <keys>/ed25519\n"},
        says=DENIED,
    ),
    Row(
        "Include in a Host block that does not match, of a file with a Host block that does",
        "out",
        f"Host web.example\n    Include <home>/more\n{TAIL}",
        files={"more": f"Host {HOST}\n{GOOD}"},
        says=DENIED,
    ),
    Row(
        "a Host block in an included file ends with it",
        "in",
        f"Include <home>/more\n{GOOD}{TAIL}",
        files={"more": "Host web.example\n    Port 2222\n"},
    ),
    Row("Include of what is not there", "in", f"Include <home>/no\nInclude no/*\n{BASE}"),
    Row(
        "Include of a file with a mistake",
        "out",
        f"Include <home>/more\n{BASE}",
        files={"more": "Nonsense yes\n"},
        says="more",
    ),
    Row("Include of itself", "out", f"Include <home>/config\n{BASE}", says=BAD),
    # Host
    counts("Host with a pattern", "Host *.example"),
    counts("Host with ?", "Host hos?.example"),
    counts("Host with several patterns", f"Host web.example {HOST}"),
    not_counts("Host with a negated pattern that matches", f"Host *.example !{HOST}"),
    counts("Host with a negated pattern that does not match", "Host *.example !web.example"),
    not_counts("Host with nothing but a negated pattern", "Host !web.example"),
    counts("Host in quotes", f'Host "{HOST}"'),
    not_counts(
        "Host matches what was typed, not the HostName",
        f"Host {HOST}",
        typed="web.example",
        before=f"Host web.example\n    HostName {HOST}\n",
    ),
    counts("Host with an equals sign", f"Host={HOST}"),
    Row("the first value wins", "in", f"Host {HOST}\n    Port 2222\nHost *\n    Port 22\n{BASE}", ON_PORT, PORT),
    Row(
        "the first value wins, Host * first",
        "out",
        f"Host *\n    Port 22\nHost {HOST}\n    Port 2222\n{BASE}",
        ON_PORT,
        PORT,
        says="22|refused",
    ),
    Row(
        "lines before any Host are for every host",
        "in",
        f"Port 2222\nHost web.example\n    Port 22\n{BASE}",
        ON_PORT,
        PORT,
    ),
    # Match
    counts("Match host", f"Match host {HOST}"),
    counts("Match host with patterns", "Match host web.example,*.example"),
    not_counts("Match host of another", "Match host web.example"),
    not_counts("Match !host", f"Match !host {HOST}"),
    counts(
        "Match host is the HostName",
        f"Match host {HOST}",
        typed="web.example",
        before=f"Host web.example\n    HostName {HOST}\n",
    ),
    counts(
        "Match originalhost is what was typed",
        "Match originalhost web.example",
        typed="web.example",
        before=f"Host web.example\n    HostName {HOST}\n",
    ),
    not_counts(
        "Match originalhost is not the HostName",
        f"Match originalhost {HOST}",
        typed="web.example",
        before=f"Host web.example\n    HostName {HOST}\n",
    ),
    counts("Match user", "Match user root", before="User root\n"),
    not_counts("Match user, before User is known", "Match user root"),
    counts("Match localuser", "Match localuser operator"),
    not_counts("Match localuser of another", "Match localuser root"),
    counts("Match all", "Match all"),
    counts("Match exec that succeeds", 'Match exec "test -d ~"'),
    not_counts("Match exec that fails", 'Match exec "false"'),
    counts(
        "Match exec with tokens",
        'Match exec "test %h-%n-%p-%r-%u = host.example-host.example-22-root-operator"',
        before="User root\nPort 22\n",
    ),
    counts("Match !exec that fails", 'Match !exec "false"'),
    counts("Match exec without quotes", "Match exec true"),
    not_counts("Match exec of a program that is not there", "Match exec /no/such/program"),
    counts("Match with two criteria", f'Match host {HOST} exec "true"'),
    not_counts("Match with two criteria of which one fails", f'Match host {HOST} exec "false"'),
    counts("Match final", "Match final"),
    counts("Match final host", f"Match final host {HOST}"),
    not_counts("Match final of another host", "Match final host web.example"),
    not_counts("Match canonical, where no name is made canonical", "Match canonical"),
    counts(
        "Match canonical, where names are made canonical",
        "Match canonical host host.canonical.example",
        before="CanonicalizeHostname yes\nCanonicalDomains canonical.example\n",
        typed="host",
        known="host.canonical.example <host>\n",
    ),
    counts(
        "Host of the canonical name",
        "Host host.canonical.example",
        typed="host",
        before="CanonicalizeHostname yes\nCanonicalDomains canonical.example\n",
        known="host.canonical.example <host>\n",
    ),
    not_counts(
        "Host of the canonical name, where no name is made canonical",
        "Host host.canonical.example",
        before=f"Host host\n    HostName {HOST}\nHost *\n    CanonicalDomains canonical.example\n",
        typed="host",
    ),
    counts("Match host in other letters", f"MATCH HOST {HOST}"),
    Row("Match with a criterion that nobody knows", "out", f"Match nonsense yes\n{GOOD}{TAIL}", says=BAD),
    # Values
    Row(
        "a comment behind a value",
        "in",
        f"Host {HOST} # Bob's server\n    Port 2222 # not 22\n    User root # the boss\n{BASE}",
        ON_PORT,
        PORT,
    ),
    Row("a comment behind a path", "in", "User root\nIdentityFile <keys>/ed25519 # mine\n"),
    Row(
        "a # within a word is no comment",
        "in",
        "User root\nIdentityFile <home>/key#1\n",
        files={"key#1": "<ed25519.private>"},
    ),
    Row(
        "values in quotes",
        "in",
        f'Host "{HOST}"\n    Port "2222"\n    User "root"\n    IdentityFile "<keys>/ed25519"\n',
        ON_PORT,
        PORT,
    ),
    Row(
        "a quoted path with blanks",
        "in",
        'User root\nIdentityFile "<home>/my keys/id"\n',
        files={"my keys/id": "<ed25519.private>"},
    ),
    Row(
        "a path with blanks and without quotes",
        "out",
        "User root\nIdentityFile <home>/my keys/id\n",
        files={"my keys/id": "<ed25519.private>"},
        says=BAD,
    ),
    Row(
        "a path in single quotes",
        "in",
        "User root\nIdentityFile '<home>/my keys/id'\n",
        files={"my keys/id": "<ed25519.private>"},
    ),
    Row("a quote that does not end", "out", 'User root\nIdentityFile "<keys>/ed25519\n', says=BAD),
    Row(
        "tabs and equals signs",
        "in",
        f"Host\t{HOST}\n\tPort=2222\n\tUser = root\n\tIdentityFile\t=\t<keys>/ed25519\n",
        ON_PORT,
        PORT,
    ),
    Row(
        "keywords in other letters",
        "in",
        f"HOST {HOST}\nPORT 2222\nuser root\niDENTITYfILE <keys>/ed25519\n",
        ON_PORT,
        PORT,
    ),
    Row("Windows line ends", "in", f"Host {HOST}\r\n    User root\r\n    IdentityFile <keys>/ed25519\r\n"),
    Row("a last line without its end", "in", "User root\nIdentityFile <keys>/ed25519"),
    Row("latin-1 in a comment", "in", f"# R\xe9seau\n{BASE}"),
    Row("latin-1 in a value", "in", "User root\nIdentityFile <home>/cl\xe9\n", files={"cl\xe9": "<ed25519.private>"}),
    Row("latin-1 in another host's block", "in", f"Host b\xfcro\n    User m\xfcller\n{BASE}"),
    Row(
        "UTF-8 in a value",
        "in",
        "User root\nIdentityFile <home>/cl\xc3\xa9\n",
        files={"cl\xc3\xa9": "<ed25519.private>"},
    ),
    Row("a byte order mark", "out", f"\xef\xbb\xbf{BASE}", says=BAD),
    Row("a keyword without a value", "out", f"IdentitiesOnly\n{BASE}", says=BAD),
    Row("a keyword that nobody knows", "out", f"Nonsense yes\n{BASE}", says="(?i)nonsense"),
    Row(
        "a keyword that nobody knows, in another host's block",
        "out",
        f"Host web.example\n    Nonsense yes\n{BASE}",
        says="(?i)nonsense",
    ),
    Row("a bare word that nobody knows", "out", f"NotAKeyword\n{BASE}", says="(?i)notakeyword"),
    Row("IgnoreUnknown before it", "in", f"IgnoreUnknown Non*,UseKeychain\nNonsense yes\nUseKeychain yes\n{BASE}"),
    Row(
        "IgnoreUnknown of something else",
        "out",
        f"IgnoreUnknown UseKeychain\nNonsense yes\n{BASE}",
        says="(?i)nonsense",
    ),
    Row("a keyword of an older OpenSSH", "in", f"Protocol 2\nUseRoaming no\nRhostsRSAAuthentication no\n{BASE}"),
    Row("a value that is no number", "out", f"Port ssh-port\n{BASE}", says="(?i)port"),
    Row(
        "a value that is neither yes nor no",
        "out",
        f"IdentitiesOnly perhaps\n{BASE}",
        says='unsupported option "perhaps"',
    ),
    Row("two values where one is wanted", "out", f"Port 22 2222\n{BASE}", says=BAD),
    Row(
        "an empty file",
        "in",
        "",
        servers=(Server(options="AuthorizedKeysFile <keys>/ed25519.pub"),),
        files={".ssh/id_ed25519": "<ed25519.private>"},
    ),
    Row("a file that is not there", "out", f"Include <home>/more\n{BASE}", files={"config": Folder()}, says=BAD),
    # Which host, port and user
    Row("Port", "in", f"Port 2222\n{BASE}", ON_PORT, PORT),
    Row("another Port", "out", f"Port 2223\n{BASE}", ON_PORT, PORT, says="(?i)refused|2223"),
    Row("User", "in", "User deploy\nIdentityFile <keys>/ed25519\n", servers=(Server(options="AllowUsers deploy"),)),
    Row(
        "another User",
        "out",
        "User root\nIdentityFile <keys>/ed25519\n",
        servers=(Server(options="AllowUsers deploy"),),
        says=DENIED,
    ),
    Row(
        "no User: whoever types",
        "in",
        "IdentityFile <keys>/ed25519\n",
        servers=(Server(options="AllowUsers operator"),),
    ),
    Row(
        "no User: whoever types, whatever $USER and $LOGNAME say",
        "in",
        "IdentityFile <keys>/ed25519\n",
        servers=(Server(options="AllowUsers operator"),),
        environment={"USER": "deploy", "LOGNAME": "deploy"},
    ),
    Row("HostName", "in", f"Host web\n    HostName {HOST}\n{BASE}", typed="web"),
    Row("HostName with %h", "in", f"Host host\n    HostName %h.example\n{BASE}", typed="host"),
    Row("HostName that is an address", "in", f"HostName 192.0.2.1\n{BASE}", "192.0.2.1 <host>\n"),
    Row("HostName of a host that does not exist", "out", f"HostName no.example\n{BASE}", says="no\\.example"),
    Row("AddressFamily inet6, of a host that has IPv4 only", "out", f"AddressFamily inet6\n{BASE}", says=HOST),
    Row("BindAddress", "in", f"BindAddress 192.0.2.2\n{BASE}", servers=(Server(options="AllowUsers root@192.0.2.2"),)),
    Row(
        "another BindAddress",
        "out",
        f"BindAddress 192.0.2.3\n{BASE}",
        servers=(Server(options="AllowUsers root@192.0.2.2"),),
        says=DENIED,
    ),
    Row(
        "options that change nothing here",
        "in",
        f"Compression yes\nServerAliveInterval 5\nConnectTimeout 20s\nLogLevel QUIET\nForwardAgent no\n"
        f"SendEnv LANG LC_*\nSetEnv A=b\nHashKnownHosts yes\nVisualHostKey yes\nTCPKeepAlive yes\n{BASE}",
    ),
)
