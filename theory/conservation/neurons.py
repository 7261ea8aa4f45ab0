"""Balance of the neurons of a two-layer net a * sigma(w.x): |w|^2 - p a^2.

sigma is positively homogeneous of degree p, so that (a, w) -> (c^-p a, c w) changes nothing.
Du, Hu, Lee (NeurIPS 2018), Theorem 2.1, is p = 1; biases count as a part of w.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.plain_flow import PlainFlow, plain_flow
from theory.requests import check_number, check_whole


@dataclass(frozen=True, eq=False)
class NeuronTask:
    """Mean squared error of sum_k a_k sigma(w_k.x), with weight decay.

    Attributes:
        readout: a, `(m,)`.
        hidden: w, `(m, d)`.
        inputs, targets: `(n, d)` and `(n,)`.
        degree: p; sigma is max(z, 0)^p, and z itself for p = 1, which has no kink.
        decay: lambda of the penalty lambda (|a|^2 + |w|^2) / 2.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, the degree is no whole number
            from 1 on, or there are no samples.
    """

    readout: Floats
    hidden: Floats
    inputs: Floats
    targets: Floats
    degree: int
    decay: float

    def __post_init__(self) -> None:
        shapes = {"hidden": self.hidden, "inputs": self.inputs}
        ends = {"readout": self.readout, "targets": self.targets}
        for name, values in {**shapes, **ends}.items():
            if values.size == 0 or not np.all(np.isfinite(values)):
                raise InvalidInput(f"{name} has shape {values.shape}; it must be finite numbers")
        for (name, rows), (other, end) in zip(shapes.items(), ends.items(), strict=True):
            if rows.ndim != 2 or end.shape != (len(rows),):
                raise InvalidInput(
                    f"{name} and {other} have shapes {rows.shape} and {end.shape}; "
                    "allowed are (k, d) and (k,)"
                )
        if self.hidden.shape[1] != self.inputs.shape[1]:
            raise InvalidInput(
                f"inputs have shape {self.inputs.shape}; hidden has {self.hidden.shape[1]} columns"
            )
        check_whole("degree", self.degree)
        check_number("decay", self.decay)

    @property
    def flat(self) -> Floats:
        """a, then w row by row, `(m + m d,)`."""
        return np.append(self.readout, self.hidden.ravel())


def neuron_flow(
    task: NeuronTask, times: ArrayLike, *, method: str = "DOP853", hidden_decay: float | None = None
) -> PlainFlow:
    """Gradient flow with weight decay; states are as `NeuronTask.flat`.

    Args:
        hidden_decay: of w, in place of the task's own for all.

    Raises:
        InvalidInput: `hidden_decay` is not finite; times that do not increase.
        IntegrationFailed: see `plain_flow`.
    """
    m, n, p = len(task.readout), len(task.inputs), task.degree
    rate = task.decay if hidden_decay is None else hidden_decay
    check_number("hidden_decay", rate)

    def field(_: float, state: Floats) -> Floats:
        a, w = state[:m], state[m:].reshape(m, -1)
        z = w @ task.inputs.T
        if p > 1:
            z = np.maximum(z, 0.0)
        values, slopes = z**p, p * z ** (p - 1)
        residual = (a @ values - task.targets) / n
        da = -values @ residual - task.decay * a
        dw = -a[:, None] * ((slopes * residual) @ task.inputs) - rate * w
        return np.append(da, dw.ravel())

    return plain_flow(field, task.flat, times, method=method)


def neuron_balance(states: Floats, width: int, ratio: float) -> Floats:
    """|w_k|^2 - ratio a_k^2 of states `(T, m + m d)`, `(T, m)`."""
    a, w = states[:, :width], states[:, width:].reshape(len(states), width, -1)
    return np.asarray((w**2).sum(axis=2) - ratio * a**2)
