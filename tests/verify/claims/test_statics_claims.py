"""The static claims: kept on fresh instances, and each rival rejected where it differs."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, QuadraticForm, Setting
from theory.lazy_rich.quadrature import gauss_hermite
from verify.claims import claim_named, loss_decomposition, ntk_spectrum
from verify.evidence import examine
from verify.instances import CommitteeInstance
from verify.judge import judge, judge_bound, judge_instance
from verify.profiles import hypothesis_settings
from verify.search import draw_instances
from verify.strategies.committee_statics import FIXED, READOUTS, TRAINED, static_instances

CLAIMS = ("ntk-spectrum", "loss-decomposition")
GENERIC = Setting(
    3, 4, 6, output_scale=2.0, curvature=0.5, signal=2.0, steps=3, trained_readout=True, seed=1
)


def drawn(count: int, seed: int, families: tuple[str, ...] = READOUTS) -> list[CommitteeInstance]:
    instances: list[CommitteeInstance] = []
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


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_is_kept_and_all_rivals_are_rejected(name: str) -> None:
    claim: Any = claim_named(name)
    evidence = [examine(claim, instance) for instance in drawn(8, seed=11)]
    assert all(entry.outcome == "measured" for entry in evidence)
    assert judge(evidence, "claim").verdict == "holds"
    for rival in claim.rivals:
        assert judge(evidence, rival.id).verdict == "falsified", rival.id


@pytest.mark.parametrize("trained", [False, True])
def test_ladder_of_widths_follows_its_prediction(trained: bool) -> None:
    claim: Any = claim_named("ntk-spectrum")
    setting = replace(GENERIC, trained_readout=trained)
    (ladder,) = claim.ladders(claim.measure(CommitteeInstance(setting)))
    assert len(ladder.x) == len(ladder.y) == len(ladder.predicted) == len(ntk_spectrum.WIDTHS)
    np.testing.assert_allclose(ladder.y, ladder.predicted, rtol=0.3)


def test_the_mirrored_machine_has_the_kernel_without_mean_weight() -> None:
    setting = replace(GENERIC, trained_readout=False)
    net, inputs = setting.committee(), setting.inputs()
    gram = inputs @ inputs.T
    moment = net.weights.T @ net.weights / 4
    expected = 2.0**2 / 4 * gram * (1.0 + 0.25 * inputs @ moment @ inputs.T)
    np.testing.assert_allclose(ntk_spectrum._without_mean(net, inputs), expected, rtol=1e-12)


@pytest.mark.parametrize("trained", [False, True])
def test_complex_steps_are_gradients(trained: bool) -> None:
    setting = replace(GENERIC, trained_readout=trained)
    net, inputs = setting.committee(), setting.inputs()
    gradients = ntk_spectrum._gradients(net, inputs)
    assert gradients.shape == (6, 12 + 4 * trained)
    np.testing.assert_allclose(gradients @ gradients.T, net.kernel(inputs), rtol=1e-11)


@pytest.mark.parametrize(
    ("rival", "violated"),
    [
        ("constants", {"constants"}),
        ("centred-length", {"|x|^2 - 1"}),
        ("no-mean-weight", {"NTK from wbar and M"}),
        ("no-factor-two", {"eigenvalue of traceless forms", "all eigenvalues", "trace"}),
        ("large-dimension-radial", {"eigenvalue of |x|^2", "all eigenvalues", "trace"}),
        ("all-symmetric", {"all eigenvalues", "trace"}),
    ],
)
def test_rivals_of_the_spectrum_fail_where_they_differ(rival: str, violated: set[str]) -> None:
    claim: Any = claim_named("ntk-spectrum")
    measured = claim.measure(CommitteeInstance(replace(GENERIC, trained_readout=False)))
    theory = next(entry.theory for entry in claim.rivals if entry.id == rival)
    bounds = claim.assertions(measured, theory).bounds
    assert {bound.name for bound in bounds if judge_bound(bound) == "refuted"} == violated


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_terms_by_statistics_and_by_overlaps_are_the_same(centred: bool, trained: bool) -> None:
    setting = replace(GENERIC, centred=centred, trained_readout=trained, steps=5)
    measured = loss_decomposition.measure(CommitteeInstance(setting))
    assert len(measured.states) == 6
    for state in measured.states:
        for entry in fields(loss_decomposition.Terms):
            by_statistics = getattr(state.terms, entry.name)
            by_overlaps = getattr(state.overlaps, entry.name)
            assert by_overlaps == pytest.approx(by_statistics, rel=1e-9, abs=1e-12)
    assert measured.states[0].exact != pytest.approx(measured.states[5].exact, rel=1e-3)


def test_statistics_of_the_weights_are_right_without_centring_only() -> None:
    claim: Any = claim_named("loss-decomposition")
    rival = next(entry for entry in claim.rivals if entry.id == "statistics-of-the-weights")
    for centred, expected in ((False, "kept"), (True, "refuted")):
        measured = claim.measure(CommitteeInstance(replace(GENERIC, centred=centred)))
        assert judge_instance(claim.assertions(measured, rival.theory)) == expected


def test_loss_at_the_minimum_is_zero_and_next_to_it_is_not() -> None:
    measured = loss_decomposition.measure(CommitteeInstance(GENERIC))
    assert measured.minima[0] < 1e-25
    assert measured.minima[1] > 0.1


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_fourth_moment_equals_quadrature(dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    root = rng.standard_normal((dimension, dimension))
    form = QuadraticForm(rng.standard_normal(dimension), root + root.T)
    over = gauss_hermite(dimension, 5, 1.0 / dimension)
    exact = over.mean(form(over.points) ** 4)
    assert loss_decomposition.fourth_moment(form) == pytest.approx(exact, rel=1e-11)


def test_sampled_losses_scatter_by_their_standard_error() -> None:
    """Over 40 seeds of one setting: 40 normal deviates, mean square 1 +- 0.22."""
    scores = []
    for seed in range(40):
        measured = loss_decomposition.measure(CommitteeInstance(replace(GENERIC, seed=seed)))
        exact = sum(getattr(measured.large, entry.name) for entry in fields(measured.large))
        scores.append((measured.sampled - exact) / measured.standard_error)
    assert 0.4 < np.mean(np.square(scores)) < 1.9
    assert abs(np.mean(scores)) < 4.0 / np.sqrt(40)


def test_divergence_says_nothing() -> None:
    wild = replace(GENERIC, step=3.0, steps=5)
    with pytest.raises(NumericalFailure, match="diverge"):
        loss_decomposition.measure(CommitteeInstance(wild))
    assert examine(claim_named("loss-decomposition"), CommitteeInstance(wild)).outcome == (
        "integrator did not finish"
    )


def test_machines_without_readouts_are_what_is_compared() -> None:
    """`readouts-left-out` is the truth where all readouts are 1."""
    setting = replace(GENERIC, trained_readout=False)
    state = loss_decomposition.measure(CommitteeInstance(setting)).states[-1]
    assert state.without_readouts == state.terms
    assert isinstance(setting.committee(), Committee)
