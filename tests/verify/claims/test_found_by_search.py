"""Instances on which a search refuted what is true, and what became of each.

Where a claim lacked an assumption, or a size of one, the instance is no longer one that is drawn;
where laws were read too early or spoke of what was not measured, they keep to what they know.
"""

from pathlib import Path

import pytest

from verify.alone import judge_instance
from verify.catalogue import claim_named
from verify.evidence import CLAIM
from verify.examine import examine
from verify.instances import FlowInstance, read_json
from verify.language.law import Status
from verify.strategies.catapult import NetStart
from verify.strategies.decay import DecayedNet
from verify.strategies.estimators import RidgeData
from verify.strategies.modular_addition import AdditionFlow
from verify.strategies.noise import DiagonalSteps
from verify.strategies.saddles import RankTask, SmallStart
from verify.strategies.start_scale import SparseTask
from verify.strategies.steepest import NormedData


def test_a_start_next_to_right_without_data_leaves_the_span_no_time() -> None:
    data = RidgeData((0.5, 1.0, 0.5), 1, 0.02, 1)
    assert not data.converged
    assert examine(claim_named("ridge-grokking-time"), data).outcome == "assumption not met"


def test_a_second_mode_next_to_normal_to_the_first_does_not_lead() -> None:
    assert not RankTask((1.0, 0.625, 0.25), 2, 0.0, 597).generic
    assert RankTask((1.0, 0.625, 0.25), 2, 0.0, 598).generic


def test_a_coordinate_that_nearly_jumps_with_another_is_not_off() -> None:
    assert SmallStart(3, 4, 75).path.room_at_jumps < 0.01
    assert not SmallStart(3, 4, 75).clear


def test_weights_on_the_support_that_move_are_what_comes_next() -> None:
    assert not SparseTask(2, 4, 2, 149).clear


@pytest.mark.parametrize(
    ("claim", "instance", "status"),
    [
        (
            "catapult-threshold",
            NetStart(2.0, 995, 100, 0.5, 532),  # 50000 steps do not bring it to 0
            Status.UNRESOLVED,
        ),
        (
            "adam-margin",
            NormedData(float("inf"), False, (3, 2, 2, 2, 2), (0.25,), (1, 2), 0),
            Status.KEPT,
        ),
        pytest.param(
            "saddle-to-saddle", SmallStart(3, 6, 743), Status.KEPT, marks=pytest.mark.slow
        ),
        pytest.param(
            "decay-walks-on-interpolators",
            DecayedNet(4, 2, 2, 0.5, 1.0, 999),
            Status.KEPT,
            marks=pytest.mark.slow,
        ),
        ("descent-shrinks-scale", DiagonalSteps(3, 1, 0.625, "full-batch", 1), Status.KEPT),
        # second and third order cancel at the steps that calibrate
        ("descent-shrinks-scale", DiagonalSteps(3, 1, 0.625, "full-batch", 180), Status.KEPT),
        # terms of the next order cancel at the largest alpha
        ("sparse-limit-rate", SparseTask(2, 2, 3, 127), Status.KEPT),
        # w_2^3 is nearly in the row space, and the leading term is small
        ("dense-limit-rate", SparseTask(3, 6, 1, 688), Status.KEPT),
        # by symmetry outputs are along the machine's at any Lam, to 10^-15
        ("modular-early-flow", AdditionFlow(3, 9, 7, 857, 6.0, "symmetric"), Status.KEPT),
        # these pairs allow 1.52 times the margin of all, and others 1.21 times
        ("modular-late-of-a-part", AdditionFlow(5, 12, 20, 873, 8.0, "readout 0"), Status.KEPT),
    ],
)
def test_what_is_judged_is_what_was_measured(claim: str, instance: object, status: Status) -> None:
    evidence = examine(claim_named(claim), instance)  # type: ignore[arg-type]
    assert judge_instance(evidence.laws[CLAIM]) is status


