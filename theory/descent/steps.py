"""Step sizes of gradient descent, as logarithms: late training takes steps that no float holds."""

from dataclasses import dataclass
from math import inf, isfinite, log
from typing import TypeAlias

from theory.backend import Array
from theory.errors import InvalidInput


def _check_positive(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise InvalidInput(f"{name} is {value!r}; it must be a positive number")
    if name != "largest" and not isfinite(value):
        raise InvalidInput(f"{name} is {value!r}; it must be finite")


@dataclass(frozen=True)
class FixedStep:
    """The same step h throughout, in units of time.

    Raises:
        InvalidInput: a step that is not positive and finite.
    """

    size: float

    def __post_init__(self) -> None:
        _check_positive("size", self.size)

    def largest_log_size(self) -> float:
        """An upper bound of log h over a run."""
        return log(self.size)

    def log_size(self, log_loss: Array, log_norm: Array) -> Array:
        """log h, of the shape of `log_loss`."""
        return 0.0 * log_loss + log(self.size)


@dataclass(frozen=True)
class LossScaledStep:
    """h = min(relative / (loss |theta|^norm_power), largest), so that late training keeps moving.

    A step in proportion to 1/loss: Lyu and Li (ICLR 2020), appendix on training to losses of
    1e-800. For a net of degree L the curvature of the loss is about loss * |theta|^(2 (L-1)), so
    with norm_power = 2 (L-1) one `relative` serves every scale of the initialization.

    Args:
        relative: the step where loss |theta|^norm_power = 1.
        norm_power: see above; 0 scales by the loss only.
        largest: upper limit of h; with weight decay lambda it must keep h lambda well below 1.

    Raises:
        InvalidInput: numbers that are not positive (norm_power: negative), or not finite.
    """

    relative: float
    norm_power: float = 0.0
    largest: float = inf

    def __post_init__(self) -> None:
        _check_positive("relative", self.relative)
        _check_positive("largest", self.largest)
        if not (0 <= self.norm_power < inf):
            raise InvalidInput(f"norm_power is {self.norm_power!r}; it must be finite and >= 0")

    def largest_log_size(self) -> float:
        """An upper bound of log h over a run; infinite without `largest`."""
        return log(self.largest) if isfinite(self.largest) else inf

    def log_size(self, log_loss: Array, log_norm: Array) -> Array:
        """log h, of the shape of `log_loss`; `log_norm` is log |theta|."""
        free = log(self.relative) - log_loss - self.norm_power * log_norm
        limit = self.largest_log_size()
        return free if limit == inf else free.clip(max=limit)


StepRule: TypeAlias = FixedStep | LossScaledStep


def check_decay(step: StepRule, decay: float, machine_epsilon: float) -> None:
    """That weight decay and the step go together.

    Args:
        decay: lambda >= 0.
        machine_epsilon: of the arithmetic; a shrinkage h lambda below it is rounded away.

    Raises:
        InvalidInput: negative decay; h lambda >= 1 possible, where theta would change sign; a fixed
            step whose h lambda rounds to nothing.
    """
    if not 0 <= decay < inf:
        raise InvalidInput(f"decay is {decay!r}; weight decay must be finite and >= 0")
    if decay == 0:
        return
    limit = step.largest_log_size()
    if limit + log(decay) >= 0:
        raise InvalidInput(
            f"{step} with decay {decay:g} allows step * decay >= 1, which overshoots zero; "
            f"keep the step below 1 / decay = {1 / decay:g}"
        )
    if isinstance(step, FixedStep) and step.size * decay < machine_epsilon:
        raise InvalidInput(
            f"step * decay is {step.size * decay:.1e}, below the rounding {machine_epsilon:.1e} of "
            "this precision: weight decay would do nothing; use float64 or a larger step"
        )


def coefficients(step: StepRule) -> tuple[float, float, float, float]:
    """(a, b, c, d) of log h = min(a - b log loss - c log |theta|, d), which every rule is."""
    if isinstance(step, FixedStep):
        return log(step.size), 0.0, 0.0, inf
    return log(step.relative), 1.0, step.norm_power, step.largest_log_size()
