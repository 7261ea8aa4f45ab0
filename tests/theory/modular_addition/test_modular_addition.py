"""Closed forms against brute force over all margins, autodiff and other routes to the machine."""

import numpy as np
import pytest

from theory.anchors import difference_anchor
from theory.errors import InvalidInput
from theory.kernel import kernel_svm
from theory.kernel.ntk import cross_kernel
from theory.margin import kkt_residual
from theory.modular_addition import (
    FEWEST_PHASES,
    PairKernel,
    Phases,
    addition_machine,
    addition_problem,
    all_pairs,
    ascended_neuron,
    classes_ahead,
    closed_form_net,
    effective_neurons,
    exact_outputs,
    largest_margin,
    largest_neuron_margin,
    lead,
    neuron_margins,
    neuron_norms,
    neurons_of,
    normalised_margin,
    one_hot,
    quadratic_net,
    split_pairs,
    sums,
    symmetric_anchor,
    symmetric_kernel,
    ten_neuron_net,
    three_neuron_margin,
    three_neuron_net,
    uniform_multiplier_residual,
    wide_kernel,
)


def margins_of(net, theta):  # type: ignore[no-untyped-def]
    """All p^2 (p-1) margins, by the net itself."""
    problem = addition_problem(net, theta)
    return problem.row_net.outputs(theta, problem.inputs)


@pytest.mark.parametrize("modulus", [3, 5, 7])
def test_mean_margin_is_the_sum_over_neurons(modulus: int) -> None:
    net = quadratic_net(modulus, 4)
    theta = np.random.default_rng(modulus).normal(size=net.parameters)
    assert neuron_margins(net, theta).sum() == pytest.approx(margins_of(net, theta).mean())
    assert np.square(neuron_norms(net, theta)).sum() == pytest.approx(theta @ theta)


@pytest.mark.parametrize("modulus", [3, 5, 7, 9, 13])
def test_ascent_ends_at_the_largest_margin_of_a_neuron(modulus: int) -> None:
    generator = np.random.default_rng(0)
    for _ in range(10):
        neuron, found = ascended_neuron(generator.normal(size=(3, modulus)))
        assert found == pytest.approx(largest_neuron_margin(modulus), rel=1e-12)
        assert np.linalg.norm(neuron) == pytest.approx(1.0)
        net = quadratic_net(modulus, 1)
        assert neuron_margins(net, neuron.ravel()).sum() == pytest.approx(found)


def test_norms_of_neurons_bound_the_margin() -> None:
    net = quadratic_net(5, 6)
    for seed in range(20):
        theta = np.random.default_rng(seed).normal(size=net.parameters)
        norms = neuron_norms(net, theta)
        bound = largest_neuron_margin(5) * (norms**3).sum()
        assert margins_of(net, theta).min() <= margins_of(net, theta).mean() <= bound
        assert 1.0 <= effective_neurons(norms) <= 6.0
        size = np.linalg.norm(theta)
        assert bound / size**3 == pytest.approx(largest_margin(5, effective_neurons(norms)))


@pytest.mark.parametrize("modulus", [3, 5, 7, 11])
def test_fewest_phases_attain_the_bound_and_its_conditions(modulus: int) -> None:
    net, theta = closed_form_net(modulus)
    assert net.width == neurons_of(modulus, FEWEST_PHASES) == 3 * (modulus - 1)
    margins = margins_of(net, theta)
    assert margins == pytest.approx(margins[0])
    assert margins[0] / np.linalg.norm(theta) ** 3 == pytest.approx(
        largest_margin(modulus, net.width)
    )
    assert largest_margin(modulus, net.width) == pytest.approx(
        2**0.5 / (9 * modulus**0.5 * (modulus - 1) ** 1.5)
    )
    assert effective_neurons(neuron_norms(net, theta)) == pytest.approx(net.width)
    assert uniform_multiplier_residual(addition_problem(net, theta), theta) < 1e-13
    outputs = net.outputs(theta, one_hot(modulus, all_pairs(modulus)))
    true, other = exact_outputs(modulus, net.width)
    classes = np.arange(modulus) == sums(modulus, all_pairs(modulus))[:, None]
    assert outputs == pytest.approx(np.where(classes, true, other), abs=1e-11)


def test_stationarity_of_the_closed_form_by_least_squares() -> None:
    net, theta = closed_form_net(5)
    found = kkt_residual(addition_problem(net, theta), theta)
    assert found.stationarity < 1e-12
    assert found.complementarity == pytest.approx(0.0, abs=1e-12)


