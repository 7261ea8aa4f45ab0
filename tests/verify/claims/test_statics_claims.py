"""The static claims: kept on fresh instances, and each rival rejected where it differs."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, Setting
from verify.alone import judge_instance
from verify.catalogue import claim_named
from verify.claims.lazy_rich import descent_losses, lazy_kernel
from verify.examine import examine, examine_all
from verify.instances import CommitteeInstance
from verify.judge import judge
from verify.language import Ladder
from verify.language.law import Status
from verify.profiles import hypothesis_settings
from verify.search import draw_instances
from verify.strategies.committee_statics import (
    FIXED,
    READOUTS,
    TRAINED,
    aligned_instances,
    static_instances,
)
from verify.strategies.sizes import QUICK

HOLD = ("ntk-spectrum", "loss-decomposition", "kernel-alignment")
FALL = ("radial-eigenvalue-as-printed", "alignment-as-printed")
GENERIC = Setting(
    3, 4, 6, output_scale=2.0, curvature=0.5, signal=2.0, steps=3, trained_readout=True, seed=1
)
GENERIC_FIXED = replace(GENERIC, trained_readout=False)


def drawn(count: int, seed: int, families: tuple[str, ...] = READOUTS) -> list[CommitteeInstance]:
    instances: list[Any] = []
    draw_instances(static_instances(families), seed, count, instances.append)
    return instances


@pytest.mark.parametrize(("family", "trained"), [(FIXED, False), (TRAINED, True)])
def test_families_are_kinds_of_readouts(family: str, trained: bool) -> None:
    @hypothesis_settings(40, shrink=False)
    @given(static_instances((family,)))
    def check(instance: CommitteeInstance) -> None:
        setting = instance.setting
        assert setting.trained_readout is trained
        assert 2 <= setting.input_dim <= 4
        assert setting.steps <= 5
        assert CommitteeInstance.from_json(
            {key: value for key, value in instance.to_json().items() if key != "model"}
        ) == replace(instance, setting=setting)

    check()


def test_draws_cover_what_the_claims_distinguish() -> None:
    settings = [instance.setting for instance in drawn(60, seed=0)]
    assert {setting.centred for setting in settings} == {True, False}
    assert {setting.trained_readout for setting in settings} == {True, False}
    assert {setting.input_dim for setting in settings} == {2, 3, 4}
    for name in ("output_scale", "curvature", "signal"):
        assert len({getattr(setting, name) for setting in settings}) > 2


def test_alignments_are_drawn_up_to_twelve_dimensions_and_after_descent() -> None:
    instances: list[Any] = []
    draw_instances(aligned_instances(), 3, 60, instances.append)
    settings = [instance.setting for instance in instances]
    assert min(s.input_dim for s in settings) <= 3
    assert max(s.input_dim for s in settings) >= 11
    assert {s.steps for s in settings} == {1, 10, 40}


@pytest.mark.parametrize("name", HOLD)
def test_claim_is_kept_and_all_rivals_are_rejected(name: str) -> None:
    claim: Any = claim_named(name)
    instances: list[Any] = []
    for family in claim.families:
        draw_instances(claim.instances((family,), QUICK), 11, 8, instances.append)
    evidence = [examine(claim, instance) for instance in instances]
    assert all(entry.outcome == "measured" for entry in evidence)
    assert judge(evidence, "claim").verdict == "holds"
    for rival in claim.rivals:
        assert judge(evidence, rival.id).verdict == "falsified", rival.id


@pytest.mark.parametrize("name", FALL)
def test_misprints_fall_with_their_rivals_where_the_true_form_is_kept(name: str) -> None:
    claim: Any = claim_named(name)
    true: Any = claim_named({"alignment-as-printed": HOLD[2]}.get(name, HOLD[0]))
    assert claim.expected == "falsified"
    assert claim.measurement is true.measurement
    found = examine_all((claim, true), CommitteeInstance(GENERIC_FIXED))
    for statement in ("claim", *(rival.id for rival in claim.rivals)):
        assert judge_instance(found[name].laws[statement]) is Status.REFUTED, statement
    assert judge_instance(found[true.id].laws["claim"]) is Status.KEPT


@pytest.mark.parametrize("name", [*HOLD, *FALL])
def test_wrong_worlds_are_noticed_and_another_route_agrees(name: str) -> None:
    claim: Any = claim_named(name)
    instance = CommitteeInstance(GENERIC_FIXED)
    found = examine_all((claim,), instance, sabotage=True, independent=True)[name]
    if claim.expected == "holds":
        assert [s.noticed for s in found.sabotages] == [True] * len(claim.measurement.sabotaged)
    assert len(found.comparisons) > 0
    assert all(pair.agrees for pair in found.comparisons)


@pytest.mark.parametrize("trained", [False, True])
def test_ladder_of_widths_follows_its_prediction(trained: bool) -> None:
    claim: Any = claim_named("ntk-spectrum")
    measured = lazy_kernel.measure(CommitteeInstance(replace(GENERIC, trained_readout=trained)))
    ladders = [law.ladder for law in claim.laws(measured, claim.theory) if law.ladder is not None]
    (ladder,) = ladders
    assert isinstance(ladder, Ladder)
    np.testing.assert_allclose(ladder.measured.values, ladder.predicted, rtol=0.3)


def test_the_mirrored_machine_has_the_kernel_without_mean_weight() -> None:
    net, inputs = GENERIC_FIXED.committee(), GENERIC_FIXED.inputs()
    gram = inputs @ inputs.T
    moment = net.weights.T @ net.weights / 4
    expected = 2.0**2 / 4 * gram * (1.0 + 0.25 * inputs @ moment @ inputs.T)
    np.testing.assert_allclose(lazy_kernel.without_mean(net, inputs), expected, rtol=1e-12)


@pytest.mark.parametrize("trained", [False, True])
def test_two_kinds_of_steps_are_gradients(trained: bool) -> None:
    setting = replace(GENERIC, trained_readout=trained)
    net, inputs = setting.committee(), setting.inputs()
    for gradients in (
        lazy_kernel.complex_steps(net, inputs),
        lazy_kernel.central_differences(net, inputs),
    ):
        assert gradients.shape == (6, 12 + 4 * trained)
        np.testing.assert_allclose(gradients @ gradients.T, net.kernel(inputs), rtol=1e-11)


LEAVES = "what leaves x_1, ..., |x|^2, 1, |x|^2 - 1"
EIGENVALUES = "eigenvalues of x_1, of traceless forms, of |x|^2"


@pytest.mark.parametrize(
    ("rival", "violated"),
    [
        ("constants", {LEAVES}),
        ("centred-length", {LEAVES}),
        ("no-mean-weight", {"NTK from wbar and M"}),
        ("no-factor-two", {EIGENVALUES, "all eigenvalues", "trace"}),
        ("large-dimension-radial", {EIGENVALUES, "all eigenvalues", "trace"}),
        ("all-symmetric", {"all eigenvalues", "trace"}),
    ],
)
def test_rivals_of_the_spectrum_fail_where_they_differ(rival: str, violated: set[str]) -> None:
    claim: Any = claim_named("ntk-spectrum")
    measured = lazy_kernel.measure(CommitteeInstance(GENERIC_FIXED))
    theory = next(entry.theory for entry in claim.rivals if entry.id == rival)
    stated = claim.laws(measured, theory)
    assert {law.id for law in stated if law.status is Status.REFUTED} == violated


def test_nothing_is_missing_in_the_printed_eigenvalue_where_eps_is_one() -> None:
    claim: Any = claim_named("radial-eigenvalue-as-printed")
    for curvature, expected in ((1.0, Status.KEPT), (0.5, Status.REFUTED)):
        setting = replace(GENERIC_FIXED, curvature=curvature)
        measured = lazy_kernel.measure(CommitteeInstance(setting))
        assert judge_instance(claim.laws(measured, claim.theory)) is expected


@pytest.mark.parametrize("centred", [False, True])
def test_terms_by_statistics_and_by_overlaps_are_the_same(centred: bool) -> None:
    setting = replace(GENERIC_FIXED, centred=centred, steps=5)
    measured = descent_losses.measure(CommitteeInstance(setting))
    assert measured.exact.shape == (6,)
    for entry in fields(descent_losses.Terms):
        np.testing.assert_allclose(
            getattr(measured.overlaps, entry.name),
            getattr(measured.trained, entry.name),
            rtol=1e-9,
            atol=1e-12,
        )
    assert measured.exact[0] != pytest.approx(measured.exact[5], rel=1e-3)


def test_statistics_of_the_weights_are_right_without_centring_only() -> None:
    claim: Any = claim_named("loss-decomposition")
    rival = next(entry for entry in claim.rivals if entry.id == "statistics-of-the-weights")
    for centred, expected in ((False, Status.KEPT), (True, Status.REFUTED)):
        measured = descent_losses.measure(CommitteeInstance(replace(GENERIC, centred=centred)))
        assert judge_instance(claim.laws(measured, rival.theory)) is expected


def test_loss_at_the_minimum_is_zero_and_next_to_it_is_not() -> None:
    measured = descent_losses.measure(CommitteeInstance(GENERIC))
    assert measured.of_opposite_neurons(1.0) < 1e-25
    assert measured.of_opposite_neurons(2.0) > 0.1


def test_sampled_losses_agree_with_those_in_ten_times_the_dimension() -> None:
    """At its start the larger machine has the loss of 40 000 inputs, to their standard error."""
    setting = replace(GENERIC_FIXED, input_dim=30, samples=60, centred=False, steps=1)
    net = setting.committee()
    exact = descent_losses.measure(CommitteeInstance(replace(GENERIC_FIXED, centred=False)))
    assert exact.large_setting.input_dim == 30
    inputs = np.random.default_rng(0).standard_normal((40_000, 30)) / np.sqrt(30.0)
    losses = (net.outputs(inputs) - 0.5 * (inputs @ setting.direction()) ** 2) ** 2
    closed = (net.form() - setting.target()).mean_square().total
    assert abs(losses.mean() - closed) < 4.0 * losses.std() / 200.0


def test_divergence_says_nothing() -> None:
    wild = replace(GENERIC, step=3.0, steps=5)
    with pytest.raises(NumericalFailure, match="diverge"):
        descent_losses.measure(CommitteeInstance(wild))
    assert examine(claim_named("loss-decomposition"), CommitteeInstance(wild)).outcome == (
        "numerical failure"
    )


def test_machines_without_readouts_are_what_is_compared() -> None:
    """`readouts-left-out` is the truth where all readouts are 1."""
    measured = descent_losses.measure(CommitteeInstance(GENERIC_FIXED))
    for entry in fields(descent_losses.Terms):
        bare = getattr(measured.without_readouts, entry.name)
        np.testing.assert_array_equal(bare, getattr(measured.trained, entry.name))
    assert isinstance(GENERIC_FIXED.committee(), Committee)
