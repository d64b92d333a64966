"""Only what surely is wrong with a settings template is refused, under whatever condition it is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.ansible.template import check
from tasks.errors import Refused

GOOD = {
    "concatenation": "URL = '{{ base_url + \"/x\" }}'\n",
    "arithmetic": "WORKERS = {{ ansible_processor_vcpus * 2 + 1 }}\n",
    "comparison": "{% if 2 < ansible_processor_vcpus %}\nA = 1\n{% endif %}\n",
    "a filter in a condition": "{% if major_version|int >= 7 %}\nA = 1\n{% else %}\nA = 2\n{% endif %}\n",
    "join of a list": "DB = \"{{ '/'.join([backup_dir, item.key, 'x.db']) }}\"\n",
    "ansible's tests": "{% if v is version('7.4', '>=') and h is match('.*') %}\nA = {{ x is truthy }}\n{% endif %}\n",
    "ansible's filters": "A = {{ (['a'] + extra) | to_json }}\nB = {{ x | community.general.json_query('y') }}\n",
    "range": "{% for i in range(workers) %}\nA{{ i }} = 1\n{% endfor %}\n",
    "format": 'A = \'{{ "%s:%d" | format(host, port) }}\'\nB = {{ "%d" % n }}\n',
    "header": "#jinja2:variable_start_string:'[%' , variable_end_string:'%]'\nA = '[% foo %]'\nB = '{{ not a var }}'\n",
    "include": "{% include 'more.j2' %}\n{% from 'macros.j2' import line %}\nA = {{ line(1) }}\n",
    "do": "{% set l = [] %}{% do l.append(1) %}\nA = {{ l }}\n",
    "a part of a name": "{{ prefix }}_URL = 1\nB{{ x }} = 8{{ y }}\n",
    "values that exclude each other": '{% if env == "a" %}A = [1{% endif %}{% if env == "b" %}A = [2{% endif %}'
    '{% if env not in ["a", "b"] %}A = [3{% endif %}, 2]\n',
    "the same condition twice": "{% if x %}A = [{% endif %}\n{% if x %}1]{% endif %}\n",
    "items": 'X = [\n{% for h in groups["all"] %}\n  "{{ hostvars[h].name }}",\n{% endfor %}\n]\n',
    "a macro": '{% macro m(a) %}"{{ a }}"{% endmacro %}\nX = {{ m("b") }}\n',
}
BAD = {
    "no Jinja2": ("A = 1\nX = {{ x | }}\n", "line 2: expected token"),
    "no end": ("{% if x %}\n", "line 1: Unexpected end of template"),
    "no Python": ("A = 1\nA = = 1\n", "line 2: no Python: invalid syntax: A = = 1"),
    "under one value": ('{% if env == "staging" %}\nA = (\n{% endif %}\n', "line 2, when env == 'staging': no Python"),
    "in the else": ("{% if x %}\nA = 1\n{% else %}\nA =\n{% endif %}\n", "line 4: no Python"),
    "in a loop": (
        "X = [\n{% for h in hosts %}\n  '{{ h }}'\n{% endfor %}\n  1]\n",
        "line 3, when hosts has items: no Python",
    ),
    "under two": ("{% if a %}\n{% if b.c %}\nA = = 1\n{% endif %}\n{% endif %}\n", "line 3, when a and b.c: no Python"),
    "a secret in the line": (
        "PASSWORD = 'hunter2\n",
        "line 1: no Python: unterminated string literal: PASSWORD = [redacted]",
    ),
}
OLD = {
    "octal": "MODE = 0640\n",
    "except": "try:\n    import x\nexcept ImportError, e:\n    pass\n",
    "print": "print 'x'\n",
    "long": "SIZE = 10L\n",
    "raise": "raise ValueError, 'x'\n",
    "backticks": "A = `1`\n",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.py.j2"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in GOOD.items()])
def test_g4_a_good_template_passes(tmp_path: Path, text: str) -> None:
    assert check(written(tmp_path, text)) == []


@pytest.mark.parametrize(("text", "says"), [pytest.param(*row, id=name) for name, row in BAD.items()])
def test_g4_what_surely_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        check(written(tmp_path, text))
    assert f"settings.py.j2, {says}" in refused.value.problems[0]
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in OLD.items()])
def test_g4_what_python_2_takes_is_told_and_refused_only_for_python_3(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert "Python 2 takes it" in check(path)[0]
    assert check(path, python="2") == []
    with pytest.raises(Refused, match="no Python"):
        check(path, python="3")


def test_g4_what_cannot_be_checked_is_told_and_passes(tmp_path: Path) -> None:
    assert "could not be checked to its end: TypeError" in check(written(tmp_path, "A = {{ 'a' + 1 }}\n"))[0]


def test_g4_a_template_cannot_make_the_check_run_forever(tmp_path: Path) -> None:
    conditions = "".join(f"{{% if a{n} %}}\nA = {n}\n{{% endif %}}\n" for n in range(40))
    assert check(written(tmp_path, conditions)) == []


def test_a_template_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.py.j2").write_bytes(b"A = '\xe4'\n")
    with pytest.raises(Refused, match="is not in UTF-8"):
        check(tmp_path / "settings.py.j2")


def test_g4_a_filter_that_nobody_has_is_told_where_ansible_core_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "A = {{ x | to_jsn }}\nB = {{ x | to_json | ours | a.b.c | upper is truthy }}\n")
    assert check(path) == []
    ansible = tmp_path / "ansible-doc"  # as the real one prints it
    listed = '{"ansible.builtin.to_json": "x", "ansible.builtin.truthy": "x"}'
    ansible.write_text(f"#!/bin/sh\necho '{listed}'\n")
    ansible.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    plugin = tmp_path / "filter_plugins" / "ours.py"
    plugin.parent.mkdir()
    plugin.write_text("def filters(self): return {'ours': ours}\n")
    for words in (["init", "-q"], ["add", "filter_plugins"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    assert check(path) == ["filter to_jsn: neither Jinja2 nor ansible-core has it; is to_json meant?"]