def test_three_neurons_add_mod_3_at_a_larger_margin_than_six() -> None:
    def normalised(drop: float) -> float:
        net, theta = three_neuron_net(drop)
        return float(margins_of(net, theta).min() / np.linalg.norm(theta) ** 3)

    net, theta = three_neuron_net()
    margins = margins_of(net, theta)
    assert margins == pytest.approx(margins[0])
    assert normalised(2.4) == pytest.approx(three_neuron_margin(), rel=1e-12)
    assert three_neuron_margin() > 1.37 * largest_margin(3, 6)
    assert max(normalised(drop) for drop in (2.3, 2.39, 2.41, 2.5)) < normalised(2.4)
    found = kkt_residual(addition_problem(net, theta), theta)
    assert found.stationarity < 1e-12
    assert found.complementarity == pytest.approx(0.0, abs=1e-12)


def test_ten_neurons_add_mod_5_at_a_larger_margin_than_twelve() -> None:
    """The margin neuron by neuron and pair by pair; nothing of the net's own code."""
    net, theta = ten_neuron_net()
    readout, hidden = theta[:50].reshape(5, 10), theta[50:].reshape(10, 10)
    smallest = np.inf
    for a in range(5):
        for b in range(5):
            squares = [(row[a] + row[5 + b]) ** 2 for row in hidden]
            outputs = [sum(readout[c] * squares) for c in range(5)]
            true = outputs.pop((a + b) % 5)
            smallest = min(smallest, true - max(outputs))
    share = smallest / np.sqrt(sum(theta**2)) ** 3 / largest_margin(5, 12)
    assert share == pytest.approx(1.0193, abs=5e-5)
    assert smallest == pytest.approx(margins_of(net, theta).min(), rel=1e-12)
    norms = neuron_norms(net, theta)
    assert share < largest_margin(5, effective_neurons(norms)) / largest_margin(5, 12)
    found = kkt_residual(addition_problem(net, theta), theta)
    assert found.stationarity < 1e-3
    assert found.complementarity < 1e-2


@pytest.mark.parametrize("count", range(1, 10))
def test_margins_are_equal_where_harmonics_cancel(count: int) -> None:
    for step in range(count):
        phases = Phases(count, step)
        spread = [np.ptp(margins_of(*closed_form_net(p, phases))) for p in (5, 11)]
        assert phases.cancel == bool(max(spread) < 1e-9)
    assert any(Phases(count, step).cancel for step in range(count)) == (count >= 6)


def test_wide_kernels_are_means_over_neurons() -> None:
    pairs = np.array([[0, 0], [0, 1], [1, 1]])
    net = quadratic_net(3, 200_000)
    for start, slopes in (("readout 0", 0.0), ("difference", 1.0)):
        hidden = np.random.default_rng(1).normal(size=(net.width, 6))
        pre = one_hot(3, pairs) @ hidden.T
        found = (pre[0] ** 2 * pre**2).mean(axis=1)
        # grad of w (u_a + v_b)^2 in the hidden layer, for readouts of variance 1
        agree = (pairs == pairs[0]).sum(axis=1)
        found += slopes * 4.0 * agree * (pre[0] * pre).mean(axis=1)
        kernel = wide_kernel(start)  # type: ignore[arg-type]
        expected = [kernel.both, kernel.one, kernel.none]
        assert found == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("modulus", [3, 5])
