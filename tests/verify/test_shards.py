"""Shards: the same whatever runs them, kept as files, and never trusted when damaged."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stated import bound, rate

from theory import Diagonal, Problem, Regime
from verify.evidence import CLAIM, Comparison, Evidence, Rungs, Sabotage
from verify.instances import FlowInstance
from verify.language import Finding, Kind, not_applicable, unresolved
from verify.profiles import SHARD_SIZE
from verify.shards import (
    Shard,
    ShardResult,
    ShardStore,
    code_fingerprint,
    plan_shards,
    run_shard,
)
from verify.strategies.nets import FAMILIES

SHARD = Shard("tiny", ("tiny",), "diagonal", 0, 17, 3)


@pytest.mark.parametrize("examples", [1, 3, 4, 24, 33, 96])
def test_plan_spreads_the_examples_evenly(examples: int, tiny_claim: Callable[..., Any]) -> None:
    shards = plan_shards((tiny_claim(),), examples, 0)
    assert sum(shard.count for shard in shards) == examples
    assert max(shard.count for shard in shards) <= SHARD_SIZE
    per_family = Counter(dict.fromkeys(FAMILIES, 0))
    for shard in shards:
        per_family[shard.family] += shard.count
    assert max(per_family.values()) - min(per_family.values()) <= 1


def test_every_shard_has_a_seed_and_a_name_of_its_own(tiny_claim: Callable[..., Any]) -> None:
    claims = (tiny_claim(name="one"), tiny_claim(name="two"))
    shards = [s for claim in claims for seed in (0, 1) for s in plan_shards((claim,), 96, seed)]
    assert len({shard.seed for shard in shards}) == len(shards)
    assert len({shard.name for shard in shards}) == len(shards)


def test_plan_does_not_depend_on_how_many_more_examples_follow(
    tiny_claim: Callable[..., Any],
) -> None:
    few, many = (set(plan_shards((tiny_claim(),), n, 0)) for n in (32, 96))
    assert few < many


def test_examples_of_the_claim_come_first(tiny_claim: Callable[..., Any]) -> None:
    claim = tiny_claim(examples=(_instance(5.0), _instance(7.0)))
    first = plan_shards((claim,), 4, 0)[0]
    assert (first.family, first.count) == ("examples", 2)
    result = run_shard(first)
    assert [e.laws[CLAIM][0].checks[0].value for e in result.of("tiny")] == [5.0, 7.0]


def _instance(value: float) -> FlowInstance:
    problem = Problem(Diagonal(1), np.array([0.5, 0.5]), np.array([[value]]), np.ones(1))
    return FlowInstance(problem, Regime(log10_alpha=8, decay_power=2))


def test_shard_gives_the_same_evidence_again(tiny_claim: Callable[..., Any]) -> None:
    tiny_claim()
    first, second = run_shard(SHARD), run_shard(SHARD)
    one, two = first.of("tiny"), second.of("tiny")
    assert len(one) == SHARD.count
    assert [e.instance for e in one] == [e.instance for e in two]
    assert [e.laws for e in one] == [e.laws for e in two]


def full_result() -> ShardResult:
    """Every field filled, with numbers that strict JSON lacks."""
    laws = {
        CLAIM: (
            bound("b", nan, inf, 0.1),
            bound("c", 1.0, 2.0),
            rate("r", 1.0, 1.5, 0.1, stratum="L = 2"),
            unresolved("u", Kind.BELOW, "noise"),
            not_applicable("n", Kind.RATE, "no such thing"),
        ),
        "rival": (),
    }
    measured = Evidence(
        {"labels": [1.0]},
        "measured",
        laws=laws,
        ladders=(
            Rungs("q", "x", (1.0, 2.0), (3.0, 4.0), (0.0, inf), (5.0, -inf), "upper bound", nan),
        ),
        findings=(Finding("title", "detail", 2.0),),
        measures={"n": 2.0},
        sabotages=(Sabotage("late", True), Sabotage("early", None, "stuck")),
        comparisons=(Comparison("b", 1.0, 2.0, 0.5),),
        seconds=0.25,
    )
    failed = Evidence({"labels": [-1.0]}, "integrators disagree", "by 0.5")
    return ShardResult(SHARD, ({"tiny": measured}, {"tiny": failed}), 4)


def test_store_returns_what_was_saved(tmp_path: Path) -> None:
    store = ShardStore(tmp_path / "unfinished", "code")
    saved = full_result()
    store.save(saved)
    loaded = store.load(SHARD)
    assert repr(loaded) == repr(saved)  # NaN is not equal to itself, its name is


def test_store_knows_only_its_own_shards_and_code(tmp_path: Path) -> None:
    store = ShardStore(tmp_path / "unfinished", "code")
    store.save(full_result())
    assert store.load(replace(SHARD, index=1)) is None
    assert store.load(replace(SHARD, seed=18)) is None
    assert store.load(replace(SHARD, count=4)) is None
    assert ShardStore(tmp_path / "unfinished", "other code").load(SHARD) is None


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"instances": []}',
        '{"instances": [[]], "discarded": 0}',
        '{"instances": [7], "discarded": 0}',
        '{"instances": [{"instance": {}}], "discarded": 0}',
        '{"instances": [], "discarded": "many"}',
    ],
)
def test_damaged_shard_counts_as_unfinished(damage: str, tmp_path: Path) -> None:
    store = ShardStore(tmp_path / "unfinished", "code")
    store.save(full_result())
    (path,) = store.folder.glob("*.json")
    path.write_text(damage)
    assert store.load(SHARD) is None


def test_clearing_leaves_what_other_runs_of_the_same_code_can_resume(tmp_path: Path) -> None:
    folder = tmp_path / "unfinished"
    interrupted, of_a_module = ShardStore(folder, "code"), ShardStore(folder, "code", "module")
    longer = replace(full_result(), shard=replace(SHARD, count=4))
    interrupted.save(longer)
    of_a_module.save(full_result())
    store = ShardStore(folder, "code")
    store.save(full_result())
    store.clear()
    assert store.load(SHARD) is None
    assert store.load(longer.shard) is not None
    assert of_a_module.load(SHARD) is not None
    of_a_module.clear()
    interrupted.clear()
    assert not folder.exists()


def test_clearing_removes_the_folder_with_all_that_is_left_in_it(tmp_path: Path) -> None:
    store = ShardStore(tmp_path / "unfinished", "code")
    store.save(full_result())
    ShardStore(tmp_path / "unfinished", "earlier code").save(full_result())
    (store.folder / ".half-written").write_text("{")
    (tmp_path / "results.json").write_text("{}")
    store.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    store.clear()  # nothing to remove is no error


def test_fingerprint_follows_content_and_names_of_sources_only(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("x = 1\n")
    first = code_fingerprint([tmp_path])
    (tmp_path / "notes.txt").write_text("no code")
    assert code_fingerprint([tmp_path]) == first
    source.write_text("x = 2\n")
    second = code_fingerprint([tmp_path])
    source.rename(tmp_path / "renamed.py")
    assert len({first, second, code_fingerprint([tmp_path])}) == 3
