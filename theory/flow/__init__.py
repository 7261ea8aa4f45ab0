"""Exact gradient flow with weight decay, and without."""

from theory.flow.batch_trajectory import BatchTrajectory
from theory.flow.batched import gradient_flow_batch
from theory.flow.diagonal import DiagonalTrajectory, diagonal_flow
from theory.flow.gradient import gradient_flow
from theory.flow.reference import reference_flow
from theory.flow.state import FlowState
from theory.flow.trajectory import Trajectory
from theory.flow.undecayed import UndecayedTrajectory, undecayed_flow

__all__ = [
    "BatchTrajectory",
    "DiagonalTrajectory",
    "FlowState",
    "Trajectory",
    "UndecayedTrajectory",
    "diagonal_flow",
    "gradient_flow",
    "gradient_flow_batch",
    "reference_flow",
    "undecayed_flow",
]
