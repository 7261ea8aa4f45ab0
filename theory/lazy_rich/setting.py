"""One setting of the polynomial-regression model, and the arrays that its seed stands for."""

from dataclasses import dataclass
from math import isfinite
from numbers import Real

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich.committee import Committee
from theory.lazy_rich.quadratic_form import QuadraticForm
from theory.requests import check_not_negative, check_positive, check_whole

_POSITIVE_INTEGERS = ("input_dim", "width", "samples", "steps")
_POSITIVE = ("output_scale", "step", "signal")
_WEIGHTS, _DIRECTION, _READOUT, _INPUTS = range(4)


@dataclass(frozen=True)
class Setting:
    """A committee machine that learns y = (beta.x)^2 / 2 from x ~ N(0, I/D).

    Attributes:
        input_dim: D.
        width: N.
        samples: P, the size of the training set.
        output_scale: alpha; large is lazy.
        curvature: eps of phi(z) = z + (eps/2) z^2; large is aligned.
        signal: B = |beta|^2 / D.
        step: flow time of one step of descent, dt with learning rate dt D N / (2 alpha^2).
        steps: number of steps.
        centred: the initial predictor is subtracted.
        trained_readout: readouts drawn from N(0, 1) and trained, instead of fixed at 1.
        overlaps: A_i(0) = w_i.beta/D, with w_i.w_j/D exactly the identity; None for Gaussian draws.
        seed: of weights, beta and data, each with a stream of its own.

    Raises:
        InvalidInput: naming the argument that is out of range.
    """

    input_dim: int
    width: int
    samples: int
    output_scale: float = 1.0
    curvature: float = 0.5
    signal: float = 1.0
    step: float = 0.02
    steps: int = 100
    centred: bool = True
    trained_readout: bool = False
    overlaps: tuple[float, ...] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _POSITIVE_INTEGERS:
            check_whole(name, getattr(self, name))
        for name in _POSITIVE:
            check_positive(name, getattr(self, name))
        check_not_negative("curvature", self.curvature)
        for name in ("centred", "trained_readout"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInput(f"{name} is {getattr(self, name)!r}; it must be true or false")
        check_whole("seed", self.seed, 0)
        if self.overlaps is not None:
            self._check_overlaps(self.overlaps)

    def _check_overlaps(self, overlaps: tuple[float, ...]) -> None:
        numbers = all(isinstance(a, Real) and isfinite(a) for a in overlaps)
        if not numbers or len(overlaps) != self.width:
            raise InvalidInput(
                f"overlaps is {overlaps!r}; it must hold {self.width} finite numbers, one a neuron"
            )
        square = sum(a * a for a in overlaps)
        if square > self.signal:
            raise InvalidInput(
                f"overlaps have the sum of squares {square:g}; with orthogonal weights it is at "
                f"most signal = {self.signal:g}"
            )
        if self.width >= self.input_dim:
            raise InvalidInput(
                f"width is {self.width}; with overlaps it must be below input_dim = "
                f"{self.input_dim}"
            )

    @property
    def sample_ratio(self) -> float:
        """nu = P / D."""
        return self.samples / self.input_dim

    def random(self, stream: int) -> np.random.Generator:
        """The random numbers of one stream; streams 0 to 3 are taken by weights and data."""
        return np.random.default_rng([self.seed, stream])

    def direction(self) -> Floats:
        """beta with |beta|^2 = B D exactly, shape `(D,)`."""
        drawn = self.random(_DIRECTION).standard_normal(self.input_dim)
        scaled: Floats = drawn * np.sqrt(self.signal * self.input_dim) / np.linalg.norm(drawn)
        return scaled

    def target(self) -> QuadraticForm:
        """y = (beta.x)^2 / 2."""
        beta = self.direction()
        return QuadraticForm(np.zeros_like(beta), np.outer(beta, beta))

    def weights(self) -> Floats:
        """w_i ~ N(0, I), or orthogonal with the given overlaps; shape `(N, D)`."""
        drawn = self.random(_WEIGHTS).standard_normal((self.width, self.input_dim))
        if self.overlaps is None:
            return drawn
        beta, overlaps = self.direction(), np.array(self.overlaps, dtype=float)
        # orthonormal frame of the complement of beta, mixed so that the Gram matrix comes out
        frame, _ = np.linalg.qr(np.column_stack([beta, drawn.T]))
        rest = np.eye(self.width) - np.outer(overlaps, overlaps) / self.signal
        values, vectors = np.linalg.eigh(rest)
        root = vectors * np.sqrt(np.clip(values, 0.0, None)) @ vectors.T
        along = np.outer(overlaps / self.signal, beta)
        placed: Floats = along + np.sqrt(self.input_dim) * root @ frame[:, 1:].T
        return placed

    def committee(self) -> Committee:
        """The machine at initialization."""
        readout = (
            self.random(_READOUT).standard_normal(self.width) if self.trained_readout else None
        )
        return Committee(self.weights(), self.output_scale, self.curvature, readout)

    def inputs(self) -> Floats:
        """Training inputs, shape `(P, D)`."""
        drawn = self.random(_INPUTS).standard_normal((self.samples, self.input_dim))
        scaled: Floats = drawn / np.sqrt(self.input_dim)
        return scaled

    def labels(self) -> Floats:
        """y at the training inputs, shape `(P,)`."""
        labels: Floats = self.target()(self.inputs())
        return labels