def test_symmetric_net_has_its_kernel_and_its_machine(modulus: int) -> None:
    net, anchor = symmetric_anchor(modulus)
    seen, unseen = split_pairs(modulus, 2 * modulus**2 // 3, seed=1)
    problem = addition_problem(net, anchor, seen)
    jacobian = net.jacobian(anchor, problem.inputs)[:, 0]
    kernel = symmetric_kernel(modulus)
    agree = (seen[:, None] == seen[None]).sum(axis=-1)
    expected = np.array([kernel.none, kernel.one, kernel.both])[agree]
    assert jacobian @ jacobian.T == pytest.approx(expected, rel=1e-12)

    machine = addition_machine(kernel, modulus, seen)
    svm = kernel_svm(problem)
    assert machine.svm.margin == pytest.approx(svm.margin, rel=1e-9)
    weights = machine.class_weights
    by_dual = cross_kernel_scores(problem, unseen, weights)
    assert machine.scores(unseen) == pytest.approx(by_dual, abs=1e-7)
    gradients = net.jacobian(anchor, one_hot(modulus, unseen))
    assert machine.scores(unseen) == pytest.approx(gradients @ svm.weights, abs=1e-7)


def cross_kernel_scores(problem, unseen, weights):  # type: ignore[no-untyped-def]
    single = problem.net.head
    inputs = one_hot(problem.net.output_dim, unseen)
    anchor = problem.anchor[problem.net.heads[0]]
    labels = np.ones(problem.samples)
    kernel = cross_kernel(type(problem)(single, anchor, problem.inputs, labels), inputs)
    return kernel @ weights


def test_scores_are_those_of_rows_and_columns() -> None:
    kernel = PairKernel(4.0, 10.0, 28.0)
    seen, unseen = split_pairs(5, 15, seed=3)
    machine = addition_machine(kernel, 5, seen)
    totals = machine.class_weights.sum(axis=0)
    assert machine.scores(unseen) == pytest.approx(4.0 * totals + 6.0 * machine.pulls(unseen))
    assert lead(machine.scores(seen), sums(5, seen)).min() == pytest.approx(1.0)


@pytest.mark.parametrize("modulus", [3, 5, 7])
def test_without_a_constant_the_true_class_is_never_first(modulus: int) -> None:
    for seed in range(4):
        seen, unseen = split_pairs(modulus, 6 * modulus**2 // 10, seed)
        scores = addition_machine(PairKernel(0.0, 1.0, 3.0), modulus, seen).scores(unseen)
        assert lead(scores, sums(modulus, unseen)).max() < 0.0


def test_a_kernel_machine_of_a_finite_net_at_the_difference_trick() -> None:
    net = quadratic_net(5, 40)
    half = np.random.default_rng(0).normal(size=net.parameters // 2)
    seen, unseen = split_pairs(5, 20, seed=0)
    problem = addition_problem(net, difference_anchor(net, half), seen)
    scores = net.jacobian(problem.anchor, one_hot(5, unseen)) @ kernel_svm(problem).weights
    assert classes_ahead(scores, sums(5, unseen)).mean() > 2.0


def test_lead_and_classes_ahead() -> None:
    scores, classes = np.array([[1.0, 3.0, 2.0], [4.0, 4.0, 0.0]]), np.array([2, 0])
    assert lead(scores, classes).tolist() == [-1.0, 0.0]
    assert classes_ahead(scores, classes).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("size", [1e-170, 1e-110, 1e110, 1e170])
def test_margins_of_a_net_do_not_depend_on_its_units(size: float) -> None:
    net, theta = closed_form_net(5)
    best = largest_margin(5, neurons_of(5, FEWEST_PHASES))
    assert normalised_margin(net, size * theta) == pytest.approx(best)
    # a neuron is three rows of cosines, |cos|^2 summing to p / 2 each
    assert neuron_norms(net, size * theta) == pytest.approx(np.full(12, np.sqrt(7.5) * size))
    assert uniform_multiplier_residual(addition_problem(net, theta), size * theta) < 1e-14
    start = np.random.default_rng(0).normal(size=(3, 5)) * np.array([[size], [1.0], [1.0 / size]])
    assert ascended_neuron(start)[1] == pytest.approx(largest_neuron_margin(5))


@pytest.mark.parametrize("pairs", [[[-1, 2]], [[0, 5]], [[0, 1, 2]], [0, 1]])
def test_pairs_that_are_none_are_refused(pairs: list[list[int]]) -> None:
    with pytest.raises(InvalidInput, match="pairs must be"):
        one_hot(5, np.array(pairs))
    with pytest.raises(InvalidInput, match="pairs must be"):
        addition_machine(wide_kernel("difference"), 5, np.array(pairs))


def test_scores_and_classes_are_checked() -> None:
    for scores in (np.array([[np.nan, 1.0]]), np.ones((1, 1)), np.ones(2)):
        for of in (lead, classes_ahead):
            with pytest.raises(InvalidInput, match="scores have shape"):
                of(scores, np.array([0]))
    for classes in ([2], [-1], [0, 1]):
        with pytest.raises(InvalidInput, match="classes must be 1"):
            lead(np.ones((1, 2)), np.array(classes))
    with pytest.raises(InvalidInput, match="classes must be 1"):
        addition_machine(wide_kernel("difference"), 5, np.array([[0, 1]]), classes=np.array([5]))


def test_numbers_that_mean_nothing_are_named() -> None:
    net, theta = closed_form_net(5)
    for train in (-1, 10):
        with pytest.raises(InvalidInput, match="train is"):
            split_pairs(3, train, 0)
    with pytest.raises(InvalidInput, match="pairs are none"):
        addition_machine(wide_kernel("difference"), 5, np.zeros((0, 2), dtype=np.int64))
    with pytest.raises(InvalidInput, match="start is 'bogus'"):
        wide_kernel("bogus")  # type: ignore[arg-type]
    for both in (np.nan, np.inf):
        with pytest.raises(InvalidInput, match="kernel is"):
            PairKernel(0.0, 0.0, both)
    for norms in ([1.0, np.nan], [1.0, -1.0], [1.0, np.inf]):
        with pytest.raises(InvalidInput, match="each must be finite"):
            effective_neurons(np.array(norms))
    for start in (np.full((3, 5), np.nan), np.ones((2, 5)), np.ones((3, 0))):
        with pytest.raises(InvalidInput, match="start has shape"):
            ascended_neuron(start)
    with pytest.raises(InvalidInput, match="frequency in common"):
        ascended_neuron(np.zeros((3, 5)))
    for none in (0.0 * theta, np.nan * theta, theta[1:]):
        with pytest.raises(InvalidInput, match="theta must be 180"):
            uniform_multiplier_residual(addition_problem(net, theta), none)
    with pytest.raises(InvalidInput, match="drop is nan"):
        three_neuron_net(np.nan)
    with pytest.raises(InvalidInput, match="neurons are nan"):
        largest_margin(5, np.nan)


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="modulus is 4"):
        quadratic_net(4, 2)
    with pytest.raises(InvalidInput, match="neurons are 0"):
        largest_margin(5, 0.0)
    with pytest.raises(InvalidInput, match="norms are all zero"):
        effective_neurons(np.zeros(3))
    with pytest.raises(InvalidInput, match="count is 0"):
        Phases(0, 1)
    with pytest.raises(InvalidInput, match=r"kernel is 1\.0, 3\.0, 5\.0"):
        PairKernel(1.0, 3.0, 5.0)
    for wrong in ((1.0, 2.0, float("nan")), (float("nan"), 2.0, 8.0), (0.0, 1.0, float("inf"))):
        with pytest.raises(InvalidInput, match="must be finite and positive"):
            PairKernel(*wrong)
    with pytest.raises(InvalidInput, match="start is 'random'; allowed are readout 0, difference"):
        wide_kernel("random")  # type: ignore[arg-type]


def test_constant_rows_have_no_frequency_in_common() -> None:
    for modulus in (3, 5, 7):  # transforms of constant rows leave rounding
        with pytest.raises(InvalidInput, match="without a frequency in common"):
            ascended_neuron(0.1 * np.ones((3, modulus)))


def test_numbers_that_are_not_whole_are_refused() -> None:
    for modulus in (-2, 2.5):
        with pytest.raises(InvalidInput, match="modulus is"):
            all_pairs(modulus)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"modulus is 3\.5; it must be a whole number"):
        largest_neuron_margin(3.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="train is"):
        split_pairs(3, 2.5, 0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="count is"):
        Phases(2.5, 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="step is"):
        Phases(6, 1.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="pairs must be whole numbers"):
        one_hot(3, np.array([[0.5, 1.0]]))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="classes must be whole numbers"):
        lead(np.array([[1.0, 2.0]]), np.array([0.5]))  # type: ignore[arg-type]


def test_margins_below_zero_have_no_multiplier() -> None:
    """-theta has all margins of theta, which has a residual of 0, with the sign turned."""
    net, theta = closed_form_net(3)
    problem = addition_problem(net, theta)
    assert uniform_multiplier_residual(problem, theta) < 1e-14
    with pytest.raises(InvalidInput, match="theta has margins of sum"):
        uniform_multiplier_residual(problem, -theta)
    flat, anchor = symmetric_anchor(3)
    with pytest.raises(InvalidInput, match="theta has margins of sum 0"):
        uniform_multiplier_residual(addition_problem(flat, anchor), anchor)


def test_pairs_and_classes_that_are_none_are_refused() -> None:
    net, theta = closed_form_net(3)
    with pytest.raises(InvalidInput, match="pairs must be"):
        addition_problem(net, theta, np.array([1, 2]))
    pairs = np.array([[0, 0], [0, 1]])
    with pytest.raises(InvalidInput, match="classes must be 2 of 0 to 2"):
        addition_machine(wide_kernel("readout 0"), 3, pairs, classes=np.array([0.5, 1.0]))
