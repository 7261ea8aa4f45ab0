"""The kernel of the lazy limit: infinite width at initialization, and its Mercer spectrum.

At infinite width the NTK at random weights is
K0(x, x') = (alpha^2 / N) [ p x.x' + q (x.x')^2 + r |x|^2 |x'|^2 ],
whose eigenfunctions over x ~ N(0, I/D) are linear forms, traceless quadratic forms and |x|^2. All
kernels here are without the factor alpha^2 / N.

Source: Kumar et al. (ICLR 2024), eq. 10 to 17 and 23. The eigenvalue of |x|^2 is printed with
eps^2 in eq. 13, and without in eq. 16.
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich.quadratic_form import QuadraticForm


@dataclass(frozen=True, eq=False)
class Eigenspace:
    """Eigenfunctions of one eigenvalue, orthogonal to those of the others.

    Attributes:
        eigenvalue: of the kernel without alpha^2 / N.
        basis: linearly independent, not normalized, stacked along a first axis.
    """

    eigenvalue: float
    basis: QuadraticForm

    @property
    def multiplicity(self) -> int:
        return int(self.basis.linear.shape[0])


@dataclass(frozen=True, eq=False)
class Spectrum:
    """All of the kernel's spectrum that is not zero."""

    linear: Eigenspace
    traceless: Eigenspace
    radial: Eigenspace

    @property
    def spaces(self) -> tuple[Eigenspace, Eigenspace, Eigenspace]:
        return self.linear, self.traceless, self.radial

    @property
    def rank(self) -> int:
        """D (D + 3) / 2: from so many samples on kernel regression has no test error."""
        return sum(space.multiplicity for space in self.spaces)

    @property
    def trace(self) -> float:
        return sum(space.multiplicity * space.eigenvalue for space in self.spaces)


@dataclass(frozen=True)
class LazyKernel:
    """K0 N / alpha^2 = linear x.x' + squared (x.x')^2 + radial |x|^2 |x'|^2."""

    linear: float
    squared: float
    radial: float

    def __call__(self, inputs: Floats, others: Floats | None = None) -> Floats:
        """Gram matrix `(P, P')` of inputs `(P, D)` and others `(P', D)`."""
        others = inputs if others is None else others
        overlaps = inputs @ others.T
        lengths = np.outer((inputs**2).sum(-1), (others**2).sum(-1))
        gram: Floats = self.linear * overlaps + self.squared * overlaps**2 + self.radial * lengths
        return gram

    def spectrum(self, input_dim: int) -> Spectrum:
        """Mercer eigenvalues and eigenfunctions over x ~ N(0, I/D).

        Raises:
            InvalidInput: a dimension below 2, in which no traceless forms exist.
        """
        if input_dim < 2:
            raise InvalidInput(f"input_dim is {input_dim}; it must be at least 2")
        dimension = float(input_dim)
        no_lines, no_squares = np.zeros(input_dim), np.zeros((input_dim, input_dim))
        traceless = _traceless(input_dim)
        return Spectrum(
            Eigenspace(
                self.linear / dimension,
                QuadraticForm(np.eye(input_dim), np.stack([no_squares] * input_dim)),
            ),
            Eigenspace(
                2.0 * self.squared / dimension**2,
                QuadraticForm(np.stack([no_lines] * len(traceless)), traceless),
            ),
            Eigenspace(
                (dimension + 2.0) / dimension * (self.squared / dimension + self.radial),
                QuadraticForm(no_lines[None], 2.0 * np.eye(input_dim)[None]),
            ),
        )

    def regression(self, inputs: Floats, targets: Floats) -> QuadraticForm:
        """The kernel regression of least norm on targets `(P,)` at inputs `(P, D)`."""
        # K0 has rank D (D + 3) / 2, and beyond so many samples a Gram matrix is singular
        dual = np.linalg.pinv(self(inputs), rcond=1e-12, hermitian=True) @ targets
        outer = inputs.T @ (dual[:, None] * inputs)
        radial = float(dual @ (inputs**2).sum(-1)) * np.eye(inputs.shape[1])
        return QuadraticForm(
            self.linear * (dual @ inputs), 2.0 * (self.squared * outer + self.radial * radial)
        )


def lazy_kernel(curvature: float, trained_readout: bool = False) -> LazyKernel:
    """The mean of the NTK over weights from N(0, I) (and readouts from N(0, 1), if trained).

    Source: Kumar et al. (ICLR 2024), eq. 10; eq. 23 with trained readouts.
    """
    if trained_readout:
        return LazyKernel(2.0, 1.5 * curvature**2, 0.25 * curvature**2)
    return LazyKernel(1.0, curvature**2, 0.0)


def width_variance(input_dim: int, curvature: float) -> float:
    """N E |K_N - K0|^2 of the NTK at width N with fixed readouts, without alpha^2 / N.

    The square is averaged over pairs of inputs and over weights from N(0, I). The neurons are
    independent, so that it is exactly the same at every width.
    """
    dimension, square = float(input_dim), curvature**2
    of_mean = 2.0 * square * (dimension + 2.0) / dimension**2
    of_moment = square**2 * ((dimension + 6.0) * (dimension + 1.0) + 4.0) / dimension**3
    return of_mean + of_moment


@dataclass(frozen=True, eq=False)
class Parts:
    """A quadratic form as the sum of its parts in the eigenspaces, orthogonal to each other."""

    linear: QuadraticForm
    traceless: QuadraticForm
    radial: QuadraticForm


def split(form: QuadraticForm) -> Parts:
    """The parts of a function that the lazy limit learns at three different rates.

    For y = (beta.x)^2 / 2 these are 0, T1 = x^T (beta beta^T - B I) x / 2 and T2 = B |x|^2 / 2.

    Source: Kumar et al. (ICLR 2024), eq. 17.
    """
    dimension = form.linear.shape[-1]
    trace = np.trace(form.quadratic, axis1=-2, axis2=-1)[..., None, None]
    isotropic = trace / dimension * np.eye(dimension)
    no_lines = np.zeros_like(form.linear)
    return Parts(
        QuadraticForm(form.linear, np.zeros_like(form.quadratic)),
        QuadraticForm(no_lines, form.quadratic - isotropic),
        QuadraticForm(no_lines, isotropic),
    )


def _traceless(input_dim: int) -> Floats:
    """A basis of the symmetric traceless matrices: of x_k x_l and x_k^2 - x_(k+1)^2."""
    unit = np.eye(input_dim)
    products = [
        np.outer(unit[k], unit[j]) + np.outer(unit[j], unit[k])
        for k in range(input_dim)
        for j in range(k)
    ]
    differences = [2.0 * np.diag(unit[k] - unit[k + 1]) for k in range(input_dim - 1)]
    return np.stack(products + differences)
