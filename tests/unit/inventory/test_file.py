from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from tasks.inventory import file
from tasks.inventory.file import chosen_file, configured_file, default_file, set_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("host_sets:\n  stg:\n    hosts: []\n  prod: {}\n", ["stg", "prod"], id="two sets"),
        pytest.param("host_sets:\n    stg:\n        hosts: []\n", ["stg"], id="a deeper indent"),
        pytest.param(
            "host_sets: # all\n\n  # the first\n  stg: # st\n    x: 1\n", ["stg"], id="comments and blank lines"
        ),
        pytest.param(
            "host_sets:\n  stg:\n    x: 1\n# the real one\n  prod:\n", ["stg", "prod"], id="a comment at the left"
        ),
        pytest.param("host_sets:\n  stg:\n    x: 1\n\n  prod:\n", ["stg", "prod"], id="an empty line"),
        pytest.param("host_sets:\r\n  stg:\r\n    x: 1\r\n  prod:\r\n", ["stg", "prod"], id="windows line ends"),
        pytest.param("app:\n  package: x\nhost_sets:\n  stg:\n", ["stg"], id="the app in front"),
        pytest.param("host_sets:\n  stg:\napp:\n  package: x\n", ["stg"], id="the app behind"),
        pytest.param("app:\n  package: x\n", ["stg", "prod"], id="no sets, so the shipped ones are there to say so"),
        pytest.param("host_sets:\n", ["stg", "prod"], id="no set in it, so the shipped ones are there to say so"),
        pytest.param("", ["stg", "prod"], id="an empty file, so the shipped ones are there to say so"),
        pytest.param("host_sets:\n  stg:\n   - ]broken: {\n  prod:\n", ["stg", "prod"], id="S11 broken YAML"),
        pytest.param("host_sets:\n  stg:\n    colour: red\n", ["stg"], id="S11 an unknown key"),
    ],
)
def test_the_sets_are_listed_of_a_file_with(text: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_bytes(text.encode())
    assert set_names(tmp_path / "hosts.yml") == names


def test_S11_of_a_file_that_is_not_there_the_shipped_sets_are_listed_so_that_they_can_say_so(tmp_path: Path) -> None:
    assert set_names(tmp_path / "none.yml") == ["stg", "prod"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text(alphabet="host_sets: \n#-{}abc").map(str.encode))
def test_S11_bytes_of_any_kind_never_keep_fab_list_from_working(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hosts.yml").write_bytes(content)
    assert isinstance(set_names(tmp_path / "hosts.yml"), list)


def test_the_shipped_file_lists_its_sets() -> None:
    assert set_names(default_file()) == ["stg", "prod"]


@pytest.mark.parametrize("variable", ["FABRIC_HOSTS_FILE", "INVOKE_HOSTS_FILE"])
def test_another_file_is_named_in_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/srv/hosts.yml")
    assert configured_file() == Path("/srv/hosts.yml")


@pytest.mark.parametrize("line", ["hosts_file: other.yml", "hosts_file: 'other.yml'  # mine"])
def test_another_file_is_named_in_fabric_yml(line: str, tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(file, "default_file", return_value=tmp_path / "hosts.yml")
    (tmp_path / "fabric.yml").write_text(f"sudo: {{}}\n{line}\n")
    assert configured_file() == Path("other.yml")


def test_the_environment_goes_before_fabric_yml(
    tmp_path: Path, mocker: MockerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocker.patch.object(file, "default_file", return_value=tmp_path / "hosts.yml")
    (tmp_path / "fabric.yml").write_text("hosts_file: other.yml\n")
    monkeypatch.setenv("FABRIC_HOSTS_FILE", "mine.yml")
    assert configured_file() == Path("mine.yml")


def test_without_a_word_about_it_the_shipped_file_is_meant() -> None:
    assert configured_file() == chosen_file("") == chosen_file(None) == default_file()


def test_a_tilde_is_the_home(fence: Path) -> None:
    assert chosen_file("~/hosts.yml") == fence / "hosts.yml"
