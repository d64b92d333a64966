"""A settings template is shown without its secrets, and with its expressions; a secret that is written out is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ansible.secret_names import is_secret
from tasks.ansible.secrets import Marks, literals, shown
from tasks.ansible.template import source

VALUE = "hunter2"
WRITTEN = {
    "a string": "SECRET_KEY = 'hunter2'",
    "the real template's key": 'PAGURE_REPO_WEBHOOK_KEY = "hunter2"',
    "an annotation": "PAGURE_REPO_TOKEN: str = 'hunter2'",
    "bytes": "DB_PASS = b'hunter2'",
    "several at once": "DB_PW, DEBUG = 'hunter2', True",
    "a subscript": "app.config['SECRET_KEY'] = 'hunter2'",
    "a subscript of a secret's": "PASSWORDS['db'] = 'hunter2'",
    "an attribute": "app.secret_key = 'hunter2'",
    "the next line": "SECRET_KEY = \\\n    'hunter2'",
    "brackets": "SECRET_KEY = (\n    'x'\n    'hunter2'\n)",
    "a list": "SECRET_KEYS = ['hunter2', 'x']",
    "a dict": "DB = {'USER': 'bb', 'PASSWORD': 'hunter2', 'HOST': 'db'}",
    "a dict, on the next line": "DB = {\n  'PASSWORD':\n    'hunter2',\n}",
    "a keyword": "DB = dict(password='hunter2', host='db')",
    "a default of Python's": "DB_PASSWORD = os.environ.get('DB_PASSWORD', 'hunter2')",
    "a default of Jinja2's": "API_KEY = '{{ key | default('hunter2') }}'",
    "an expression that is a literal": "API_KEY = {{ 'hunter2' | to_json }}",
    "both branches": "FAS_PASSWORD = {% if env == 'staging' %}'x'{% else %}'hunter2'{% endif %}",
    "a variable of the template": "{% set db_password = 'hunter2' %}",
    "a block": "{% set db_password %}hunter2{% endset %}",
    "beside an expression": "API_TOKEN = '{{ prefix }}hunter2'",
    "an address": "URI = 'postgresql://bb:hunter2@db/x'",
    "an address with an expression": "URI = 'postgresql://{{ user }}:hunter2@db/x'",
    "a query": "URL = 'https://x.example.org/?token=hunter2&a=1'",
    "libpq's words": "DB = 'host=db password=hunter2 user=bb'",
    "a header": "HEADERS = {'Authorization': 'Bearer hunter2'}",
    "an option": "CMD = 'curl --token hunter2 https://x.example.org'",
    "a hook": "HOOK = 'https://hooks.slack.com/services/T0/hunter2hunter2'",
    "a webhook": "WEBHOOK_URL = 'https://x.example.org/hunter2'",
    "a token by its looks": "X = 'ghp_hunter2hunter2hunter2hunter2'",
    "a private key": 'X = """-----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunter2\n-----END RSA PRIVATE KEY-----\n"""',
    "a comment": "# SECRET_KEY = 'hunter2'",
    "a comment of the template": "{# SECRET_KEY = 'hunter2' #}",
}


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in WRITTEN.items()])
def test_g2_a_secret_that_is_written_out_is_hidden_and_found(line: str) -> None:
    text = f"DEBUG = True\n{line}\nHOST = 'db'\n"
    assert VALUE not in "\n".join(shown(text, Marks()))
    assert len(shown(text, Marks())) == len(text.split("\n"))
    assert shown(text, Marks())[0] == "DEBUG = True"
    assert shown(text, Marks())[-2] == "HOST = 'db'"
    assert any(VALUE in value for _name, value in literals(text, Marks()))


@pytest.mark.parametrize(
    "line",
    [
        "SECRET_KEY = '{{ blockerbugs_secret_key }}'",
        "URI = 'postgresql+psycopg2://{{ db_user }}:{{ db_password }}@{{ db_host }}:{{ db_port }}/{{ db_name }}'",
        'API_KEY = {{ lookup("file", "key") | to_json }}',
        "HEADERS = {'Authorization': 'Bearer {{ token }}'}",
        "DB_PASSWORD = os.environ['DB_PASSWORD']",
        "OIDC_CLIENT_SECRETS = '/etc/blockerbugs/client_secrets.json'",
        "TOKEN_URL = 'https://id.example.org/token'",
        "CACHE_KEY_PREFIX = 'bb'",
        "SESSION_COOKIE_SECURE = True",
        "PASSWORD = None",
        "SECRET_KEY = ''",
        "BUGZILLA_URL = 'https://bugzilla.example.org'",
        "PUBLIC_KEY = 'ssh-ed25519 AAAA'",
        "{% if env == 'staging' %}",
    ],
)
def test_g2_expressions_and_what_is_no_secret_are_shown_as_they_are(line: str) -> None:
    assert shown(line, Marks()) == [line]
    assert literals(line, Marks()) == {}


def test_g2_a_header_that_names_other_marks_is_heeded() -> None:
    read = source(
        "#jinja2: variable_start_string: '[%', variable_end_string: '%]'\nKEY = '[% key %]'\nTOKEN = '{{ x }}'\n"
    )
    assert shown(read.text, read.marks)[1:3] == ["KEY = '[% key %]'", "TOKEN = [redacted]"]


def test_g2_prose_is_hidden_but_no_literal() -> None:
    assert shown("# the password: see the wiki", Marks()) == ["# the password: [redacted] the wiki"]
    assert literals("# the password: see the wiki", Marks()) == {}


def test_control_characters_are_not_shown() -> None:
    assert shown("A = 1\x1b[2J", Marks()) == ["A = 1"]


@pytest.mark.parametrize(
    "name", ["PASSWORD", "db_pass", "DBPASSWORD", "X_PW", "apiKey", "API-KEY", "SIGNING_KEY_OLD", "SENTRY_DSN"]
)
def test_g2_these_names_are_a_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["KEY_PREFIX", "PASSWORD_MIN_LENGTH", "TOKEN_EXPIRES", "PUBLIC_KEY", "COMPASS", "MONKEY", "HOST"]
)
def test_g2_these_names_only_sound_like_it(name: str) -> None:
    assert not is_secret(name)


WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789!#$%&*+,-.;<=>?@^_|~ ", min_size=6, max_size=20).filter(
    lambda word: word.strip() == word and "{{" not in word
)


@given(
    value=WORDS,
    before=st.sampled_from(["", "X = 'it'\n", "# don't\n", '"""a\nb"""\n', "D = {\n"]),
    quote=st.sampled_from("'\""),
)
def test_g2_no_value_of_a_secrets_name_is_shown(value: str, before: str, quote: str) -> None:
    assert value not in "\n".join(shown(f"{before}DB_PASSWORD = {quote}{value}{quote}\n", Marks()))


@given(text=st.text(alphabet="'\"{}%#\\\n =[](),:abKEYPASSWORD", max_size=200))
def test_any_text_has_as_many_lines_when_it_is_shown(text: str) -> None:
    assert len(shown(text, Marks())) == len(text.split("\n"))
