"""A batch of flows in torch, side by side: any nets, on any device torch has."""

from collections.abc import Sequence

import numpy as np

from theory.backend import Array, Floats
from theory.flow.batch_trajectory import BatchTrajectory, displacement_told, log_theta_units
from theory.flow.lanes import Lanes, march
from theory.problem import Problem, Regime


def flows_in_lanes(
    problems: Sequence[Problem],
    regimes: Sequence[Regime],
    at: Floats,
    rtol: float,
    device: str,
    max_steps: int,
) -> BatchTrajectory:
    """`gradient_flow_batch` of B problems and B regimes that can share a batch, already checked.

    Steps are those of `theory.flow.extrapolation`. It shares nets, losses and charts with
    `gradient_flow`, but not the integrator.
    """
    lanes = Lanes.at_start(problems, regimes, at, rtol, device)
    arrived, steps = march(lanes, max_steps)
    clocks, coordinates = lanes.stops.mT, arrived.movedim(1, 0)
    chart = lanes.chart.turned_rich(clocks > lanes.turn)
    point = chart.point(clocks, coordinates)
    norm = point.norm(dim=-1)

    def array(tensor: Array) -> Floats:
        return np.asarray(tensor.movedim(0, 1).cpu().numpy())

    return BatchTrajectory(
        at=at,
        margins=array(chart.labels * chart.outputs(clocks, coordinates)),
        log_norm=array(chart.log_scale(clocks) + norm.log()) - log_theta_units(problems),
        directions=array(point / norm[..., None]),
        displacement=displacement_told(problems, array(chart.displacement(clocks, coordinates))),
        steps=steps.cpu().numpy(),
        finished=arrived.isfinite().all(-1).all(-1).cpu().numpy(),
    )
