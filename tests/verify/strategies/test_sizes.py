"""What runs draw: sizes that mean something, every kind on purpose, few trivial instances."""

import json
from random import Random
from time import process_time

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from tests.verify.strategies.catalogue import (
    FLOWS,
    KINDS_OF_FLOWS,
    SOURCES,
    drawn_as_a_run,
)
from theory.assumptions import check_assumptions
from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, Factorization, TwoLayer
from theory.problem import Problem
from verify.instances import Kind, instance_from_json, kinds_of, measures_of
from verify.instances.measures import SAMPLES
from verify.search import draw_instances
from verify.strategies import SIZES, Sizes, sizes_named
from verify.strategies.nets import FAMILIES
from verify.strategies.sizes import DEEP, QUICK, STANDARD
from verify.strategies.tasks import problems

SEEDS = range(5)
EXAMPLES = {"quick": 24, "standard": 96}
RUNS = [
    pytest.param(name, profile, marks=[pytest.mark.slow] if profile == "standard" else [])
    for name in SOURCES
    for profile in EXAMPLES
]


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_at_most_one_instance_in_eight_has_one_sample(name: str, profile: str) -> None:
    for seed in SEEDS:
        drawn = drawn_as_a_run(name, profile, EXAMPLES[profile], seed).instances
        assert len(drawn) == EXAMPLES[profile]
        trivial = sum(measures_of(instance)[SAMPLES] == 1 for instance in drawn)
        assert trivial <= len(drawn) / 8


@pytest.mark.parametrize(("name", "profile"), RUNS)
def test_less_than_a_tenth_is_discarded(name: str, profile: str) -> None:
    runs = [drawn_as_a_run(name, profile, EXAMPLES[profile], seed) for seed in SEEDS]
    assert sum(run.discarded for run in runs) < 0.1 * EXAMPLES[profile] * len(SEEDS)


@pytest.mark.parametrize("name", FLOWS)
def test_every_kind_is_drawn(name: str) -> None:
    runs = [drawn_as_a_run(name, "quick", 24, seed) for seed in SEEDS]
    drawn = [instance.problem for run in runs for instance in run.instances]
    counts = dict.fromkeys(Kind, 0)
    for problem in drawn:
        for kind in kinds_of(problem):
            counts[kind] += 1
    for kind in KINDS_OF_FLOWS[name]:
        # one sample is rare on purpose: by chance none of 120 has it in one strategy of fifteen
        assert counts[kind] >= 1 or kind is Kind.ONE_SAMPLE, counts


def test_one_sample_is_drawn_now_and_then() -> None:
    runs = [drawn_as_a_run(name, "quick", 24, seed) for name in FLOWS for seed in SEEDS]
    problems_drawn = [instance.problem for run in runs for instance in run.instances]
    alone = sum(problem.samples == 1 for problem in problems_drawn)
    assert 0 < alone < 0.05 * len(problems_drawn)


@pytest.mark.parametrize("name", ["kernel phase", "late phase", "min norm", "kernel regression"])
def test_sizes_are_spread_up_to_the_largest(name: str) -> None:
    drawn = drawn_as_a_run(name, "standard", 96, 0).instances
    sizes = [measures_of(instance) for instance in drawn]
    for measure, least, largest in (
        (SAMPLES, 4, STANDARD.max_samples),
        ("input dimension", 5, STANDARD.max_input_dim),
        ("parameters", 20, STANDARD.max_parameters),
    ):
        values = [size[measure] for size in sizes]
        assert np.median(values) >= least
        assert 0.8 * largest <= max(values) <= largest


@pytest.mark.parametrize("name", ["knobs", "lazy", "statics", "population"])
def test_machines_are_no_trivial_corner(name: str) -> None:
    drawn = drawn_as_a_run(name, "standard", 96, 0).instances
    sizes = [measures_of(instance) for instance in drawn]
    assert np.median([size["input dimension"] for size in sizes]) >= 4
    assert np.median([size["width"] for size in sizes]) >= 3
    assert len({size[SAMPLES] for size in sizes}) > 3


