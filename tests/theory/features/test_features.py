"""Closed forms against descent, gradients against differences, thresholds from both sides."""

import numpy as np
import pytest

from theory.errors import InvalidInput, NumericalFailure
from theory.features import FeatureTask, cross_entropy_optimum, minimise, squared_optimum


def close(task: FeatureTask, optimum: object) -> None:
    found = minimise(task, np.random.default_rng(2))
    for name in ("outputs", "loss", "weights", "features"):
        assert getattr(found, name) == pytest.approx(getattr(optimum, name), abs=1e-5)
    assert found.within < 1e-5


@pytest.mark.parametrize("bias", [False, True])
def test_cross_entropy(bias: bool) -> None:
    close(
        FeatureTask(3, 2, 4, 0.05, 0.02, bias=bias),
        cross_entropy_optimum(3, 2, 0.05, 0.02),
    )


@pytest.mark.parametrize("bias", [False, True])
def test_squared(bias: bool) -> None:
    task = FeatureTask(4, 2, 4, 0.02, 0.04, "squared", bias)
    close(task, squared_optimum(4, 2, 0.02, 0.04, bias=bias))


def test_total_collapse_from_the_threshold_on() -> None:
    at = 1 / 9  # K c = 1 for K = 3, n = 1, lW = lH = 1/3
    assert cross_entropy_optimum(3, 1, 1.01 * at, 1 / 1.0).outputs.max() == 0.0
    assert cross_entropy_optimum(3, 1, 0.99 * at, 1.0).outputs.max() > 0.0
    assert squared_optimum(3, 1, 1.01 * at, 1.0, bias=True).loss == pytest.approx(1 / 3)


@pytest.mark.parametrize("loss", ["cross entropy", "squared"])
def test_gradients_are_differences(loss: str) -> None:
    task = FeatureTask(2, 2, 2, 0.1, 0.2, "squared" if loss == "squared" else "cross entropy", True)
    point = np.random.default_rng(0).normal(size=2 * 2 + 2 * 4 + 2)
    gradient = task.value_and_gradient(point)[1]
    for index in range(len(point)):
        shift = 1e-6 * np.eye(len(point))[index]
        up, down = (task.value_and_gradient(point + s)[0] for s in (shift, -shift))
        assert gradient[index] == pytest.approx((up - down) / 2e-6, abs=1e-8)


def test_descent_that_stops_early_is_told() -> None:
    with pytest.raises(NumericalFailure, match="descent ended with a gradient"):
        minimise(FeatureTask(3, 2, 4, 0.05, 0.02), np.random.default_rng(0), tolerance=1e-2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loss", "mse"),
        ("classes", 1),
        ("samples", 0),
        ("dimension", 0),
        ("weight_decay", float("nan")),
        ("feature_decay", -0.1),
    ],
)
def test_tasks_that_do_not_exist(field: str, value: object) -> None:
    fields = {
        "classes": 3,
        "samples": 2,
        "dimension": 4,
        "weight_decay": 0.05,
        "feature_decay": 0.02,
        field: value,
    }
    with pytest.raises(InvalidInput, match=f"{field} is {value!r}"):
        FeatureTask(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0.0, -0.1, float("nan"), float("inf")])
def test_minima_that_are_not_attained(wrong: float) -> None:
    for decays, name in (((wrong, 0.1), "weight_decay"), ((0.1, wrong), "feature_decay")):
        with pytest.raises(InvalidInput, match=f"{name} is {wrong!r}; it must be positive"):
            cross_entropy_optimum(3, 1, *decays)
        with pytest.raises(InvalidInput, match=f"{name} is {wrong!r}; it must be positive"):
            squared_optimum(3, 1, *decays, bias=True)
    with pytest.raises(InvalidInput, match="classes is 1"):
        cross_entropy_optimum(1, 1, 0.1, 0.1)
    with pytest.raises(InvalidInput, match="samples is 0"):
        squared_optimum(2, 0, 0.1, 0.1, bias=False)


def test_decays_whose_product_underflows() -> None:
    """c = 1e-200, so that s = 200 log 10 to 200 digits."""
    optimum = cross_entropy_optimum(3, 1, 1e-200, 1e-200)
    assert optimum.outputs[0, 0] == pytest.approx(200.0 * np.log(10.0) * 2.0 / 3.0, rel=1e-14)


def test_counts_that_are_not_whole_are_refused() -> None:
    for classes, samples in ((2.5, 1), (2, 1.5)):
        with pytest.raises(InvalidInput, match="it must be a whole number"):
            cross_entropy_optimum(classes, samples, 0.1, 0.1)  # type: ignore[arg-type]
