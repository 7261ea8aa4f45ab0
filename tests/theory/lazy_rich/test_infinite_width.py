"""Two numbers for infinitely many neurons, against finite machines with the same moments."""

from math import log

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.lazy_rich.infinite_width import InfiniteWidth
from theory.lazy_rich.online import Online


def frame(problem: InfiniteWidth) -> Online:
    """2D neurons +-sqrt(D) e_k: mean zero and second moment the identity, exactly."""
    dimension = int(problem.input_dim)
    rows = np.sqrt(dimension) * np.vstack([np.eye(dimension), -np.eye(dimension)])
    beta = np.arange(1.0, dimension + 1.0)
    beta *= np.sqrt(problem.signal * dimension) / np.linalg.norm(beta)
    return Online(
        rows @ rows.T / dimension,
        rows @ beta / dimension,
        problem.output_scale,
        problem.curvature,
        problem.signal,
        problem.centred,
    )


@pytest.mark.parametrize("centred", [False, True])
def test_a_finite_machine_with_the_same_moments_learns_alike(centred: bool) -> None:
    problem = InfiniteWidth(3, 0.8, 0.6, 1.5, centred)
    online, times = frame(problem), [0.5, 2.0, 6.0]
    course, moments = online.flow(times), problem.flow(times)
    for state, (along, across) in zip(course.states, moments, strict=True):
        # beta^T M beta / |beta|^2 = D sum A^2 / (N B D) and tr M = D tr C / N
        aligned = float(state.alignment @ state.alignment) * 3.0 / (6.0 * problem.signal)
        assert aligned == pytest.approx(along, rel=1e-7)
        assert np.trace(state.gram) / 2.0 == pytest.approx(along + 2.0 * across, rel=1e-7)
        expected = online.loss(state)
        found = problem.loss(along, across)
        assert found.scale == pytest.approx(expected.scale, rel=1e-6, abs=1e-10)
        assert found.alignment == pytest.approx(expected.alignment, rel=1e-6, abs=1e-10)
        assert expected.linear == pytest.approx(0.0, abs=1e-10)


def test_velocity_descends_the_loss() -> None:
    """dm/dt = -(2 D / alpha^2) m dL/dm for each of the D eigenvalues, D - 1 of them alike."""
    problem = InfiniteWidth(5, 0.8, 0.6, 1.5)
    along, across, tiny = 1.3, 0.7, 1e-6

    def loss(a: float, b: float) -> float:
        return float(problem.loss(a, b).total)

    by_along = (loss(along + tiny, across) - loss(along - tiny, across)) / (2 * tiny)
    by_across = (loss(along, across + tiny) - loss(along, across - tiny)) / (2 * tiny)
    unit = -2.0 * problem.input_dim / problem.output_scale**2
    expected = (unit * along * by_along, unit * across * by_across / 4.0)
    assert problem.velocity(along, across) == pytest.approx(expected, rel=1e-6)


def test_reference_times() -> None:
    """Half of the loss at D = 30 by the matrix flow, and epochs for D = 100, eps = 1/50."""
    assert InfiniteWidth(30, 1.0, 0.3).loss_time(0.5, 20.0) == pytest.approx(3.8043, abs=2e-4)
    figure = InfiniteWidth(100, 1.0, 0.02)
    assert figure.loss_time(0.5, 400.0) / 0.02 == pytest.approx(6281, abs=1)
    assert figure.loss_time(0.1, 400.0) / 0.02 == pytest.approx(7872, abs=1)


@pytest.mark.parametrize(
    ("output_scale", "curvature", "dimensions", "slope"),
    [(1e-4, 1e-3, (1e3, 1e5), 1.0 / 3.0), (0.1, 1.0, (1e6, 1e8), 0.5)],
)
def test_escape_grows_with_log_dimension(
    output_scale: float, curvature: float, dimensions: tuple[float, float], slope: float
) -> None:
    clocks = [
        InfiniteWidth(d, output_scale, curvature).loss_time(0.5, 30 * output_scale / curvature)
        * (curvature / output_scale)
        for d in dimensions
    ]
    found = (clocks[1] - clocks[0]) / log(dimensions[1] / dimensions[0])
    assert found == pytest.approx(slope, abs=1e-3)


def test_aligned_escape_time() -> None:
    problem = InfiniteWidth(1e4, 1e-4, 1e-3, 2.0)
    predicted = problem.aligned_escape_time
    assert problem.loss_time(0.5, 3.0 * predicted) == pytest.approx(predicted, rel=1e-4)


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="signal"):
        InfiniteWidth(10, signal=0.0)
    with pytest.raises(InvalidInput, match="input_dim"):
        InfiniteWidth(0.5)
    with pytest.raises(InvalidInput, match="times"):
        InfiniteWidth(10).flow([])
    with pytest.raises(InvalidInput, match="latest"):
        InfiniteWidth(10).loss_time(0.5, 1e-3)
    for share in (0.0, 2.0, float("nan")):
        with pytest.raises(InvalidInput, match=f"share is {share}"):
            InfiniteWidth(10).loss_time(share, 5.0)
    for latest in (0.0, -1.0, float("inf")):
        with pytest.raises(InvalidInput, match=f"latest is {latest}"):
            InfiniteWidth(10).loss_time(0.5, latest)
    with pytest.raises(InvalidInput, match="curvature is inf"):
        InfiniteWidth(10, curvature=float("inf"))
    with pytest.raises(InvalidInput, match="input_dim is inf"):
        InfiniteWidth(float("inf"))


def test_all_of_the_loss_is_left_at_time_zero() -> None:
    assert InfiniteWidth(10).loss_time(1.0, 5.0) == 0.0
    assert InfiniteWidth(7.3, 0.3, 0.7, 1.9).loss_time(1.0, 5.0) == 0.0
