from __future__ import annotations

import base64
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.fleet.output import LONGEST, Cleaner, clean

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("Complete!", "Complete!", id="plain words"),
        pytest.param("a\tb", "a\tb", id="a tab"),
        pytest.param("příliš žluťoučký", "příliš žluťoučký", id="letters of any language"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b[2J\x1b[Hgone", "gone", id="a cleared screen"),
        pytest.param("\x1b]0;title\x07text", "text", id="a window title"),
        pytest.param("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link", id="a link"),
        pytest.param("\x1bPq#0\x1b\\text", "text", id="a picture"),
        pytest.param("\x1b(Btext", "text", id="a character set"),
        pytest.param("10%\r50%\r100%", "100%", id="progress on one line"),
        pytest.param("done\r\n", "done", id="a line end"),
        pytest.param("a\x07\x08b\x7fc", "abc", id="bell, backspace, delete"),
        pytest.param("a\x9b31mb", "a31mb", id="an eight-bit escape"),
        pytest.param("evil\u202etxt", "eviltxt", id="text from right to left"),
        pytest.param("no\u200b \u2060wi\ufeffdth\ufe0f", "no width", id="what has no width"),
        pytest.param("\x1b", "", id="an escape alone"),
    ],
)
def test_S10_remote_output_is_shown_without_what_a_terminal_obeys(said: str, shown: str) -> None:
    assert clean(said) == shown


@given(st.text(alphabet=st.characters(exclude_characters="\n")) | st.text(alphabet="\x1b[]PX^_0;m\x07\\\r\x9b \taA"))
@example("\x1b\x1b[[31m31m")
@example("\u061c")
def test_S10_no_control_character_is_left(said: str) -> None:
    left = {c for c in clean(said) if (unicodedata.category(c) == "Cc" and c != "\t") or c in BIDI}
    assert not left


NO_WIDTH = "".join(
    map(
        chr,
        (
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            0x2028,
            0x2029,
            0x3164,
            0xFFA0,
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


@given(
    st.text(max_size=39, alphabet=st.characters(exclude_categories=["C"], exclude_characters=f":=/@-$'\"<{NO_WIDTH}"))
)
def test_S10_what_holds_none_is_left_as_it_is(said: str) -> None:
    assert clean(said) == said


@given(st.text(alphabet=st.characters(exclude_characters="\n")))
def test_what_is_clean_stays_as_it_is(said: str) -> None:
    assert clean(clean(said)) == clean(said)


SECRET = "hunter2"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(f"postgresql://blockerbugs:{SECRET}@db01/blockerbugs", id="S6 a database URI"),
        pytest.param(f"postgresql+psycopg2://u:{SECRET}@h", id="S6 a URI with a driver"),
        pytest.param(f"sqlalchemy.exc.OperationalError: ('postgresql://u:{SECRET}@h/d') x", id="S6 in a traceback"),
        pytest.param(f"postgresql://u:p@{SECRET}@h", id="S6 a password with an at sign"),
        pytest.param(f"postgresql://u:p/{SECRET}@h", id="S6 a password with a slash"),
        pytest.param(f"redis://:{SECRET}@h", id="S6 no user"),
        pytest.param(f"postgresql://u:x\x1b[0m{SECRET}@h", id="S6 an escape in the middle"),
        pytest.param(f"SECRET_KEY = '{SECRET}'", id="S6 the secret key"),
        pytest.param(f'FAS_PASSWORD = "a {SECRET} b"', id="S6 a password with blanks"),
        pytest.param(f"{{'SECRET_KEY': '{SECRET}', 'x': 1}}", id="S6 in a dict"),
        pytest.param(f"{{'FAS_PASSWORD': u'a {SECRET}'}}", id="S6 in Python 2's dict"),
        pytest.param(f"{{'SECRET_KEY': b'a {SECRET}'}}", id="S6 bytes"),
        pytest.param(f"SECRET_KEY = 'it\\'s {SECRET}'", id="S6 an escaped quote"),
        pytest.param(f"FAS_PASSWORD = 'correct {SECRET}", id="S6 a quote that does not end"),
        pytest.param(f"host=db password={SECRET} user=u", id="S6 a libpq string"),
        pytest.param(f"host=db password=a,b;{SECRET} user=u", id="S6 a password with comma and semicolon"),
        pytest.param(f"PGPASSWORD={SECRET} psql", id="S6 an environment variable"),
        pytest.param(f'"api_key": "{SECRET}"', id="S6 JSON"),
        pytest.param(f"https://h/?token={SECRET}&x=1", id="S6 a query"),
        pytest.param(f"BUGZILLA_API_KEY={SECRET}", id="S6 an API key"),
        pytest.param(f"sudo_password: {SECRET}", id="S6 YAML"),
        pytest.param(f"X-Api-Key: {SECRET}", id="S6 a header"),
        pytest.param(f"bugzilla-api-key={SECRET}", id="S6 an API key with hyphens"),
        pytest.param(f"Authorization: Bearer {SECRET}", id="S6 a bearer"),
        pytest.param(f"authorization: Basic {SECRET}", id="S6 basic authentication"),
        pytest.param(f"{{'Authorization': 'Bearer {SECRET}'}}", id="S6 a bearer in a dict"),
        pytest.param(f"https://{SECRET}@example.org/repo.git", id="S6 a token as a URL's user"),
        pytest.param(f"passphrase: {SECRET}", id="S6 a passphrase"),
        pytest.param(f"psql --password {SECRET} -l", id="S6 a flag"),
        pytest.param(f"curl --bugzilla-token '{SECRET} x'", id="S6 a quoted flag"),
        pytest.param(f"private_key={SECRET}", id="S6 a private key"),
        pytest.param(f"aws_secret_access_key={SECRET}", id="S6 an access key"),
        pytest.param(f"client_secret = {SECRET}", id="S6 a secret by that name"),
        pytest.param(f"oidc --secret {SECRET}", id="S6 a secret as a flag"),
        pytest.param(f"pass={SECRET}", id="S6 pass"),
        pytest.param(f"db_pass = 'a {SECRET}'", id="S6 a database's pass"),
        pytest.param(f"dbpass: {SECRET}", id="S6 pass without a hyphen"),
        pytest.param(f"server=db;uid=me;pwd={SECRET}", id="S6 pwd"),
        pytest.param(f"PWD={SECRET}", id="S6 PWD that is no folder"),
        pytest.param(f"'password' => '{SECRET}'", id="S6 an arrow"),
        pytest.param(f"Cookie: a={SECRET}; b={SECRET}", id="S6 cookies"),
        pytest.param(f"set-cookie: sid={SECRET}; Path=/", id="S6 a new cookie"),
        pytest.param(f"authorization: {SECRET}", id="S6 an authorization without a scheme"),
        pytest.param(f"curl -H 'Authorization: {SECRET}' https://h", id="S6 a header as an argument"),
        pytest.param(f'Authorization: Digest username="me", response="{SECRET}"', id="S6 a digest"),
        pytest.param(f"ALTER ROLE blockerbugs WITH PASSWORD 'it''s {SECRET}'", id="S6 a role"),
        pytest.param(f"CREATE USER u IDENTIFIED BY '{SECRET}'", id="S6 a user"),
        pytest.param(f"GET /blockerbugs/?key={SECRET}&a=1", id="S6 a key in a query"),
        pytest.param(f"https://h/x?X-Amz-Signature={SECRET}", id="S6 a signature in a query"),
        pytest.param(f"ftp://{SECRET}@h/repo", id="S6 a token as an FTP user"),
        pytest.param(f"cloning with ghp_{SECRET}{SECRET}{SECRET}", id="S6 a token by its looks"),
        pytest.param(f"mysql -u root -p{SECRET} blockerbugs", id="S6 mysql -p"),
        pytest.param(f"sshpass -p {SECRET} ssh h", id="S6 sshpass -p"),
        pytest.param(f"curl -sS -u me:{SECRET} https://h", id="S6 curl -u"),
        pytest.param(f"curl --proxy-user 'me:{SECRET}' https://h", id="S6 curl --proxy-user"),
        pytest.param(f"machine h login me password {SECRET}", id="S6 netrc"),
        pytest.param(f"<password>{SECRET}</password>", id="S6 XML"),
        pytest.param(f"pass\u200bword={SECRET}", id="S6 a zero-width character in the word"),
        pytest.param(f"FAS_PA\u00adSS\ufe0fWORD = '{SECRET}'", id="S6 others without width"),
        pytest.param(f"'-----BEGIN PRIVATE KEY-----\\n{SECRET}\\n-----END PRIVATE KEY-----'", id="S6 a key's text"),
    ],
)
def test_a_secret_is_not_shown_in(said: str) -> None:
    assert SECRET not in clean(said)
    assert "[redacted]" in clean(said)


def test_S6_of_a_private_key_only_its_first_line_and_its_last_are_shown() -> None:
    key = (
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA1c7+9z5Pad7O",
        "Zm9v",
        "-----END RSA PRIVATE KEY-----",
        "and on",
    )
    cleaner = Cleaner()
    assert [line for line in map(cleaner.line, key) if line] == [f"{key[0]}[redacted]", "and on"]


def test_S6_a_key_that_does_not_end_hides_no_more_than_a_key_can_be() -> None:
    cleaner = Cleaner()
    cleaner.line("-----BEGIN PRIVATE KEY-----")
    assert [cleaner.line("words") for _ in range(300)][-1] == "words"


def test_the_copy_of_a_journal_that_a_host_sends_in_base64_stays_as_it_is() -> None:
    journal = b'{"time": "2026-11-25T22:00:01.000+00:00", "run": "c0ffee12", "event": "begin", "token": "x"}\n' * 20
    sent = base64.encodebytes(journal).decode().splitlines()
    assert [clean(line) for line in sent] == sent


FORMS = (
    "db_pass = '{}'",
    "pwd={}",
    "authorization: {}",
    "Authorization: Bearer {}",
    "curl -u me:{} https://h",
    "mysql -uroot -p{} db",
    "WITH PASSWORD '{}'",
    "?a=1&key={}",
    "Cookie: session={}",
    "ftp://{}@h",
)
_value = st.text("abcXYZ019!$%+_.,~^*()", min_size=6, max_size=24).map(lambda text: f"s{text}")


@given(form=st.sampled_from(FORMS), value=_value, before=st.sampled_from(("", "x ", "[3] ", "# ")))
def test_S6_no_value_is_shown_in_the_forms_of_secrets_whatever_it_is(form: str, value: str, before: str) -> None:
    shown = clean(before + form.format(value))
    assert value not in shown
    assert clean(shown) == shown


@given(
    st.lists(
        st.sampled_from(("pass", "word", "key", "=", ":", "//", "@", "-u", " ", "'", '"', "cookie", "a.b-", "<", "\\")),
        max_size=3000,
    )
)
@settings(deadline=2000, max_examples=50)
def test_s14_no_line_takes_long_to_be_cleaned(words: list[str]) -> None:
    began = time.process_time()
    clean("".join(words))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("left", range(LONGEST - 45, LONGEST, 3))
def test_S6_a_line_that_is_cut_in_the_middle_of_a_secret_shows_nothing_of_it(left: int) -> None:
    assert "hunt" not in clean(f"{'x' * left} postgresql://user:{SECRET}{SECRET}@host")


@pytest.mark.parametrize("inside", ["AIza", "aIZA", "akia0123456789ABCDEF/", "eyJhbGciOi"])
def test_base64_stays_as_it_is_although_a_token_seems_to_be_in_it(inside: str) -> None:
    line = f"ZXZlbnQ/{inside}{'Zm9vYmFy' * 5}+{inside}{'Zm9vYmFy' * 5}"
    assert clean(line) == line


_word = st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1)


@given(password=_word, user=st.from_regex(r"[a-z_]{1,9}", fullmatch=True))
def test_S6_a_password_in_a_uri_is_never_shown_whatever_it_is(password: str, user: str) -> None:
    uri = f"could not connect to postgresql://{user}:{password}@db01.iad2/blockerbugs now"
    assert clean(uri) == f"could not connect to postgresql://{user}:[redacted]@db01.iad2/blockerbugs now"


@pytest.mark.parametrize(
    "said",
    [
        "the password of the user has expired",
        "Enter passphrase for key id_ed25519",
        "usage: psql --password --host NAME",
        "ssh://git@pagure.io/ansible.git is cloned",
        "basic authentication and bearer tokens are off",
        "the public key: RSA/SHA256",
        "bypass=yes, compass: 3, keyboard: de, tests passed: 3",
        "PWD=/root OLDPWD=/",
        "git+ssh://git@pagure.io/x, postgresql://blockerbugs@db01/blockerbugs",
        "mysql --port 3306, mkdir -p/x, docker run -u 1000 x",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "mail to qa@fedoraproject.org, see https://qa.fedoraproject.org/",
    ],
)
def test_ordinary_words_about_secrets_are_shown(said: str) -> None:
    assert clean(said) == said


def test_a_uri_without_a_password_is_shown() -> None:
    line = "https://qa.fedoraproject.org/blockerbugs/ answers 200"
    assert clean(line) == line
