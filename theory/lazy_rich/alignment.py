"""How well a kernel is aligned with the task: exact in the population, and what samples make of it.

The alignment of a Gram matrix K with labels y is y^T K y / (|K| |y|^2), after centring. For the
target y = (beta.x)^2 / 2 on x ~ N(0, I/D) and the NTK with fixed readouts, the expectations of its
numerator and of its squared norms are polynomials in T = tr M, tr M^2, q = beta^T M beta and
|wbar|^2. In samples the diagonal of the Gram matrix adds a part of order 1/P, which exceeds the
alignment of the population unless P is much larger than D^2 / eps^2.

Source: Kumar et al. (ICLR 2024), eq. 19 and 20, where the numerator is printed 4 times too large;
the variances and the sample's part are this project's.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.lazy_rich.committee import Committee, spread

Centring = Literal["none", "both", "one-sided"]
"""What is subtracted: nothing; the means over both points of the kernel and that of the labels;
or, of the kernel, only the mean over its first point."""


@dataclass(frozen=True, eq=False)
class AlignmentMoments:
    """Expectations over independent x, x' ~ N(0, I/D), with kernel k and labels y centred.

    Kernels are without the factor alpha^2 / N, which leaves alignments as they are.

    Attributes:
        numerator: E y k(x, x') y'.
        square: E k(x, x')^2.
        label_square: E y^2.
        diagonal_numerator: E y^2 k(x, x).
        diagonal_square: E k(x, x)^2.
        diagonal: E k(x, x).
        centring: what has been subtracted. For "one-sided" that is the kernel of the squares; next
            to labels, whose mean is subtracted, it acts like the kernel centred on both sides.
    """

    numerator: Array
    square: Array
    label_square: Array
    diagonal_numerator: Array
    diagonal_square: Array
    diagonal: Array
    centring: Centring

    def population(self) -> Array:
        """The alignment as the number of samples goes to infinity."""
        return self.numerator / (self.square**0.5 * self.label_square)

    def sums(self, samples: int) -> tuple[Array, Array, Array]:
        """Exact expectations of y^T K y, |K|^2 and |y|^2 over P samples, centred by their means.

        Raises:
            InvalidInput: fewer than two samples.
        """
        if samples < 2:
            raise InvalidInput(f"samples is {samples}; it must be at least 2")
        count, others = float(samples), samples - 1.0
        if self.centring == "none":
            pairs = others * count
            return (
                pairs * self.numerator + count * self.diagonal_numerator,
                pairs * self.square + count * self.diagonal_square,
                count * self.label_square,
            )
        single = others**2 / count
        pairs = others * (count - 2.0 + 2.0 / count)
        both = others / count
        labels = others * self.label_square
        numerator = (
            pairs * self.numerator
            + single * self.diagonal_numerator
            + both * self.label_square * self.diagonal
        )
        if self.centring == "one-sided":
            return numerator, others * (others * self.square + self.diagonal_square), labels
        square = pairs * self.square + single * self.diagonal_square + both * self.diagonal**2
        return numerator, square, labels

    def sample(self, samples: int) -> Array:
        """The alignment of P samples, as the ratio of the expectations."""
        numerator, square, labels = self.sums(samples)
        return numerator / (square**0.5 * labels)


def alignment_moments(
    committee: Committee, direction: Array, centring: Centring = "both"
) -> AlignmentMoments:
    """The moments of the alignment between the NTK and (direction.x)^2 / 2.

    Args:
        committee: machines with fixed readouts, weights `(..., N, D)`; the moments are `(...)`.
        direction: beta, shape `(D,)` or `(..., D)`.

    Raises:
        InvalidInput: trained readouts, another degree than 2, or an unknown centring.
    """
    if committee.readout is not None or committee.degree != 2:
        raise InvalidInput("readout is trained or degree is not 2; these moments need neither")
    _check(centring)
    invariants = _Invariants.of(committee, direction)
    return _uncentred(invariants) if centring == "none" else _centred(invariants, centring)


@dataclass(frozen=True, eq=False)
class _Invariants:
    """All of weights and target that the moments depend on."""

    D: float
    e2: Array  # eps^2
    w: Array  # |wbar|^2
    T: Array  # tr M
    T2: Array  # tr M^2
    B: Array  # |beta|^2 / D
    q: Array  # beta^T M beta

    @classmethod
    def of(cls, committee: Committee, direction: Array) -> "_Invariants":
        dimension = float(committee.input_dim)
        moment = committee.second_moment()
        projected = (moment @ direction[..., :, None])[..., 0]
        return cls(
            D=dimension,
            e2=spread(committee.curvature, 0) ** 2,
            w=(committee.mean_weight() ** 2).sum(-1),
            T=(committee.weights**2).sum((-2, -1)) / committee.width,
            T2=(moment**2).sum((-2, -1)),
            B=(direction**2).sum(-1) / dimension,
            q=(direction * projected).sum(-1),
        )

    @property
    def along(self) -> Array:
        """E [y^2 x^T M x] is proportional to T + 4 m with m = q / |beta|^2."""
        return self.q / (self.B * self.D)

    @property
    def quartic(self) -> Array:
        """D^2 E (x^T M x)^2."""
        return self.T**2 + 2.0 * self.T2

    @property
    def diagonal(self) -> Array:
        """E k(x, x), not centred."""
        return 1.0 + self.e2 * (self.D + 2.0) * self.T / self.D**2

    @property
    def diagonal_square(self) -> Array:
        """E k(x, x)^2, not centred."""
        D = self.D
        return (
            (D + 2.0) / D
            + self.e2 * (D + 2.0) * (D + 4.0) * (2.0 * self.T + 4.0 * self.w) / D**3
            + self.e2**2 * (D + 4.0) * (D + 6.0) * self.quartic / D**4
        )


def _uncentred(of: _Invariants) -> AlignmentMoments:
    D, e2, B, T, m = of.D, of.e2, of.B, of.T, of.along
    return AlignmentMoments(
        numerator=e2 * (B**2 * T + 8.0 * B * of.q / D) / (4.0 * D**2),
        square=1.0 / D
        + 2.0 * e2 * of.w * (D + 2.0) / D**3
        + e2**2 * ((D + 6.0) * of.T2 + 2.0 * T**2) / D**4,
        label_square=0.75 * B**2,
        diagonal_numerator=0.75 * B**2 * (D + 4.0) / D
        + 0.75 * B**2 * e2 * (D + 6.0) * (T + 4.0 * m) / D**2,
        diagonal_square=of.diagonal_square,
        diagonal=of.diagonal,
        centring="none",
    )


def _centred(of: _Invariants, centring: Centring) -> AlignmentMoments:
    D, e2, B, T, m = of.D, of.e2, of.B, of.T, of.along
    # g(x) = E_x' k(x, x') is what centring subtracts; `grand` is its mean
    grand = e2 * T / D**2
    g_square = (e2 * of.w / D + e2**2 * of.quartic / D**2) / D**2
    g_diagonal = (
        e2 * (D + 2.0) * (T + 2.0 * of.w) / D**2 + e2**2 * (D + 4.0) * of.quartic / D**3
    ) / D
    g_labels = e2 * B**2 * (T + 4.0 * m) / (2.0 * D**2)
    labels_diagonal = 0.5 * B**2 * (D + 4.0) / D + e2 * B**2 / D**2 * (
        0.75 * (D + 6.0) * (T + 4.0 * m) - 0.5 * (D + 4.0) * (T + 2.0 * m) + 0.25 * (D + 2.0) * T
    )
    if centring == "both":
        square = 2.0 * e2 * of.w * (D + 1.0) / D**3 + e2**2 * ((D + 2.0) * of.T2 + T**2) / D**4
        subtracted = 4.0 * (g_diagonal - g_square) - grand * (2.0 * of.diagonal - 3.0 * grand)
    else:
        square = e2 * of.w * (2.0 * D + 3.0) / D**3 + e2**2 * ((D + 4.0) * of.T2 + T**2) / D**4
        subtracted = 2.0 * g_diagonal - g_square
    return AlignmentMoments(
        numerator=e2 * B * of.q / D**3,
        square=1.0 / D + square,
        label_square=0.5 * B**2,
        diagonal_numerator=labels_diagonal - 2.0 * g_labels + 0.5 * B**2 * grand,
        diagonal_square=of.diagonal_square - subtracted,
        diagonal=of.diagonal - grand,
        centring=centring,
    )


def gram_alignment(gram: Floats, labels: Floats, centring: Centring = "both") -> float:
    """The measured alignment of a Gram matrix `(P, P)` with labels `(P,)`.

    Raises:
        InvalidInput: shapes that do not fit, an unknown centring, or a Gram matrix or labels of
            which centring leaves nothing.
    """
    _check(centring)
    if gram.shape != (len(labels), len(labels)):
        raise InvalidInput(f"gram has shape {gram.shape}; {len(labels)} labels need it square")
    if centring != "none":
        labels = labels - labels.mean()
        gram = gram - gram.mean(0)
    if centring == "both":
        gram = gram - gram.mean(1, keepdims=True)
    if not np.any(gram) or not np.any(labels):
        raise InvalidInput("gram or labels are zero once centred; they have no alignment")
    return float(labels @ gram @ labels / (np.linalg.norm(gram) * (labels @ labels)))


def _check(centring: str) -> None:
    if centring not in get_args(Centring):
        raise InvalidInput(f"centring is {centring!r}; allowed are {', '.join(get_args(Centring))}")