@pytest.mark.parametrize(
    ("name", "claim", "status"),
    [
        # at the first rung a deep net of degree 7 is not lazy yet
        ("norm-law", "norm-law", Status.KEPT),
        # at the first rung eta is 60 % off the lazy flow
        ("frozen-direction", "frozen-direction", Status.KEPT),
        # the turn of the gradients was predicted by a difference, 10^-6 off
        ("kernel-regression", "kernel-regression", Status.KEPT),
        # a preactivation vanishes, and the squared rectifier bends there
        ("kernel-regression-at-a-bend", "kernel-regression", Status.KEPT),
        # on the first rung a weight has decayed and grows again
        ("diagonal-l1-late", "diagonal-l1-late", Status.KEPT),
        # no power law at the first values of lambda
        ("min-norm-kkt", "min-norm-kkt", Status.UNRESOLVED),
        # 32 e-folds after t_g, on the second rung, a weight still grows again
        ("diagonal-l1-late-still-growing", "diagonal-l1-late", Status.KEPT),
        # the misfit of a slow mode is not n lambda m: of the energy, and after t_g
        ("min-norm-kkt-with-a-slow-mode", "min-norm-kkt", Status.UNRESOLVED),
        # a sample ceases to pull between 10^50 and 10^500, and the margin of f_L alone moves
        ("biases-vanish-late", "biases-vanish-late", Status.KEPT),
        # at a smaller lambda the flow is at another point, and its misfit falls otherwise
        ("min-norm-kkt-elsewhere", "min-norm-kkt", Status.UNRESOLVED),
        # what the slow manifold leaves out, to second order, was in no error
        ("min-norm-kkt-on-the-slow-manifold", "min-norm-kkt", Status.KEPT),
        # biases do nearly all there is to do, up to 10^2000, where f_L nearly fails to separate
        ("biases-vanish-late-of-little-margin", "biases-vanish-late", Status.UNRESOLVED),
        # at the first rung |eta| is half of the lazy flow's, and beside it margins are bent
        ("norm-law-of-classes", "norm-law-of-classes", Status.KEPT),
        # the direction rests for ten decay times between a tenth and half of its way
        ("sharp-transition-of-classes", "sharp-transition-of-classes", Status.KEPT),
        # gradients by the first hidden biases cancel, and what rounding left of them was a feature
        ("lagged-biases", "lagged-biases", Status.KEPT),
        # biases of the next lag do 0.8 of what those of the least do, on the first rung
        ("lagged-biases-of-two-lags", "lagged-biases", Status.KEPT),
        # between two rungs the dual moves, and what biases do to weights with it, threefold
        ("lagged-biases-of-a-moving-dual", "lagged-biases", Status.KEPT),
        # a weight that had decayed grows again, and at the end of the window it is pulled hard
        ("deep-diagonal-l1-late-1", "diagonal-l1-late", Status.KEPT),
        ("deep-diagonal-l1-late-2", "diagonal-l1-late", Status.KEPT),
        ("deep-diagonal-l1-late-3", "diagonal-l1-late", Status.KEPT),
        ("deep-diagonal-l1-late-4", "diagonal-l1-late", Status.KEPT),
        # squared rectifiers of preactivations of 0: the gap is of first order past the bend
        ("deep-kernel-svm-1", "kernel-svm", Status.KEPT),
        # a displacement of 10^-6: gaps of 10^-12 were what the lazy flow's own integration left
        ("kernel-svm-of-classes", "kernel-svm-of-classes", Status.UNRESOLVED),
        # at 10^-7.6 the part of eta along the anchor is what integration left
        ("norm-law-of-a-tiny-displacement", "norm-law", Status.KEPT),
        # a slow mode: on the rungs that calibrate, distances fall like delta^0.7
        ("kernel-svm-with-a-slow-mode", "kernel-svm", Status.UNRESOLVED),
        # beside a kink, where the net without biases is 57 % off its lazy flow
        ("lagged-biases-beside-a-kink", "lagged-biases", Status.KEPT),
        # what biases do to the weights is as much as what is nonlinear takes away
        ("lagged-biases-that-cancel", "lagged-biases", Status.UNRESOLVED),
        # at 10^10000 both tolerances are off the machine by 3.4 of what they are raised to
        ("kernel-svm-of-classes-far-out", "kernel-svm-of-classes", Status.KEPT),
        # half the inverse sharpness at the start is 4 times the inverse at t_g
        pytest.param(
            "deep-descent-follows-flow-1",
            "descent-follows-flow",
            Status.UNRESOLVED,
            marks=pytest.mark.slow,
        ),
        # a saddle is passed, and there the leading term is no longer small
        ("deep-descent-follows-flow-2", "descent-follows-flow", Status.UNRESOLVED),
        # the step overshoots on the way out of a saddle
        ("deep-descent-follows-flow-3", "descent-follows-flow", Status.KEPT),
    ],
)
def test_what_a_run_refuted(name: str, claim: str, status: Status) -> None:
    found = read_json(Path(__file__).parent / "found" / f"{name}.json")
    evidence = examine(claim_named(claim), FlowInstance.from_json(found))
    assert judge_instance(evidence.laws[CLAIM]) is status
    assert not any(
        check.status is Status.REFUTED for law in evidence.laws[CLAIM] for check in law.checks
    )
