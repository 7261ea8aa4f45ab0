"""The figure of addition mod p at p = 3: its parts, what is read from them, and its outcomes."""

import numpy as np
import pytest

from verify.figures import figure_named, modular_theorem
from verify.figures.base import Table

SMALL = modular_theorem.Size(3, 6, (2.0, 8.0), ((3, 6),))


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(modular_theorem.SIZES, "quick", SMALL)
        return {part.name: part.compute() for part in modular_theorem.parts("quick")}


def test_parts_of_both_presets() -> None:
    figure = figure_named("modular-theorem")
    for preset, moduli in (("quick", [5, 7]), ("paper", [5, 7, 11])):
        names = [part.name for part in figure.parts(preset)]
        assert [name for name in names if name.startswith("modulus")] == [
            f"modulus-{modulus}" for modulus in moduli
        ]
        assert {"all-pairs-50", "seen-pairs-2"} <= set(names)


def test_columns_are_shares_and_margins_within_their_bounds(tables: dict[str, Table]) -> None:
    for name, table in tables.items():
        columns = {key: np.array(column, dtype=float) for key, column in table.items()}
        assert np.all((columns["train accuracy"] >= 0) & (columns["train accuracy"] <= 1))
        unseen = columns["test accuracy"]
        assert np.all(unseen == -1.0) if name.startswith("all") else np.all(unseen >= 0)
        if name.startswith("all"):
            assert np.all(columns["margin"] <= columns["bound"] + 1e-9)


def test_outcomes_at_three(tables: dict[str, Table]) -> None:
    early, machine, margin, most, sharp, _ = modular_theorem.outcomes(tables)
    assert most.verdict == "falsified", most.line()
    for outcome in (early, machine, sharp):
        assert outcome.verdict == "holds", outcome.line()
    refuted = [bound.name for bound in margin.bounds if bound.status == "refuted"]
    assert refuted == ["largest margin"]  # fewer than 3 (p-1) neurons do at p = 3
    assert early.rival_rejected
    assert sharp.rival_rejected


def test_ten_neurons_have_more_than_the_flows_of_five(tables: dict[str, Table]) -> None:
    """Of p = 5 the largest margin that is known is not one of the figure's own."""
    of_five = {name: {**table, "modulus": [5] * len(table["at"])} for name, table in tables.items()}
    for table in of_five.values():
        table["margin"] = [0.99 for _ in table["at"]]
    most = modular_theorem.outcomes(of_five)[3]
    assert most.verdict == "falsified"
    assert "1.02" in most.line()


def test_of_eleven_more_is_said(tables: dict[str, Table]) -> None:
    eleven = dict(tables["modulus-3"])
    eleven["modulus"] = [11] * len(eleven["at"])
    eleven["test accuracy"] = [0.05 if at < 1.0 else 0.75 for at in np.array(eleven["at"])]
    learned = modular_theorem.outcomes({**tables, "modulus-11": eleven})[-1]
    assert learned.verdict == "holds", learned.line()
    assert learned.rival_rejected
    eleven["test accuracy"] = [0.05] * len(eleven["at"])
    assert modular_theorem.outcomes({**tables, "modulus-11": eleven})[-1].verdict == "falsified"


def test_it_is_drawn_in_three_panels(tables: dict[str, Table]) -> None:
    assert len(modular_theorem.draw(tables).axes) == 3
