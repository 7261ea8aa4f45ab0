"""What a diagnosis is asked for, checked."""

from dataclasses import dataclass
from math import isfinite

from theory.errors import InvalidInput
from theory.requests import check_whole

LOSSES = ("logistic", "exponential", "cross_entropy", "squared")


@dataclass(frozen=True)
class Options:
    """How a run was trained, and how much may be computed.

    Attributes:
        decay: lambda, of the penalty lambda |theta|^2 / 2 beside the mean loss; None without one.
        loss: None for what labels and outputs suggest.
        layers, without: names of layers or parameters that make theta, or that do not.
        step_size: the learning rate; None where checkpoints say their time, or nobody knows.
        device: where torch computes.
        max_rows: rows (samples, or their pairs with other classes) whose kernel is held.
        memory: bytes of a block of a Jacobian.
        sharpness: whether the largest eigenvalue of the Hessian is computed.
        trusted: whether checkpoints may hold pickled objects.

    Raises:
        InvalidInput: naming the argument.
    """

    decay: float | None = None
    loss: str | None = None
    layers: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    step_size: float | None = None
    device: str = "cpu"
    max_rows: int = 5000
    memory: int = 1 << 30
    sharpness: bool = True
    trusted: bool = False

    def __post_init__(self) -> None:
        for name, value in (("decay", self.decay), ("step_size", self.step_size)):
            least = 0.0 if name == "decay" else 5e-324
            if value is not None and not (value >= least and isfinite(value)):
                allowed = "0 or positive" if name == "decay" else "positive"
                raise InvalidInput(f"{name} is {value!r}; it must be {allowed} and finite")
        if self.loss is not None and self.loss not in LOSSES:
            raise InvalidInput(f"loss is {self.loss!r}; allowed are {', '.join(LOSSES)}")
        for name, count in (("max_rows", self.max_rows), ("memory", self.memory)):
            check_whole(name, count)
        if self.device != "cpu":
            import torch

            try:
                torch.zeros(1, device=self.device)
            except (RuntimeError, AssertionError) as error:
                raise InvalidInput(
                    f"device is {self.device!r}; torch cannot use it: {str(error).splitlines()[0]}"
                ) from None
