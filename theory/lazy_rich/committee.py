"""The two-layer committee machine of the polynomial-regression theory of grokking.

f(x) = (alpha/N) sum_i a_i phi(w_i.x) with phi(z) = z + (eps/2) z^2, or more generally
phi(z) = z + (eps/k!) He_k(z). Readouts a_i are fixed at 1 or trained. All arrays may have leading
batch axes, and be of numpy or torch.

Source: Kumar, Bordelon, Gershman, Pehlevan, "Grokking as the Transition from Lazy to Rich Training
Dynamics" (ICLR 2024), eq. 3.
"""

from dataclasses import dataclass
from math import factorial

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.lazy_rich.quadratic_form import QuadraticForm


def hermite(degree: int, values: Array) -> Array:
    """Hermite polynomial He_k of the probabilists, by its recurrence."""
    below, current = values * 0.0, values * 0.0 + 1.0
    for k in range(degree):
        below, current = current, values * current - k * below
    return current


@dataclass(frozen=True, eq=False)
class Committee:
    """A batch of committee machines.

    Attributes:
        weights: rows w_i, shape `(..., N, D)`.
        output_scale: alpha, a number or shape `(...)`.
        curvature: eps, a number or shape `(...)`.
        readout: a_i, shape `(..., N)`, trained; None for readouts fixed at 1.
        degree: k of the activation.
    """

    weights: Array
    output_scale: Array | float
    curvature: Array | float
    readout: Array | None = None
    degree: int = 2

    @property
    def width(self) -> int:
        return int(self.weights.shape[-2])

    @property
    def input_dim(self) -> int:
        return int(self.weights.shape[-1])

    def fields(self, inputs: Array) -> Array:
        """h_i(x) = w_i.x, shape `(..., P, N)`, at inputs `(..., P, D)`."""
        return inputs @ self.weights.swapaxes(-1, -2)

    def activation(self, fields: Array) -> Array:
        curvature = spread(self.curvature, 2)
        if self.degree == 2:
            return fields + 0.5 * curvature * fields**2
        return fields + curvature / factorial(self.degree) * hermite(self.degree, fields)

    def slope(self, fields: Array) -> Array:
        """phi'(h)."""
        curvature = spread(self.curvature, 2)
        if self.degree == 2:
            return 1.0 + curvature * fields
        below = self.degree - 1
        return 1.0 + curvature / factorial(below) * hermite(below, fields)

    def outputs_of(self, fields: Array) -> Array:
        """f of the fields `(..., P, N)`, shape `(..., P)`."""
        active = self.activation(fields)
        if self.readout is not None:
            active = active * self.readout[..., None, :]
        return spread(self.output_scale, 1) / self.width * active.sum(-1)

    def outputs(self, inputs: Array) -> Array:
        """f(x), not centred, shape `(..., P)`."""
        return self.outputs_of(self.fields(inputs))

    def kernel(self, inputs: Array, others: Array | None = None) -> Array:
        """The NTK at these weights, shape `(..., P, P')`, from its definition, sum of gradients."""
        others = inputs if others is None else others
        left, right = self.fields(inputs), self.fields(others)
        slopes, other_slopes = self.slope(left), self.slope(right)
        if self.readout is not None:
            slopes = slopes * self.readout[..., None, :]
            other_slopes = other_slopes * self.readout[..., None, :]
        gram = (inputs @ others.swapaxes(-1, -2)) * (slopes @ other_slopes.swapaxes(-1, -2))
        if self.readout is not None:
            gram = gram + self.activation(left) @ self.activation(right).swapaxes(-1, -2)
        return (spread(self.output_scale, 2) / self.width) ** 2 * gram

    def mean_weight(self) -> Array:
        """wbar = mean_i a_i w_i, shape `(..., D)`."""
        if self.readout is None:
            return self.weights.mean(-2)
        return (self.readout[..., None] * self.weights).mean(-2)

    def second_moment(self) -> Array:
        """M = mean_i a_i w_i w_i^T, shape `(..., D, D)`; indefinite with trained readouts."""
        rows = self.weights
        scaled = rows if self.readout is None else self.readout[..., None] * rows
        return rows.swapaxes(-1, -2) @ scaled / self.width

    def form(self) -> QuadraticForm:
        """The predictor (not centred) as the quadratic form that it is.

        Raises:
            InvalidInput: for an activation of another degree than 2.
        """
        if self.degree != 2:
            raise InvalidInput(
                f"degree is {self.degree}; only activations of degree 2 give quadratic forms"
            )
        scale = self.output_scale
        return QuadraticForm(
            spread(scale, 1) * self.mean_weight(),
            spread(scale, 2) * spread(self.curvature, 2) * self.second_moment(),
        )


def finite_width_kernel(committee: Committee, inputs: Floats, others: Floats) -> Floats:
    """The NTK with fixed readouts through the two summary statistics, shape `(..., P, P')`.

    Source: Kumar et al. (ICLR 2024), eq. 5 and 18.

    Raises:
        InvalidInput: for trained readouts or another degree than 2.
    """
    if committee.readout is not None or committee.degree != 2:
        raise InvalidInput("readout is trained or degree is not 2; this formula needs neither")
    eps = spread(committee.curvature, 2)
    mean = committee.mean_weight()[..., :, None]
    straight = (inputs @ mean) + (others @ mean).swapaxes(-1, -2)
    bent = inputs @ committee.second_moment() @ others.swapaxes(-1, -2)
    scale = spread(committee.output_scale, 2) ** 2 / committee.width
    gram = scale * (inputs @ others.swapaxes(-1, -2))
    kernel: Floats = gram * (1.0 + eps * straight + eps**2 * bent)
    return kernel


def spread(value: Array | float, axes: int) -> Array | float:
    """`value` with `axes` further axes of length 1, so that it multiplies the last ones."""
    if isinstance(value, (int, float)):
        return value
    shape = tuple(value.shape)
    return value.reshape(shape + (1,) * axes) if shape else value
