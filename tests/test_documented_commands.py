"""Commands that README and documentation name exist, with their options, families and figures."""

import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import click
import pytest

from verify.commands import commands
from verify.figures import all_figures
from verify.registry import registry

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```(?:sh|text|yaml)?\n(.*?)^```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"(?:theory-verify|python3? -m verify)(?: (.*))?$")
TOX = re.compile(r"tox run(?: -e ([\w,-]+))?(?: -- (.*))?")
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")


def lines_of_code(page: Path) -> Iterator[str]:
    """Lines of fenced blocks and spans of code, without their comments."""
    for fenced, span in CODE.findall(page.read_text(encoding="utf-8")):
        yield from (re.sub(r"\s#.*", "", line).strip() for line in (fenced or span).splitlines())


def documented(page: Path) -> list[str]:
    """What a page gives to the command line, each as one line of arguments."""
    found = (OURS.search(line) for line in lines_of_code(page))
    return [match[1] or "" for match in found if match]


def in_table(page: Path) -> list[str]:
    """Commands in the first column of a table, as in "run [--claim ID]"."""
    cells = re.findall(r"^\| `([a-z]+ .*?)`", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [cell.replace(r"\|", "|") for cell in cells if cell.split()[0] in commands.commands]


def command_of(line: str) -> tuple[click.Command, list[str]]:
    """The command that a line names, and the words after it."""
    words, command = shlex.split(line), commands
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    return command, words


def unknown_options(command: click.Command, text: str) -> set[str]:
    known = {"-h", "--help", "--version"}
    known |= {name for parameter in command.params for name in parameter.opts}
    return set(OPTION.findall(text)) - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in [*documented(page), *in_table(page)]:
        command, words = command_of(line)
        named = words and not words[0].startswith(("-", "..."))
        assert not (isinstance(command, click.Group) and named), f"no command {line!r}"
        assert not unknown_options(command, " ".join(words)), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_families_papers_and_figures_exist(page: Path) -> None:
    known = registry()
    for line in documented(page):
        command, words = command_of(line)
        given = dict(pairwise(words))
        if command.name != "claim":
            assert given.get("--family", "FAMILY") in {*known.families, "FAMILY", "NAME"}, line
        assert given.get("--paper", "KEY") in {*known.papers, "KEY"}, line
        if command.name == "figure" and words and words[0].islower():
            assert words[0] in {*all_figures(), "law-FAMILY"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_environments_of_tox_exist_and_take_what_they_are_given(page: Path) -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    for line in lines_of_code(page):
        for names, given in TOX.findall(line):
            for name in filter(None, names.split(",")):
                section = "testenv" if name == "tests" else f"testenv:{name}"
                assert tox.has_section(section), line
                ran = re.search(r"-m verify (\w+)", tox[section]["commands"])
                if given and ran:
                    assert not unknown_options(commands.commands[ran[1]], given), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_that_are_run_exist(page: Path) -> None:
    for line in lines_of_code(page):
        for module in re.findall(r"python3? -m ((?:verify|tools)[\w.]*)", line):
            assert find_spec(module) is not None, line


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    assert unknown_options(commands.commands["run"], "--claims kernel-svm") == {"--claims"}
    command, words = command_of("rum --claim kernel-svm")
    assert (command, words[0]) == (commands, "rum")
