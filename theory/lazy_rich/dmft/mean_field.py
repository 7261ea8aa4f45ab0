"""The problem that the dynamical mean field theory solves: D and P to infinity at fixed P / D."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.lazy_rich.setting import Setting
from theory.requests import check_not_negative, check_positive, check_whole


@dataclass(frozen=True)
class Terms:
    """How strong each term of the theory is: 1 as derived, 0 in an ablated theory.

    Attributes:
        memory: the response of a sample to its own earlier push on the weights.
        noise: the noise that a finite number of samples leaves in the gradient.
        pull: the pull of the gradient towards the target's direction, b.
    """

    memory: float = 1.0
    noise: float = 1.0
    pull: float = 1.0


@dataclass(frozen=True, eq=False)
class MeanField:
    """A committee machine of fixed width in the limit of many dimensions and samples.

    Attributes:
        sample_ratio: nu = P / D; infinite is online learning.
        covariance: C_ij(0) = w_i.w_j / D, shape `(N, N)`.
        overlaps: A_i(0) = w_i.beta / D, shape `(N,)`.
        signal: B = |beta|^2 / D.
        output_scale: alpha.
        curvature: eps of phi(z) = z + (eps/2) z^2.
        step: dt of one step of descent; no error of discretisation comes of it.
        steps: T, the number of steps.
        centred: the initial predictor is subtracted.
        terms: the theory's terms.

    Raises:
        InvalidInput: naming the argument that is out of range.
    """

    sample_ratio: float
    covariance: Floats
    overlaps: Floats
    signal: float = 1.0
    output_scale: float = 1.0
    curvature: float = 0.5
    step: float = 0.2
    steps: int = 40
    centred: bool = False
    terms: Terms = Terms()

    def __post_init__(self) -> None:
        if not self.sample_ratio > 0:
            raise InvalidInput(f"sample_ratio is {self.sample_ratio!r}; it must be positive")
        for name in ("signal", "output_scale", "step"):
            check_positive(name, getattr(self, name))
        check_not_negative("curvature", self.curvature)
        check_whole("steps", self.steps)
        width = len(self.overlaps)
        if self.covariance.shape != (width, width):
            raise InvalidInput(
                f"covariance has shape {self.covariance.shape}; with {width} overlaps it must be "
                f"{(width, width)}"
            )
        if np.linalg.eigvalsh(self.start()).min() < -1e-9:
            raise InvalidInput(
                "covariance, overlaps and signal are no covariance: an eigenvalue is negative"
            )

    @classmethod
    def of(cls, setting: Setting, terms: Terms | None = None) -> "MeanField":
        """The limit of a setting, with the overlaps that its weights happen to have.

        Raises:
            InvalidInput: trained readouts, of which this theory does not speak.
        """
        if setting.trained_readout:
            raise InvalidInput("trained_readout is True; the mean field theory fixes readouts at 1")
        weights, beta = setting.weights(), setting.direction()
        return cls(
            setting.sample_ratio,
            weights @ weights.T / setting.input_dim,
            weights @ beta / setting.input_dim,
            setting.signal,
            setting.output_scale,
            setting.curvature,
            setting.step,
            setting.steps,
            setting.centred,
            terms or Terms(),
        )

    @property
    def width(self) -> int:
        return len(self.overlaps)

    @property
    def memory_gain(self) -> float:
        """dt / nu, by which a sample's own push returns to its fields."""
        return self.terms.memory * self.step / self.sample_ratio

    @property
    def noise_scale(self) -> float:
        """1 / sqrt(nu), the size of the noise of the gradient."""
        return self.terms.noise / sqrt(self.sample_ratio)

    def start(self) -> Floats:
        """Covariance of (h_*, h_1(0), ..., h_N(0)) at a test point, shape `(N+1, N+1)`."""
        joint: Floats = np.block(
            [
                [np.array([[self.signal]]), self.overlaps[None, :]],
                [self.overlaps[:, None], self.covariance],
            ]
        )
        return joint

    def output(self, fields: Array) -> Array:
        """(alpha / N) sum_i phi(h_i), not centred; fields of shape `(..., N, S)`."""
        active = fields + 0.5 * self.curvature * fields**2
        return self.output_scale / self.width * active.sum(-2)

    def residual(self, fields: Array, first_fields: Array, target_field: Array) -> Array:
        """Delta = h_*^2 / 2 - f, shape `(..., S)`, from fields `(..., N, S)` and h_* `(..., S)`."""
        offset = self.output(first_fields) if self.centred else 0.0
        return 0.5 * target_field**2 - self.output(fields) + offset

    def slope(self, fields: Array) -> Array:
        """phi'(h)."""
        return 1.0 + self.curvature * fields
