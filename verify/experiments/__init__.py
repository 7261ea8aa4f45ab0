"""Grokking of other networks whose laziness is one number, the scale of their output.

Source: Kumar et al. (ICLR 2024), the experiments beyond polynomial regression. Each module holds
one network and its task as a frozen record of sizes, and a generator that trains it from its seed.
Weights are drawn on the CPU, so that a seed means the same on every device.
"""

from verify.experiments.digits import DigitsMLP, digits, idx_images
from verify.experiments.modular_mlp import ModularMLP
from verify.experiments.optimization import Moment, log_spaced
from verify.experiments.student_teacher import StudentTeacher
from verify.experiments.transformer import ModularTransformer

__all__ = [
    "DigitsMLP",
    "ModularMLP",
    "ModularTransformer",
    "Moment",
    "StudentTeacher",
    "digits",
    "idx_images",
    "log_spaced",
]
