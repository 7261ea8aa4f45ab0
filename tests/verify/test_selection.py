"""Claims by id, family, paper and subject."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from theory.errors import InvalidInput
from verify.catalogue import all_claims
from verify.registry import registry
from verify.selection import Selection

Make = Callable[..., Any]


def ids(selection: Selection) -> set[str]:
    return {claim.id for claim in selection.claims}


@pytest.mark.parametrize("family", registry().families)
def test_a_family_is_what_is_registered_under_it(family: str) -> None:
    found = ids(Selection(families=(family,)))
    assert found == {e.id for e in registry().claims.values() if e.family == family}
    assert found


def test_a_paper_is_what_cites_it() -> None:
    assert ids(Selection(papers=("saxe",))) == {
        "mode-times",
        "mode-times-from-entries",
        "depth-escape",
        "depth-escape-logarithmic",
    }


def test_a_subject_is_of_the_family_and_of_the_claim() -> None:
    floating = ids(Selection(tags=("floating point",)))
    assert floating == ids(Selection(families=("softmax",)))
    assert {"kernel-svm", "kernel-svm-of-classes"} <= ids(Selection(tags=("kernel",)))


def test_whatever_is_named_is_chosen_once() -> None:
    both = Selection(ids=("kkt", "mode-times"), families=("softmax",), papers=("saxe",)).claims
    assert len(both) == len({claim.id for claim in both})
    assert {claim.id for claim in both} == (
        {"kkt"} | ids(Selection(families=("softmax",))) | ids(Selection(papers=("saxe",)))
    )


def test_nothing_named_is_everything() -> None:
    assert ids(Selection()) == set(all_claims())


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(ids=("no-such",)), "claim is 'no-such'; 'theory-verify list' shows the "),
        (Selection(families=("early",)), "family is 'early'; known are early_late, lazy_rich"),
        (Selection(papers=("newton",)), "paper is 'newton'; known are dichotomy, lazy-rich"),
        (Selection(tags=("alchemy",)), "tag is 'alchemy'; known are diagonal nets"),
    ],
)
def test_unknown_names_are_refused_with_those_that_there_are(
    selection: Selection, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        _ = selection.claims


def test_every_command_that_takes_claims_takes_these(invoke: Make) -> None:
    for command in ("run", "list", "search", "necessity"):
        answer = invoke(command, "--tag", "alchemy")
        assert answer.status == 2
        assert answer.err.startswith("error: tag is 'alchemy'; known are ")


def test_list_and_run_by_family(invoke: Make, tmp_path: Any) -> None:
    listed = json.loads(invoke("list", "--family", "softmax", "--json").out)
    assert {entry["id"] for entry in listed} == ids(Selection(families=("softmax",)))
    invoke("run", "--family", "softmax", "--examples", "8", "--report", "out")
    ran = json.loads((tmp_path / "out" / "results.json").read_text())["claims"]
    assert {entry["id"] for entry in ran} == {entry["id"] for entry in listed}
