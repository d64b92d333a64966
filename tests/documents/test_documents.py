"""What the documents say is so: links, commands, the table, and what the terminal's blocks show."""

from __future__ import annotations

import re
import shlex
import tomllib
from difflib import unified_diff
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fabric.main import program
from invoke.parser import Parser, ParserContext

from tasks.collection import namespace
from tasks.inventory.remembered import read
from tasks.program import contexts
from tasks.run.facts import PROGRAMS
from tests.warmed import PROJECT

from .screens import PAGE, SCREENS, SNAPSHOTS, WIDTHS, page
from .table import MARKS, table
from .transcript import BLOCK, masked, written_again

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").glob("*.md"))]
TEXTS = {path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}
LINKS = [
    (name, link)
    for name, text in TEXTS.items()
    for link in re.findall(r"\]\(([^)\s]+)\)", text)
    if not link.startswith(("https://", "http://"))
]
TYPED = sorted(
    {
        (name, line.strip())
        for name, text in TEXTS.items()
        for line in re.findall(r"(?:`|^\$ |^    )((?:\./run )?(?:fab|invoke) [^`\n#]*)", text, re.M)
        if "…" not in line
    }
)
STANDS_FOR = {"TASK": "status", "X": "status", "SECONDS": "5", "NVR": "blockerbugs-1.0.0-1.el7", "RUN": "c0ffee12"}


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_a_link_leads_somewhere(name: str, link: str) -> None:
    file, _, anchor = link.partition("#")
    target = (PROJECT / name).parent / file if file else PROJECT / name
    assert target.exists()
    if anchor:
        assert anchor in [_anchor(heading) for heading in re.findall(r"^#+ (.*)$", target.read_text(), re.M)]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize(("name", "line"), TYPED)
def test_a_command_is_one_that_can_be_typed(name: str, line: str) -> None:
    if " -- " in line:
        return
    _, *words = shlex.split(re.split(r" (?:[|]|2?>) ", line.removeprefix("./run "))[0])
    words = [STANDS_FOR.get(word, word) for word in words if word != "--help"]
    core = ParserContext(args=program.core_args())
    core_and_tasks = Parser(contexts=contexts(namespace), initial=core).parse_argv(words)
    assert core_and_tasks  # the parser has raised ParseError for a task or a flag that does not exist


def test_there_are_commands_to_try() -> None:
    assert len(TYPED) > 20


def test_the_guides_hosts_yml_is_one_that_is_read(tmp_path: Path) -> None:
    (file,) = re.findall(r"^```yaml\n(.*?)^```$", TEXTS["docs/guide.md"], re.M | re.S)
    (tmp_path / "hosts.yml").write_text(file, encoding="utf-8")
    assert [len(one.hosts) for one in read(tmp_path / "hosts.yml").host_sets.values()] == [2]


def test_readmes_table_is_what_the_steps_and_tasks_say() -> None:
    (found,) = MARKS.findall(TEXTS["README.md"])
    assert found == table(), "tox -e docs writes it again"


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if BLOCK.search(text)])
def test_the_terminals_blocks_show_what_is_shown_today(name: str) -> None:
    for today, written in zip(masked(written_again(TEXTS[name])), masked(TEXTS[name]), strict=True):
        differs = [*unified_diff(written, today, "written", "today", n=0, lineterm="")]
        assert not differs, "\n".join(["tox -e docs writes it again", *differs])


def test_the_page_of_screens_is_what_the_unit_tests_hold() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "tox -e docs writes it again"


def test_every_screen_is_on_the_page() -> None:
    shown = {f"{name.format(width)}.txt" for name in SCREENS for width in WIDTHS}
    assert {path.name for path in SNAPSHOTS.iterdir()} == shown


def test_the_picture_is_of_a_run_that_went_well_and_asks_for_nothing() -> None:
    drawn = Path(PROJECT / "docs/run.svg").read_text(encoding="utf-8")
    words = "".join(ElementTree.fromstring(drawn).itertext())
    assert "sandbox:runsblockerbugs-1.1.0-1.el7" in "".join(words.split())
    assert "@font-face" not in drawn
    assert "<image" not in drawn


def test_the_programs_that_a_host_must_have_are_those_that_the_look_asks_for() -> None:
    _, _, after = TEXTS["docs/machines.md"].partition("with the line that installs it:\n\n")
    assert re.findall(r"`(\w+)`", after.splitlines()[0]) == sorted(PROGRAMS)


def test_readme_pyproject_and_tox_name_the_same_pythons() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    minors = re.findall(r"Python :: 3\.(\d+)", " ".join(project["classifiers"]))
    assert project["requires-python"] == f">=3.{minors[0]}"
    assert f"With Python 3.{minors[0]} to 3.{minors[-1]}, " in TEXTS["README.md"]
    assert f"py3{{{','.join(minors)}}}, tests\n" in (PROJECT / "tox.ini").read_text()
