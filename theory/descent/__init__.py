"""Gradient descent as practitioners run it: full batch, weight decay, finite steps, any device."""

from theory.descent.gradient_descent import Descent, Run, gradient_descent
from theory.descent.steps import FixedStep, LossScaledStep, StepRule

__all__ = ["Descent", "FixedStep", "LossScaledStep", "Run", "StepRule", "gradient_descent"]
