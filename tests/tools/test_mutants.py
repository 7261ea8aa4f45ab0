"""The faults still apply, name claims that should hold, and are told apart when tried."""

import ast
from pathlib import Path

import pytest

from theory.errors import InvalidInput
from tools.mutants.catalogue import FILE, ROOT, Mutant, catalogue, chosen, mirrored_tests, mutated
from tools.mutants.record import Record, claims_of
from tools.mutants.table import counts, noticed_by, page
from tools.mutants.trial import Outcome, Trial, Workspace, try_mutant
from verify.registry import registry

MUTANTS = catalogue()
SOURCES = {mutant.file: (ROOT / mutant.file).read_text(encoding="utf-8") for mutant in MUTANTS}
PACKAGES = {path.parent for path in (ROOT / "theory").rglob("*.py")} - {
    ROOT / "theory" / "lazy_rich" / "experiments"  # figures of nets beyond the theory
}

GAP = Mutant(
    "gap-half",
    "theory/lazy_rich/gap.py",
    "gain = 2.0 * problem.output_scale**2",
    "gain = problem.output_scale**2",
    "the gap is that of a loss with 1/2",
)
UNSEEN = Mutant(
    "comment",
    "theory/clock.py",
    '"""tau at decay time s > 0."""',
    '"""tau."""',
    "a docstring",
    tests=("tests/theory/test_clock.py",),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_fault_applies_and_is_one(mutant: Mutant) -> None:
    source = SOURCES[mutant.file]
    faulty = mutated(mutant, source)
    assert ast.dump(ast.parse(faulty)) != ast.dump(ast.parse(source))
    assert all((ROOT / test).exists() for test in mirrored_tests(mutant))
    assert not (mutant.equivalent and mutant.claims)


def test_every_package_has_faults_and_most_are_for_claims_to_notice() -> None:
    assert len(MUTANTS) >= 110
    assert {(ROOT / mutant.file).parent for mutant in MUTANTS} == PACKAGES
    assert sum(bool(mutant.claims) for mutant in MUTANTS) >= 100


def test_claims_that_must_be_falsified_are_those_that_hold() -> None:
    assert {registry()[claim].expected for claim in claims_of(MUTANTS)} == {"holds"}


def test_fragment_that_is_missing_or_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="stands 0 times"):
        mutated(GAP, "gain = 1.0")
    with pytest.raises(InvalidInput, match="stands 2 times"):
        mutated(GAP, f"{GAP.find}\n{GAP.find}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[mutants]]", "[[mutant]]", "has mutant"),
        ("find = ", "fragment = ", "has \\['fragment'\\]"),
        ("fault = ", "# fault = ", "lacks fault"),
        ('id = "kernel-decay-without-samples"', 'id = "kernel-decay-drift"', "stand twice"),
    ],
)
def test_faults_of_the_catalogue_are_named(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "mutants.toml"
    file.write_text(FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        catalogue(file)


def test_unknown_id_is_refused() -> None:
    with pytest.raises(InvalidInput, match="only is no-such"):
        chosen(MUTANTS, ["gap-half", "no-such"])


def test_record_finds_trials_of_the_same_code_only(tmp_path: Path) -> None:
    path, trial = tmp_path / "trials.json", Trial(Outcome.TEST, {"a": "holds"}, "test_b", 1.0)
    record = Record(path, "code", 8, 0)
    record.keep(GAP, trial)
    record.pass_claim("a")
    again = Record(path, "code", 8, 0)
    assert again.find(GAP) == trial
    assert again.sound == {"a"}
    assert again.settled(GAP)
    assert again.find(UNSEEN) is None
    again.keep(UNSEEN, Trial(Outcome.SURVIVED, {}, "", 1.0))
    assert not again.settled(UNSEEN)
    assert Record(path, "other code", 8, 0).find(GAP) is None
    assert Record(path, "code", 9, 0).sound == set()


def test_table_tells_what_noticed_each_fault() -> None:
    trials = {
        "gap-half": Trial(Outcome.CLAIM, {"kkt": "holds", "norm-law": "falsified"}, "", 1.0),
        "comment": Trial(Outcome.SURVIVED, {"kkt": "inconclusive"}, "", 1.0),
    }
    text = page([GAP, UNSEEN], trials, 8, 0)
    assert "2 faults: 1 killed by claim, 1 survived." in text
    assert "| `gap-half` | `theory/lazy_rich/gap.py` | the gap is that of a loss with 1/2 |" in text
    assert noticed_by(trials["gap-half"], GAP) == "`norm-law`"
    assert noticed_by(trials["comment"], UNSEEN) == "**survived** (`kkt` inconclusive)"
    assert counts({}) == ""


@pytest.mark.slow
def test_fault_is_noticed_by_a_test_and_another_one_by_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "copy")
    noticed = try_mutant(workspace, GAP, 1, 0)
    assert noticed.outcome is Outcome.TEST
    assert noticed.test.startswith("tests/theory/lazy_rich/test_gap.py::")
    assert try_mutant(workspace, UNSEEN, 1, 0).outcome is Outcome.SURVIVED
    copied = tmp_path / "copy" / GAP.file
    assert copied.read_text(encoding="utf-8") == (ROOT / GAP.file).read_text(encoding="utf-8")


@pytest.mark.slow
def test_fault_is_noticed_by_a_claim(tmp_path: Path) -> None:
    (fault,) = chosen(MUTANTS, ["form-scale"])
    workspace = Workspace(tmp_path / "copy")
    assert workspace.verdict("loss-decomposition", 8, 0) == "holds"
    assert try_mutant(workspace, fault, 8, 0).killer == "loss-decomposition"
