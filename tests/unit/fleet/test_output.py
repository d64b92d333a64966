from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.fleet.output import LONGEST, clean

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


@given(st.text(alphabet=st.characters(exclude_categories=["C"], exclude_characters=":=/@")))
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
    ],
)
def test_a_secret_is_not_shown_in(said: str) -> None:
    assert SECRET not in clean(said)
    assert "[redacted]" in clean(said)


@pytest.mark.parametrize("left", range(LONGEST - 45, LONGEST, 3))
def test_S6_a_line_that_is_cut_in_the_middle_of_a_secret_shows_nothing_of_it(left: int) -> None:
    assert "hunt" not in clean(f"{'x' * left} postgresql://user:{SECRET}{SECRET}@host")


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
        "mail to qa@fedoraproject.org, see https://qa.fedoraproject.org/",
    ],
)
def test_ordinary_words_about_secrets_are_shown(said: str) -> None:
    assert clean(said) == said


def test_a_uri_without_a_password_is_shown() -> None:
    line = "https://qa.fedoraproject.org/blockerbugs/ answers 200"
    assert clean(line) == line