@pytest.mark.parametrize("name", FLOWS)
def test_every_instance_meets_the_assumptions(name: str) -> None:
    if name == "undecayed":
        pytest.skip("starts where the output is not zero")
    for instance in drawn_as_a_run(name, "quick", 24, 0).instances:
        check_assumptions(instance.problem)


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data())
@settings(max_examples=10)
def test_every_instance_survives_its_file(name: str, data: st.DataObject) -> None:
    source = SOURCES[name]
    family = data.draw(st.sampled_from(source.families))
    survives(data.draw(source.of((family,), DEEP)))


def survives(instance: object) -> None:
    """Through strict JSON, and as the plain data that evidence holds."""
    written = instance.to_json()
    text = json.dumps(written, allow_nan=False)
    assert json.loads(text) == written
    for again in (instance_from_json(json.loads(text)), instance_from_json(written)):
        assert type(again) is type(instance)
        assert again.to_json() == written


@pytest.mark.parametrize("name", SOURCES)
def test_drawing_takes_no_time(name: str) -> None:
    """0.03 s an instance of one core to itself; this is for what takes ten times that."""
    start = process_time()
    drawn = drawn_as_a_run.__wrapped__(name, "standard", 24, 7)
    assert (process_time() - start) / (24 + drawn.discarded) < 0.3


@pytest.mark.parametrize(
    ("family", "net", "inputs"),
    [
        ("diagonal", Diagonal(1), [[1.0], [1.0]]),
        ("two_layer", TwoLayer(1, 1, "square"), [[1.0], [1.0]]),
        ("deep", Deep((1, 1, 1, 1)), [[1.0], [1.0]]),
        ("factorization", Factorization(2, 1), [[0.0, 0.0], [0.0, 1.0]]),
    ],
)
def test_large_instances_shrink_to_small_ones(
    family: str, net: object, inputs: list[list[float]]
) -> None:
    found = find(
        problems((family,), sizes=STANDARD),
        lambda problem: problem.samples >= 2,
        settings=settings(max_examples=300, derandomize=True),
    )
    assert (found.net, found.inputs.tolist(), found.labels.tolist()) == (net, inputs, [1.0, 1.0])


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_shrinks_to_few_samples(kind: Kind) -> None:
    """From one of three starts: from some, rows of numbers do not lose a column."""
    found = [
        find(
            problems(("diagonal",), sizes=STANDARD),
            lambda problem: kind in kinds_of(problem),
            settings=settings(max_examples=2000, database=None),
            random=Random(seed),
        )
        for seed in range(3)
    ]
    assert min(problem.samples for problem in found) <= 3
    assert min(problem.inputs.shape[1] for problem in found) <= 2


def test_kinds_can_be_left_out() -> None:
    plain = STANDARD.without(*(kind for kind in Kind if kind is not Kind.PLAIN))
    assert plain.among(*Kind) == (Kind.PLAIN,) * len(plain.among())
    assert Kind.ONE_SAMPLE in STANDARD.among(*Kind)
    with pytest.raises(InvalidInput, match=f"it must hold {Kind.PLAIN}"):
        STANDARD.without(Kind.PLAIN)


def test_sizes_of_profiles_grow() -> None:
    assert list(SIZES) == ["quick", "standard", "deep"]
    for small, large in ((QUICK, STANDARD), (STANDARD, DEEP)):
        for name in ("max_samples", "max_input_dim", "max_parameters", "max_width"):
            assert getattr(small, name) < getattr(large, name)
    assert sizes_named("deep") is DEEP
    with pytest.raises(InvalidInput, match="profile is 'huge'; sizes are known of quick"):
        sizes_named("huge")


SMALLEST = {"max_samples": 2, "max_input_dim": 2, "max_parameters": 16, "max_width": 2}


@pytest.mark.parametrize("family", FAMILIES)
def test_smallest_sizes_are_drawn(family: str) -> None:
    drawn: list[Problem] = []
    draw_instances(problems((family,), sizes=Sizes(**SMALLEST)), 0, 8, drawn.append)
    assert max(problem.parameters for problem in drawn) <= 16


@pytest.mark.parametrize(("name", "least"), SMALLEST.items())
def test_smaller_sizes_are_refused(name: str, least: int) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is {least - 1}; it must be at least {least}"):
        Sizes(**{**SMALLEST, name: least - 1})
