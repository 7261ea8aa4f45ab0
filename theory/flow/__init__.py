"""Exact gradient flow with weight decay."""

from theory.flow.gradient import gradient_flow
from theory.flow.reference import plain_flow
from theory.flow.state import FlowState
from theory.flow.trajectory import Trajectory

__all__ = ["FlowState", "Trajectory", "gradient_flow", "plain_flow"]
