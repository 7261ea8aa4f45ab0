"""Every rate of the suite says how it was fitted."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import verify.claims
from verify.claims.base import RateSample

SOURCES = sorted(Path(verify.claims.__file__).parent.glob("*.py"))


def rate_samples(source: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == RateSample.__name__:
            yield node


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_rates_name_their_method(source: Path) -> None:
    for call in rate_samples(source):
        given = {keyword.arg for keyword in call.keywords}
        assert len(call.args) == 5 or "method" in given, f"{source.name}:{call.lineno}"


def test_there_are_rates_to_look_at() -> None:
    assert sum(len(list(rate_samples(source))) for source in SOURCES) > 10
