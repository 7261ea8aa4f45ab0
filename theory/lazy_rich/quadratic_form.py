"""Functions f(x) = l.x + x^T Q x / 2: predictors, targets and linearised predictors alike.

The committee machine with a quadratic activation, its linearisation and the targets of degree 2
are all of this kind, and so is the difference of any two. On Gaussian inputs the mean square of one
is a sum of three squares: what the theory calls scale, alignment and linear term.
"""

from dataclasses import dataclass

from theory.backend import Array, namespace


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The parts of a mean square over x ~ N(0, I/D), each of shape `(...)`.

    Attributes:
        scale: of the trace of Q.
        alignment: of all of Q.
        linear: of l.
    """

    scale: Array
    alignment: Array
    linear: Array

    @property
    def total(self) -> Array:
        return self.scale + self.alignment + self.linear


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """f(x) = linear.x + x^T quadratic x / 2.

    Attributes:
        linear: shape `(..., D)`.
        quadratic: symmetric, shape `(..., D, D)`.
    """

    linear: Array
    quadratic: Array

    def __call__(self, inputs: Array) -> Array:
        """Values `(..., P)` at inputs `(..., P, D)`."""
        straight = (inputs @ self.linear[..., :, None])[..., 0]
        return straight + 0.5 * ((inputs @ self.quadratic) * inputs).sum(-1)

    def __sub__(self, other: "QuadraticForm") -> "QuadraticForm":
        return QuadraticForm(self.linear - other.linear, self.quadratic - other.quadratic)

    def __add__(self, other: "QuadraticForm") -> "QuadraticForm":
        return QuadraticForm(self.linear + other.linear, self.quadratic + other.quadratic)

    def mean_square(self) -> Decomposition:
        """E f(x)^2 over x ~ N(0, I/D), exact at every D.

        Source: Kumar et al. (ICLR 2024), eq. 6; `Decomposition` of predictor minus target is the
        test loss of the population.
        """
        dimension = self.linear.shape[-1]
        trace = namespace(self.quadratic).einsum("...ii->...", self.quadratic)
        return Decomposition(
            scale=(trace / (2.0 * dimension)) ** 2,
            alignment=(self.quadratic**2).sum((-2, -1)) / (2.0 * dimension**2),
            linear=(self.linear**2).sum(-1) / dimension,
        )
