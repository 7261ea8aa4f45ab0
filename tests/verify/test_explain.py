"""`explain`: every claim in plain words, whole on narrow terminals."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from verify.catalogue import all_claims, claim_named
from verify.explain import commands_of, explained
from verify.plain_formula import plain_formula
from verify.registry import registry
from verify.report.words import symbols
from verify.skeleton import write_claim

Make = Callable[..., Any]


@pytest.mark.parametrize("width", [60, 80])
def test_every_claim_is_told_whole(width: int) -> None:
    for claim in all_claims().values():
        lines = list(explained(claim, width))
        text = " ".join(" ".join(lines).split())
        commands = {f"  {command}" for command in commands_of(claim)}
        assert max(len(line) for line in lines if line not in commands) <= width
        entry = registry().claims[claim.id]
        for words in (claim.title, entry.says, claim.source, *claim.tolerances):
            assert " ".join(words.split()) in text, (claim.id, words)
        for rival in claim.rivals:
            assert f"{rival.id}: {' '.join(rival.description.split())}" in text
        for symbol, meaning in registry().notation_of(entry.family):
            assert " ".join(symbols(f"{symbol}: {meaning}").split()) in text, (claim.id, symbol)
        for assumption in claim.measurement.assumptions:
            assert " ".join(assumption.id.split()) in text
        assert f"run --claim {claim.id}" in text
        assert "What would refute it" in text


def test_false_statements_name_what_is_true(invoke: Make) -> None:
    answer = invoke("explain", "kernel-normaliser-as-printed")
    assert (answer.status, answer.err) == (0, "")
    assert "falsified: as it is printed or read it does not survive; true is kernel-svm" in (
        answer.out
    )
    assert "True instead:" in answer.out
    assert "search --claim" not in answer.out  # a worst case of it says nothing


def test_claim_of_ones_own(invoke: Make, tmp_path: Any) -> None:
    write_claim("my-claim", tmp_path)
    (name,) = (path.name for path in tmp_path.glob("*.py"))
    named = invoke("explain", "my-claim", "--module", name)
    assert (named.status, named.err) == (0, "")
    assert f"python -m verify run --module {name} --claim my-claim" in named.out
    assert invoke("explain", "--module", name).out == named.out
    assert "α: scale of the start, θ(0) = α θ̄" in named.out  # the skeleton's is one on flows
    assert "margin of the kernel SVM at" not in named.out  # of the suite's theory


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "claim is not given"),
        (["riemann"], "claim is 'riemann'; 'theory-verify list' shows the "),
    ],
)
def test_unknown_claims_are_one_sentence(arguments: list[str], words: str, invoke: Make) -> None:
    answer = invoke("explain", *arguments)
    assert answer.status == 2
    assert words in answer.err


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\frac{a}{b} \le \tfrac12 \alpha^{-2c}", "a/b ≤ 1/2 α^(-2c)"),
        (r"\tfrac1\gamma \log\frac{\alpha^{2}}{\lambda}", "1/γ log ((α^2)/λ)"),
        (r"\|\bar\theta\| \to \sqrt{x + y}", "|θ̄| → √(x + y)"),
        (r"\min_{t \ge 0} \mathrm{rank}\left(A\right)", "min_(t ≥ 0) rank(A)"),
    ],
)
def test_formulas_as_plain_text(latex: str, plain: str) -> None:
    assert plain_formula(latex) == plain


def test_no_latex_is_left_in_the_plain_text_of_any_claim() -> None:
    for claim in all_claims().values():
        assert not re.search(r"[\\{}]", plain_formula(claim.statement)), claim.id


def test_symbols_that_families_share_are_told_with_their_own() -> None:
    told = dict(registry().notation_of("relu"))
    assert [*told][:7] == [symbol for symbol, _ in registry().shared_notation("large_start")]
    assert {"θ̄", "alpha", "lambda", "t_g", "c", "L", "kappa"} <= told.keys()
    assert "γ: " not in "\n".join(explained(claim_named("first-kink"), 100))
    assert "γ: margin of the kernel SVM at θ̄" in "\n".join(explained(claim_named("kkt"), 100))
