"""The figure of the mean field theory at toy size: files, and outcomes that can fail."""

from dataclasses import replace
from pathlib import Path

import pytest

from verify.figures import dmft_curves, figure_named
from verify.figures.make import make_figure

SMALL = dmft_curves.Size(
    replace(dmft_curves.SIZES["quick"].setting, input_dim=100, steps=12),
    ratios=(3.0,),
    trained_on=20_000,
    samples=128,
    runs=12,
)


def test_it_is_made_and_its_outcomes_are_as_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dmft_curves.SIZES, "quick", SMALL)
    # at this size the errors are larger
    monkeypatch.setattr(dmft_curves, "FINITE_DIMENSION", 30.0)
    made = make_figure(dmft_curves.FIGURE, "quick", tmp_path, lambda _: None)
    assert [path.suffix for path in made.files] == [".csv", ".png", ".svg", ".pdf", ".json"]
    assert [outcome.verdict for outcome in made.outcomes] == ["holds", "holds"]
    assert all(outcome.as_expected for outcome in made.outcomes)


def test_a_wrong_theory_does_not_hold() -> None:
    table = dmft_curves._compute(SMALL, 3.0)
    table["train theory"] = table["test theory"]
    agreement, solvers = dmft_curves.outcomes({"nu-3": table})
    assert agreement.verdict == "falsified"
    assert solvers.verdict == "holds"


def test_both_presets_have_the_three_ratios() -> None:
    figure = figure_named("dmft-curves")
    for preset in ("quick", "paper"):
        assert [part.name for part in figure.parts(preset)] == ["nu-1.5", "nu-3", "nu-10"]
