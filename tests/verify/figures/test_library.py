"""Figures of the library show a law that is kept and a reading that is not."""

from pathlib import Path

import pytest

from theory.errors import InvalidInput
from verify.figures.against import Against, compute, figure_of, outcomes
from verify.figures.library import DRAWN
from verify.figures.make import make_figure
from verify.registry import registry

SOFTMAX = next(drawn for drawn in DRAWN if drawn.family == "softmax")


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.family)
def test_a_figure_is_of_its_family_and_shows_what_holds(drawn: Against) -> None:
    entry = registry()[drawn.claim]
    assert (entry.family, entry.expected) == (drawn.family, "holds")
    assert drawn.reading.words != drawn.truth.words


def test_points_of_the_law_are_on_the_line_and_those_of_the_reading_are_not() -> None:
    table = compute(SOFTMAX, 6)
    gaps: dict[str, list[float]] = {"truth": [], "misread": []}
    for which, drawn, predicted, measured in zip(
        *(table[name] for name in ("which", "drawn", "predicted", "measured")), strict=True
    ):
        assert drawn == 1
        gaps[str(which)].append(abs(float(predicted) - float(measured)))
    assert max(gaps["truth"]) < 0.1  # roundings of float16
    assert max(gaps["misread"]) > 1.0
    (outcome,) = outcomes(SOFTMAX, {"softmax-collapse": table})
    assert outcome.verdict == "holds"
    assert outcome.as_expected


def test_a_reading_that_is_right_is_told() -> None:
    """Where the reading is the law itself nothing rejects it, and the figure is not as expected."""
    table = compute(SOFTMAX, 4)
    kept = [k for k, which in enumerate(table["which"]) if which == "truth"]
    both = {name: [column[k] for k in kept] * 2 for name, column in table.items()}
    both["which"] = ["truth"] * len(kept) + ["misread"] * len(kept)
    (outcome,) = outcomes(SOFTMAX, {"softmax-collapse": both})
    assert not outcome.as_expected


def test_files_are_written(tmp_path: Path) -> None:
    made = make_figure(figure_of(SOFTMAX), "quick", tmp_path, lambda _: None)
    names = {path.name for path in made.files}
    assert names == {f"law-softmax.{kind}" for kind in ("csv", "png", "svg", "pdf", "json")}


def test_readings_that_do_not_fit_are_refused() -> None:
    law = "gap of the gradient"
    other = Against("softmax", "softmax-collapse", law, "depth-escape-logarithmic")
    with pytest.raises(InvalidInput, match="is measured otherwise than softmax-collapse"):
        figure_of(other)
    unknown = Against("softmax", "softmax-collapse", "gap of the gradient", "no-such")
    with pytest.raises(InvalidInput, match="claim is 'no-such'"):
        figure_of(unknown)


@pytest.mark.slow
@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.family)
def test_every_figure_shows_what_it_says(drawn: Against) -> None:
    table = compute(drawn, 6)
    assert {which for which, k in zip(table["which"], table["drawn"], strict=True) if k} == {
        "truth",
        "misread",
    }
    (outcome,) = outcomes(drawn, {drawn.claim: table})
    assert outcome.as_expected, outcome.line()
