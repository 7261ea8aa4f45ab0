"""Balance of the layers of a linear net: D_l = W_{l+1}' W_{l+1} - W_l W_l'.

Du, Hu, Lee (NeurIPS 2018) and Arora, Cohen, Hazan (ICML 2018) show that gradient flow keeps D_l.
With weight decay it decays like e^(-2 lambda t); a step of (stochastic) gradient descent changes it
by a multiple and by the products of the gradients that were used, exactly; from there comes its
drift of order eta per unit of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput, NumericalFailure
from theory.plain_flow import PlainFlow, plain_flow
from theory.requests import check_number, check_whole
from theory.units import power_of_two

Layers = tuple[Floats, ...]

COMPLEX_STEP: Final = 2.0**-100
"""Of |W|, or of 1 where that is 0: its square is nothing."""
SMALLEST: Final = -900
"""log2 of the |W| of which such a step is still a normal number."""


@dataclass(frozen=True, eq=False)
class LayerTask:
    """Mean squared error |x W_1' ... W_D' - y|^2 / 2 of a linear net, with weight decay.

    Attributes:
        weights: W_1 first, of shapes `(width_l, width_{l-1})`.
        inputs, targets: `(n, width_0)` and `(n, width_D)`.
        decay: lambda of the penalty lambda |W|^2 / 2.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, or there are no samples.
    """

    weights: Layers
    inputs: Floats
    targets: Floats
    decay: float

    def __post_init__(self) -> None:
        for name, values in (("inputs", self.inputs), ("targets", self.targets)):
            if values.ndim != 2 or values.size == 0 or not np.all(np.isfinite(values)):
                raise InvalidInput(
                    f"{name} have shape {values.shape}; they must be (n, width) finite numbers"
                )
        if len(self.inputs) != len(self.targets):
            raise InvalidInput(
                f"targets are {len(self.targets)} rows; there are {len(self.inputs)} inputs"
            )
        _check_layers(self.weights)
        widths = self.weights[0].shape[1], self.weights[-1].shape[0]
        if widths != (self.inputs.shape[1], self.targets.shape[1]):
            raise InvalidInput(
                f"weights take {widths[0]} numbers to {widths[1]}; inputs and targets hold "
                f"{self.inputs.shape[1]} and {self.targets.shape[1]}"
            )
        check_number("decay", self.decay)

    def gradients(self, weights: Layers, rows: Sequence[int] | None = None) -> Layers:
        """Of the loss without its penalty, on all samples or on some rows."""
        inputs, targets = self.inputs, self.targets
        if rows is not None:
            inputs, targets = inputs[list(rows)], targets[list(rows)]
        below = [inputs]
        for layer in weights:
            below.append(below[-1] @ layer.T)
        signal = (below[-1] - targets) / len(inputs)
        found = []
        for layer, entering in zip(reversed(weights), reversed(below[:-1]), strict=True):
            found.append(signal.T @ entering)
            signal = signal @ layer
        return tuple(reversed(found))

    def loss(self, weights: Layers) -> float:
        """Of all samples, without the penalty."""
        output = self.inputs
        for layer in weights:
            output = output @ layer.T
        return float(((output - self.targets) ** 2).sum() / (2 * len(self.inputs)))

    def sharpness(self, weights: Layers) -> float:
        """The largest size of an eigenvalue of the Hessian with its penalty, by complex steps.

        Gradients are polynomials, whose imaginary parts at W + i h V are h times the Hessian of V
        but for h^2: nothing cancels, however small weights are beside targets.
        """
        centre = self.flat(weights)
        step = COMPLEX_STEP * 2.0 ** max(power_of_two(centre), SMALLEST)

        def slope(move: Any) -> Floats:
            return self.flat(self.gradients(self.layers(centre + move))).imag / step

        rows = [slope(1j * step * unit) for unit in np.eye(centre.size)]
        values = np.linalg.eigvalsh(np.array(rows)) + self.decay
        return float(np.abs(values).max())

    def flat(self, weights: Layers) -> Floats:
        """All entries, `(P,)`, layer by layer."""
        return np.concatenate([layer.ravel() for layer in weights])

    def layers(self, flat: Floats) -> Layers:
        """The layers again."""
        ends = np.cumsum([layer.size for layer in self.weights])[:-1]
        parts = np.split(flat[: sum(layer.size for layer in self.weights)], ends)
        return tuple(
            part.reshape(layer.shape) for part, layer in zip(parts, self.weights, strict=True)
        )


def balance(weights: Layers) -> Layers:
    """W_{l+1}' W_{l+1} - W_l W_l' of neighbours, `(width_l, width_l)` each.

    Raises:
        InvalidInput: there are fewer than two layers, shapes do not fit, or numbers are not finite.
    """
    if len(weights) < 2:
        raise InvalidInput(f"weights are {len(weights)} layers; balance is of two at least")
    _check_layers(weights)
    return _balance(weights)


def _balance(weights: Layers) -> Layers:
    """The same of trial states, which may be no numbers."""
    return tuple(above.T @ above - below @ below.T for below, above in pairwise(weights))


def balance_after_step(weights: Layers, gradients: Layers, step: float, decay: float) -> Layers:
    """D_l after W <- (1 - step decay) W - step G: exact for any gradients of the product.

    The terms of first order cancel, as W_{l+1}' G_{l+1} = G_l W_l' for every differentiable
    function of the product, of whichever samples: (1 - eta lambda)^2 D_l + eta^2 (G'G - GG').

    Raises:
        InvalidInput: as `balance`, of weights and of gradients; they are not of as many layers; a
            step or decay that is not finite.
    """
    check_number("step", step)
    check_number("decay", decay)
    if len(weights) != len(gradients):
        raise InvalidInput(f"weights are {len(weights)} layers and gradients {len(gradients)}")
    kept, pairs = balance(weights), balance(gradients)
    shrink = (1.0 - step * decay) ** 2
    return tuple(shrink * d + step**2 * g for d, g in zip(kept, pairs, strict=True))


def descent(task: LayerTask, step: float, steps: int) -> Layers:
    """The layers after so many steps of gradient descent with weight decay.

    Raises:
        InvalidInput: steps are not a whole number, 0 or more, or a step is not finite.
    """
    check_whole("steps", steps, 0)
    check_number("step", step)
    weights = task.weights
    for _ in range(steps):
        gradients = task.gradients(weights)
        weights = tuple(
            (1.0 - step * task.decay) * layer - step * gradient
            for layer, gradient in zip(weights, gradients, strict=True)
        )
    if not all(np.all(np.isfinite(layer)) for layer in weights):
        raise NumericalFailure(f"{steps} steps of {step:g} diverge: weights leave float64")
    return weights


def layer_flow(
    task: LayerTask,
    times: ArrayLike,
    *,
    decays: Sequence[float] | None = None,
    with_drift: bool = False,
    comoving: bool = False,
) -> PlainFlow:
    """Gradient flow with weight decay, states `(T, P)` as in `LayerTask.flat`.

    Args:
        decays: of each layer, in place of the task's own for all.
        with_drift: append the integral of e^(-2 lambda (t - s)) (G'G - GG') for each D_l.
        comoving: integrate e^(lambda t) W instead, by another method; states are W all the same.

    Raises:
        InvalidInput: decays are not one finite number for each layer; a drift, which is that of the
            task's own decay at rest, of other decays or comoving; times that do not increase.
        IntegrationFailed: see `plain_flow`.
    """
    rates = [task.decay] * len(task.weights) if decays is None else list(decays)
    if len(rates) != len(task.weights) or not np.all(np.isfinite(rates)):
        raise InvalidInput(f"decays are {decays!r}; allowed are {len(task.weights)} finite numbers")
    if with_drift and (comoving or decays is not None):
        raise InvalidInput("with_drift is true; it needs the task's own decay, not comoving")
    each = np.repeat(rates, [layer.size for layer in task.weights])

    def field(_: float, state: Floats) -> Floats:
        weights = task.layers(state)
        gradients = task.gradients(weights)
        slopes = [
            -gradient - rate * layer
            for gradient, layer, rate in zip(gradients, weights, rates, strict=True)
        ]
        if not with_drift:
            return np.concatenate([slope.ravel() for slope in slopes])
        grown = np.concatenate([pair.ravel() for pair in _balance(gradients)])
        integral = state[len(state) - len(grown) :]
        return np.concatenate(
            [*(slope.ravel() for slope in slopes), grown - 2.0 * task.decay * integral]
        )

    def lifted(time: float, state: Floats) -> Floats:
        growth = np.exp(each * time)
        return np.asarray(-growth * task.flat(task.gradients(task.layers(state / growth))))

    start = task.flat(task.weights)
    if comoving:
        found = plain_flow(lifted, start, times, method="LSODA")
        shrink = np.exp(-np.outer(found.times, each))
        return PlainFlow(found.times, shrink * found.tight, shrink * found.loose)
    if with_drift:
        size = sum(pair.size for pair in balance(task.weights))
        start = np.append(start, np.zeros(size))
    return plain_flow(field, start, times)


def drift_coefficient(task: LayerTask, time: float) -> tuple[Floats, Floats]:
    """What D_l(t) - e^(-2 lambda t) D_l(0) of gradient descent is over eta, as eta -> 0.

    Two parts, flat: the integral of e^(-2 lambda (t-s)) (G'G - GG'), and
    -lambda^2 t e^(-2 lambda t) D_l(0), which comes from (1 - eta lambda)^(2 t / eta).
    """
    flow = layer_flow(task, [time], with_drift=True)
    start = np.concatenate([pair.ravel() for pair in balance(task.weights)])
    integral = flow.tight[-1][-len(start) :]
    shrink = np.exp(-2.0 * task.decay * time)
    return integral, -(task.decay**2) * time * shrink * start


def _check_layers(weights: Layers) -> None:
    """`InvalidInput` unless `weights` are matrices of finite numbers, each for the one before."""
    if not weights:
        raise InvalidInput("weights are no layers; there must be one at least")
    for place, layer in enumerate(weights, start=1):
        if layer.ndim != 2 or layer.size == 0 or not np.all(np.isfinite(layer)):
            raise InvalidInput(
                f"weights hold a layer {place} of shape {layer.shape}; it must be a finite matrix"
            )
    for below, above in pairwise(weights):
        if len(below) != above.shape[1]:
            raise InvalidInput(
                f"weights hold layers of shapes {below.shape} and {above.shape}, which do not fit"
            )
