"""The nightly search on claims whose worst instance is known."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stated import bound, rate

import verify.nightly
from theory.errors import IntegrationFailed, InvalidInput
from verify.catalogue import all_claims
from verify.instances import read_instance
from verify.nightly import SearchPlan, discovery, search, search_claim, searchable, singletons
from verify.replay import replay_file
from verify.strategies.sizes import QUICK

Make = Callable[..., Any]

LARGEST = 160.0
"""Four inputs of 40."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Every instance costs one second, and nothing else costs any."""
    now = [0.0]
    monkeypatch.setattr(verify.nightly, "perf_counter", lambda: now[0])

    def check(total: float) -> None:
        now[0] += 1.0

    return check


def test_search_climbs_to_the_worst_instance_and_saves_it(
    tiny_claim: Make, clock: Any, tmp_path: Path
) -> None:
    claim = tiny_claim(check=clock)
    found = search_claim(claim, 400.0, 1, tmp_path)
    assert found.severity == LARGEST / 1000.0
    assert (found.binds, found.refuted) == ("total", False)
    assert found.instance is not None
    saved = read_instance(Path(found.instance))
    assert saved.problem.inputs.sum() == LARGEST
    assert found.command == f"python -m verify replay {found.instance}"
    assert replay_file(Path(found.instance)).verdict == "holds"


def test_search_ends_with_its_time(tiny_claim: Make, clock: Any, tmp_path: Path) -> None:
    claim = tiny_claim(check=clock)
    assert search_claim(claim, 30.0, 1, tmp_path).examples == 30
    assert search_claim(claim, 1e-6, 2, tmp_path).examples == 1  # one at least


def test_next_night_begins_where_the_last_one_ended(
    tiny_claim: Make, clock: Any, tmp_path: Path
) -> None:
    claim = tiny_claim(check=clock)
    assert search_claim(claim, 400.0, 1, tmp_path).severity == LARGEST / 1000.0
    again = search_claim(claim, 1.0, 99, tmp_path)
    assert (again.severity, again.examples) == (LARGEST / 1000.0, 1)
    (tmp_path / "worst" / "tiny.json").write_text('{"of": "another version"}')
    assert search_claim(claim, 1.0, 99, tmp_path).examples == 1


def test_database_keeps_starting_points(tiny_claim: Make, clock: Any, tmp_path: Path) -> None:
    """Without the file of the worst instance a search still begins with what it had climbed to."""
    seen: list[list[float]] = []
    for seed, seconds in ((1, 400.0), (99, 15.0)):
        totals: list[float] = []
        seen.append(totals)

        def check(total: float, totals: list[float] = totals) -> None:
            clock(total)
            totals.append(total)

        search_claim(tiny_claim(check=check), seconds, seed, tmp_path)
        (tmp_path / "worst" / "tiny.json").unlink()
    assert len(seen[1]) == 15
    assert set(seen[1]) <= set(seen[0])


def test_searches_of_different_seeds_differ(tiny_claim: Make, clock: Any, tmp_path: Path) -> None:
    measured: list[list[float]] = []
    for seed in (1, 2, 1):
        totals: list[float] = []
        measured.append(totals)

        def check(total: float, totals: list[float] = totals) -> None:
            clock(total)
            totals.append(total)

        folder = tmp_path / str(len(measured))
        search_claim(tiny_claim(check=check), 40.0, seed, folder)
    assert measured[0] == measured[2] != measured[1]


def test_search_ends_when_there_is_nothing_new(
    tiny_claim: Make, clock: Any, tmp_path: Path
) -> None:
    claim = tiny_claim(check=clock)
    few = claim.instances(("diagonal",), QUICK).filter(lambda i: i.problem.samples == 1)
    single = tiny_claim(check=clock, instances=lambda families, sizes: few, families=("diagonal",))
    found = search_claim(single, 1e9, 1, tmp_path)
    assert found.examples <= 40
    assert found.rounds >= 2


def test_refuted_bound_is_told_and_shows_in_the_exit_status(
    tiny_claim: Make, invoke: Make, tmp_path: Path
) -> None:
    tiny_claim(limit=100.0)
    answer = invoke("search", "--claim", "tiny", "--budget", "1s", "--seed", "3", "--report", "s")
    assert answer.status == 1, answer.err
    assert "tiny: REFUTED; " in answer.out
    assert "seed 3" in answer.out
    written = json.loads((tmp_path / "s" / "search.json").read_text())
    assert (written["schema"], written["seed"], written["budget"]) == (1, 3, 1.0)
    (claim,) = written["claims"]
    assert claim["refuted"]
    assert claim["severity"] > 1.0
    assert (tmp_path / claim["instance"]).exists()
    assert replay_file(tmp_path / claim["instance"]).verdict == "falsified"


def test_search_without_a_seed_prints_a_fresh_one(tiny_claim: Make, invoke: Make) -> None:
    tiny_claim()
    command = ("search", "--claim", "tiny", "--budget", "0.05s", "--report", "s")
    first, second = (invoke(*command) for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    assert first.out.split("seed ")[1].split(",")[0] != second.out.split("seed ")[1].split(",")[0]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--budget", "soon", "budget"), ("--claim", "none", "claim"), ("--jobs", "0", "jobs is 0")],
)
def test_bad_usage_is_refused(option: str, value: str, words: str, invoke: Make) -> None:
    answer = invoke("search", option, value)
    assert answer.status == 2
    assert words in answer.err


