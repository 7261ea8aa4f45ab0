"""Arguments that docstrings of the reference name are arguments; the site would not be built."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IN_THE_REFERENCE = ("theory", "verify/diagnose", "verify/instances", "verify/language")
NAME = re.compile(r"^ {4}(\S[^:]*):", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def documented(function: Function) -> set[str]:
    """Names below `Args:` in the docstring."""
    text = ast.get_docstring(function) or ""
    section = re.search(r"^Args:\n((?: {4}.*\n?|\n)*)", text, re.MULTILINE)
    return set(NAME.findall(section[1])) if section else set()


def parameters(function: Function) -> set[str]:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {argument.arg for argument in named if argument is not None}


@pytest.mark.parametrize("folder", IN_THE_REFERENCE)
def test_documented_arguments_exist(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for function in functions(path)
        for name in documented(function) - parameters(function)
    ]
    assert not wrong


def test_a_name_that_is_none_is_noticed() -> None:
    text = "F.\\n\\nArgs:\\n    a, b: two.\\n        more: no name."
    (function,) = ast.parse(f"def f(a, b):\n    '''{text}'''").body
    assert isinstance(function, ast.FunctionDef)
    assert documented(function) - parameters(function) == {"a, b"}
