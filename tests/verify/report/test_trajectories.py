"""The flows that a report draws are the flows that are judged."""

from pathlib import Path

import numpy as np
import pytest

from theory.flow import gradient_flow
from verify.instances import read_instance
from verify.instances.flow import FlowInstance
from verify.report import trajectories
from verify.report.trajectories import classification_flow, course, data_plot, trajectory_plot

EXAMPLE = Path(__file__).parents[3] / "examples" / "instance.json"


@pytest.fixture
def instance() -> FlowInstance:
    found = read_instance(EXAMPLE)
    assert isinstance(found, FlowInstance)
    return found


def test_the_course_agrees_with_an_exact_integration(instance: FlowInstance) -> None:
    flow = gradient_flow(
        instance.problem,
        instance.regime,
        at=[1.3],
        rtol=trajectories.RTOL,
        dense=True,
        estimate_error=False,
    )
    drawn = course(flow)
    chosen = [20, 90, len(drawn.times) - 1]
    exact = gradient_flow(instance.problem, instance.regime, at=drawn.times[chosen].tolist())
    np.testing.assert_allclose(drawn.margins[chosen], exact.margins, rtol=1e-4)
    np.testing.assert_allclose(
        drawn.log_norms[chosen], exact.log_norm / instance.regime.log_alpha, atol=1e-4
    )
    cosines = exact.directions @ instance.problem.anchor / instance.problem.anchor_norm
    np.testing.assert_allclose(drawn.cosines[chosen], cosines, atol=1e-4)


def test_the_course_shows_the_transition(instance: FlowInstance) -> None:
    flow = gradient_flow(
        instance.problem, instance.regime, at=[1.3], dense=True, estimate_error=False
    )
    drawn = course(flow)
    early = (drawn.times > 0.1) & (drawn.times < 0.7)
    assert np.all(drawn.cosines[early] > 0.999)
    assert np.abs(drawn.log_norms[early] - (1.0 - drawn.times[early])).max() < 1e-3
    assert np.all(drawn.accuracy[early] == 1.0)
    assert drawn.cosines[-1] < 0.95
    assert drawn.times[0] == 0.0
    assert drawn.accuracy[0] == 0.0
    assert np.diff(drawn.times).min() > 0.0
    inside = np.abs(drawn.times - 1.0) < 5.0 / instance.regime.log_alpha
    assert inside.sum() > 40


def test_the_pictures_name_what_they_show(instance: FlowInstance) -> None:
    plot = trajectory_plot(instance, "k")
    assert plot is not None
    assert plot.title == "Trajectory at log₁₀ α = 12, log₁₀ λ = −24"
    for panel in trajectories.PANELS:
        assert panel in plot.svg
    assert plot == trajectory_plot(instance, "k")
    assert "2 of 3 input dimensions" in data_plot(instance, "k").svg


def test_only_cheap_flows_under_a_classification_loss_are_drawn(
    instance: FlowInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = instance.to_json()
    assert classification_flow(data) is not None
    assert classification_flow({**data, "loss": "squared"}) is None
    assert classification_flow({"model": "committee", "input_dim": 3}) is None
    assert classification_flow({**data, "anchor": "nonsense"}) is None
    assert classification_flow({**data, "net": {"kind": "module", "path": "gone.py:Net"}}) is None
    monkeypatch.setattr(trajectories, "MOST_PARAMETERS", 5)
    assert classification_flow(data) is None


def test_a_flow_that_does_not_finish_is_left_out(
    instance: FlowInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trajectories, "MAX_EVALUATIONS", 3)
    assert trajectory_plot(instance, "k") is None