def test_one_rate_far_off_refutes_nothing(tiny_claim: Make, clock: Any, tmp_path: Path) -> None:
    def laws(total: float, limit: float) -> list[Any]:
        return [bound("b", 0.5, 1.0), rate("slope", 1.0, 1.0 + total, 0.1)]

    found = search_claim(tiny_claim(check=clock, laws=laws), 400.0, 1, tmp_path)
    assert (found.refuted, found.binds) == (False, "slope")
    assert found.severity == pytest.approx(LARGEST / 0.3)
    assert "judged on its median" in found.line()


def test_refuted_bound_is_worse_than_a_rate_further_off(
    tiny_claim: Make, clock: Any, tmp_path: Path
) -> None:
    def laws(total: float, limit: float) -> list[Any]:
        slope = rate("slope", 1.0, 100.0 if total < 60.0 else 1.0, 0.1)
        return [bound("b", 1.1 if total >= 60.0 else 0.5, 1.0), slope]

    found = search_claim(tiny_claim(check=clock, laws=laws), 200.0, 1, tmp_path)
    assert (found.refuted, found.binds, found.severity) == (True, "b", 1.1)


def test_what_cannot_be_measured_is_a_class_of_its_own(
    tiny_claim: Make, clock: Any, tmp_path: Path
) -> None:
    def check(total: float) -> None:
        clock(total)
        raise IntegrationFailed("stuck")

    found = search_claim(tiny_claim(check=check), 50.0, 1, tmp_path)
    assert (found.severity, found.instance, found.command) == (None, None, None)
    assert not found.refuted
    assert found.examples == 50
    assert found.classes == 4  # one for each family
    assert (
        found.failed
        == "nothing could be measured on 50 instances: integrator did not finish: stuck"
    )
    assert found.failed in found.line()


def test_a_search_that_measures_nothing_is_inconclusive(
    tiny_claim: Make, invoke: Make, tmp_path: Path
) -> None:
    def check(total: float) -> None:
        raise ValueError("broken")

    tiny_claim(check=check)
    answer = invoke("search", "--claim", "tiny", "--budget", "1s", "--seed", "1", "--report", "out")
    assert answer.status == 3
    assert "raised: ValueError: broken" in answer.out
    (found,) = json.loads((tmp_path / "out/search.json").read_text())["claims"]
    assert "raised: ValueError: broken" in found["failed"]


def test_infinite_severity_is_written_as_a_number(
    tiny_claim: Make, clock: Any, tmp_path: Path
) -> None:
    claim = tiny_claim(check=clock, laws=lambda total, limit: [bound("b", total, 0.0)])
    (found,) = search(SearchPlan((claim,), 20.0, 1, 1, tmp_path), lambda line: None)
    assert found.refuted
    written = json.loads((tmp_path / "search.json").read_text())["claims"][0]
    assert written["severity"] == verify.nightly.HIGHEST


def test_time_is_shared_equally(tiny_claim: Make, clock: Any, tmp_path: Path) -> None:
    claims = (tiny_claim(name="one", check=clock), tiny_claim(name="two", check=clock))
    lines: list[str] = []
    found = search(SearchPlan(claims, 40.0, 1, 1, tmp_path), lines.append)
    assert [(entry.claim, entry.examples) for entry in found] == [("one", 20), ("two", 20)]
    assert len(lines) == 3


def test_claims_that_should_fail_are_not_searched(tiny_claim: Make, tmp_path: Path) -> None:
    holds, fails = tiny_claim(name="a"), tiny_claim(name="b", expected="falsified")
    assert searchable([holds, fails]) == (holds,)
    with pytest.raises(InvalidInput, match="none to be searched"):
        search(SearchPlan((), 1.0, 0, 1, tmp_path), lambda line: None)


@pytest.mark.slow
def test_two_workers_search_two_claims(tmp_path: Path) -> None:
    known = all_claims()
    claims = (known["loss-decomposition"], known["enough-samples"])
    found = search(SearchPlan(claims, 4.0, 1, 2, tmp_path), lambda line: None)
    assert [entry.claim for entry in found] == [claim.id for claim in claims]
    assert not any(entry.refuted for entry in found)
    assert all(entry.examples > 1 for entry in found)


def test_singletons_and_discovery_by_hand() -> None:
    assert singletons([1, 1, 2, 4]) == 2
    assert discovery([1, 1, 2, 4]) == 0.25
    assert discovery([5, 3]) == 0.0
    assert discovery([1]) == discovery([]) == 1.0


def test_discovery_estimates_the_probability_of_what_was_not_seen() -> None:
    """On a geometric law over classes; the bias of the estimator is below 1 / N."""
    rng = np.random.default_rng(0)
    probabilities = 0.8 ** np.arange(60) * 0.2
    probabilities /= probabilities.sum()
    estimated, missing = [], []
    for _ in range(2000):
        draws = rng.choice(60, size=30, p=probabilities)
        estimated.append(discovery(Counter(draws.tolist()).values()))
        missing.append(1.0 - probabilities[np.unique(draws)].sum())
    spread = float(np.std(np.subtract(estimated, missing))) / 2000**0.5
    assert abs(np.mean(estimated) - np.mean(missing)) < 4.0 * spread + 1.0 / 30
    assert np.mean(missing) > 0.1
