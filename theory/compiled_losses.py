"""`theory.losses`, one sample at a time, for compiled code."""

from math import exp, log1p

from theory.compiled import inlined
from theory.losses import EXPONENT_CEILING, Exponential, Logistic, Loss, Squared

EXPONENTIAL, LOGISTIC, SQUARED = range(3)
_CODES: dict[type[Loss], int] = {Exponential: EXPONENTIAL, Logistic: LOGISTIC, Squared: SQUARED}


def code_of(loss: Loss) -> int:
    """By which compiled code knows a loss."""
    return _CODES[type(loss)]


@inlined
def softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


@inlined
def force(loss: int, log_gain: float, output: float, label: float) -> float:
    """exp(log_gain) * (-dl/df)."""
    if loss == SQUARED:
        return (label - output) * exp(min(log_gain, EXPONENT_CEILING))
    margin = label * output
    fallen = margin if loss == EXPONENTIAL else softplus(margin)
    return label * exp(min(log_gain - fallen, EXPONENT_CEILING))


@inlined
def curvature(loss: int, log_gain: float, output: float, label: float) -> float:
    """exp(log_gain) * d^2l/df^2."""
    fallen = 0.0
    if loss == EXPONENTIAL:
        fallen = label * output
    elif loss == LOGISTIC:
        fallen = softplus(label * output) + softplus(-label * output)
    return exp(min(log_gain - fallen, EXPONENT_CEILING))
