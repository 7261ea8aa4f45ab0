"""The words in which a theorem is said once: everything else comes from them.

Import from here, and nothing from the modules below, to write a claim of your own.
"""

from verify.language.assumption import Assumption, in_words, one_changed
from verify.language.claim import Claim, Expected, Finding
from verify.language.constants import Rival, choice, factor, power, stated
from verify.language.fits import Slope, linear_slope, log_slope
from verify.language.ladder import Ladder, Role
from verify.language.law import (
    Basis,
    Kind,
    Law,
    below,
    equals,
    not_applicable,
    ordered,
    rate,
    unresolved,
)
from verify.language.measurement import Measurement, observed_elsewhere
from verify.language.parts import separately
from verify.language.quantity import Quantity

__all__ = [
    "Assumption",
    "Basis",
    "Claim",
    "Expected",
    "Finding",
    "Kind",
    "Ladder",
    "Law",
    "Measurement",
    "Quantity",
    "Rival",
    "Role",
    "Slope",
    "below",
    "choice",
    "equals",
    "factor",
    "in_words",
    "linear_slope",
    "log_slope",
    "not_applicable",
    "observed_elsewhere",
    "one_changed",
    "ordered",
    "power",
    "rate",
    "separately",
    "stated",
    "unresolved",
]
