"""The documentation is true: its snippets run, its links lead somewhere, nothing is left out."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.complaints import complaints
from verify import commands
from verify.catalogue import all_claims
from verify.figures import all_figures

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks, in order."""
    return FENCED.findall(page.read_text(encoding="utf-8"))


def named(page: Path) -> set[str]:
    """What a page sets in backticks."""
    return set(re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", ["README.md", "docs/what-is-verified.md"])
def test_every_claim_is_named(page: str) -> None:
    assert {claim.id for claim in all_claims().values()} <= named(ROOT / page)


def test_claims_that_fail_are_under_statements_that_fail() -> None:
    text = (ROOT / "docs" / "what-is-verified.md").read_text(encoding="utf-8")
    failing = set(re.findall(r"^\| `([\w-]+)`", text.split("## Statements that fail")[1], re.M))
    expected = {c.id for c in all_claims().values() if c.expected == "falsified"}
    assert failing == expected
    listed = set(re.findall(r"^\| `([\w-]+)`", text, re.M))
    assert listed == {claim.id for claim in all_claims().values()}


def test_every_figure_is_named() -> None:
    assert set(all_figures()) <= named(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_exit_status_is_told() -> None:
    listed = re.findall(r"^\| (\d+) \| ", (ROOT / "docs" / "faq.md").read_text(), re.MULTILINE)
    told = {0, 1, 2, 3, commands.FAULT, commands.INTERRUPTED, commands.CLOSED}
    assert sorted(map(int, listed)) == sorted(told)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_compiles(page: Path) -> None:
    for language, text in blocks(page):
        if language == "python" and ">>>" not in text:
            compile(text, str(page), "exec")


def test_python_of_the_readme_runs() -> None:
    names: dict[str, Any] = {}
    for language, text in blocks(ROOT / "README.md"):
        if language == "python":
            exec(text, names)
    assert (names["flow"].margins > 0).all()


@pytest.mark.slow
def test_tutorial_runs_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    page = ROOT / "docs" / "tutorial.md"
    for language, text in blocks(page):
        if language == "python":
            test = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), 0)
            runner = doctest.DocTestRunner()
            assert runner.run(test, clear_globs=False).failed == 0, text
            names = test.globs
        elif language == "sh":
            for line in text.splitlines():
                ran = run(line, tmp_path)
                assert (ran.returncode, complaints(ran.stderr)) == (0, []), (
                    f"{line}\n{ran.stdout}{ran.stderr}"
                )


def test_example_of_the_readme_is_the_file() -> None:
    (shown,) = (text for language, text in blocks(ROOT / "README.md") if language == "json")
    assert shown.split() == (ROOT / "examples" / "instance.json").read_text().split()


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    python, *arguments = shlex.split(line)
    assert python == "python"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
