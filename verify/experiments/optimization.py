"""What the training runs of this package share: the loop, when to record, and what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from theory.backend import Array
from theory.errors import InvalidInput, NumericalFailure
from theory.requests import check_increasing

Parameters = Mapping[str, Array]


@dataclass(frozen=True)
class Moment:
    """A network after some steps: losses and accuracies on training and test data.

    Attributes:
        weight_norm: of all parameters together.
    """

    step: int
    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float
    weight_norm: float

    @classmethod
    def of(
        cls, step: int, found: Sequence[tuple[float, float]], parameters: Parameters
    ) -> "Moment":
        """From loss and accuracy on training data and on test data."""
        (train_loss, train), (test_loss, test) = found
        return cls(step, train_loss, test_loss, train, test, weight_norm(parameters))


def log_spaced(last: int, per_decade: int = 20) -> list[int]:
    """Steps 0, 1, ..., last, from then on spaced about evenly in the logarithm.

    Raises:
        InvalidInput: `last` or `per_decade` below 1.
    """
    if last < 1 or per_decade < 1:
        raise InvalidInput(f"last is {last}, per_decade {per_decade}; both must be at least 1")
    count = int(np.ceil(per_decade * np.log10(last))) + 1
    spaced = np.unique(np.round(np.geomspace(1, last, count)).astype(int))
    return [0, *spaced.tolist()]


def share_right(outputs: Array, labels: Array) -> float:
    """The share of rows of outputs, shape `(n, classes)`, whose largest is at the label."""
    return float((outputs.argmax(-1) == labels).double().mean())


def weight_norm(parameters: Parameters) -> float:
    """The Euclidean norm of all parameters."""
    return float(
        sum(float(value.detach().double().square().sum()) for value in parameters.values()) ** 0.5
    )


def steps_of(
    optimizer: Any, loss: Callable[[int], Array], at: Sequence[int], warmup: int = 0
) -> Iterator[int]:
    """Minimise `loss(step)`; yields each number of steps in `at` when that many were taken.

    Args:
        optimizer: of torch.
        warmup: the learning rate rises linearly over so many steps.

    Raises:
        InvalidInput: `at` is not an increasing sequence of whole numbers from 0 on.
        NumericalFailure: the loss is no longer finite (found where it is yielded).
    """
    check_increasing("at", at)
    full = [group["lr"] for group in optimizer.param_groups]
    wanted = set(at)
    for step in range(at[-1] + 1):
        optimizer.zero_grad()
        value = loss(step)
        if step in wanted:
            if not isfinite(float(value.detach())):
                raise NumericalFailure(f"the training loss is not finite after {step} steps")
            yield step
        value.backward()
        for group, rate in zip(optimizer.param_groups, full, strict=True):
            group["lr"] = rate * min(1.0, (step + 1) / max(warmup, 1))
        optimizer.step()


class Draw:
    """Gaussian and uniform tensors of one seed, drawn on the CPU and moved to the device."""

    def __init__(self, seed: int, device: str = "cpu", dtype: str = "float32") -> None:
        import torch

        self._generator = torch.Generator().manual_seed(seed)
        self._device, self._dtype = device, getattr(torch, dtype)

    def normal(self, *shape: int, scale: float = 1.0) -> Array:
        """Standard normal numbers times `scale`."""
        import torch

        drawn = torch.randn(*shape, generator=self._generator, dtype=torch.float64)
        return (scale * drawn).to(self._device, self._dtype)

    def uniform(self, *shape: int, bound: float) -> Array:
        """Uniform numbers in (-bound, bound)."""
        import torch

        drawn = torch.rand(*shape, generator=self._generator, dtype=torch.float64)
        return (bound * (2.0 * drawn - 1.0)).to(self._device, self._dtype)

    def permutation(self, count: int) -> Array:
        """A random order of `count` things."""
        import torch

        return torch.randperm(count, generator=self._generator).to(self._device)


def check_positive(**values: float) -> None:
    """Raise `InvalidInput` naming the first of `values` that is not positive and finite."""
    for name, value in values.items():
        if not (value > 0 and isfinite(value)):
            raise InvalidInput(f"{name} is {value!r}; it must be positive and finite")


def trainable(parameters: Parameters) -> dict[str, Array]:
    """Detached copies that collect gradients."""
    return {name: value.clone().requires_grad_() for name, value in parameters.items()}
