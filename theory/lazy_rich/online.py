"""Learning from infinitely many samples: gradient descent and flow on the population loss.

Readouts are fixed and the activation is quadratic. Stein's lemma gives the gradient in closed form
at every input dimension D, and it acts on the weights only through the order parameters
C_ij = w_i.w_j / D, A_i = w_i.beta / D and, for a centred predictor, E_ij = w_i.w_j(0) / D. So the
Saad-Solla equations of this model are exact at every D, not only for D to infinity.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 30-35; the centred equations, the finite D
and the recursion in the span of weights and target are this project's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from theory.backend import Array, Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.lazy_rich.committee import Committee, spread
from theory.lazy_rich.quadratic_form import Decomposition, QuadraticForm
from theory.lazy_rich.setting import Setting
from theory.requests import check_increasing

RTOL = 1e-11
"""Of the integrator; the same flow is integrated at `COARSER` times this to estimate the error."""

COARSER = 30.0


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """What the population sees of the weights.

    Attributes:
        gram: C, shape `(N, N)`.
        alignment: A, shape `(N,)`.
        initial: E, shape `(N, N)`.
    """

    gram: Floats
    alignment: Floats
    initial: Floats


@dataclass(frozen=True, eq=False)
class Forces:
    """The terms of alpha dw/dt = - sum of terms; the linear one is the same for all neurons.

    Attributes:
        linear: (alpha/N) sum_k w_k, repulsion by the linear part of the activation.
        curved: (alpha eps^2/N) sum_k C_jk w_k, repulsion by its curvature.
        trace: (eps/2) (alpha eps tr C / N - B) w_j, of the mean of f - y.
        target: -eps A_j beta.
        initial: -(alpha/N) sum_k (1 + eps^2 E_jk) w_k(0), only of the centred predictor.
    """

    linear: Floats
    curved: Floats
    trace: Floats
    target: Floats
    initial: Floats

    @property
    def total(self) -> Floats:
        return self.linear + self.curved + self.trace + self.target + self.initial


@dataclass(frozen=True, eq=False)
class Course:
    """The flow at some times.

    Attributes:
        times: shape `(T,)`.
        states: one for each time.
        loose: the same, integrated at `COARSER` times the tolerance.
        error: estimated relative error of the order parameters, in the maximum norm of each.
    """

    times: Floats
    states: tuple[OrderParameters, ...]
    loose: tuple[OrderParameters, ...]
    error: float


@dataclass(frozen=True, eq=False)
class Online:
    """A committee machine that learns y = (beta.x)^2 / 2 from its population.

    Attributes:
        gram: C(0), shape `(N, N)`.
        alignment: A(0), shape `(N,)`.
        output_scale, curvature, signal: alpha, eps, B.
        centred: the initial predictor is subtracted.
    """

    gram: Floats
    alignment: Floats
    output_scale: float = 1.0
    curvature: float = 0.5
    signal: float = 1.0
    centred: bool = False

    def __post_init__(self) -> None:
        shape = (len(self.alignment), len(self.alignment))
        if self.gram.shape != shape:
            raise InvalidInput(f"gram has shape {self.gram.shape}; alignment asks for {shape}")

    @classmethod
    def of(cls, setting: Setting) -> "Online":
        """The population limit of a setting, from the weights that its seed stands for.

        Raises:
            InvalidInput: for trained readouts.
        """
        if setting.trained_readout:
            raise InvalidInput("trained_readout is true; the order parameters need fixed readouts")
        weights, beta = setting.weights(), setting.direction()
        return cls(
            weights @ weights.T / setting.input_dim,
            weights @ beta / setting.input_dim,
            setting.output_scale,
            setting.curvature,
            setting.signal,
            setting.centred,
        )

    @property
    def width(self) -> int:
        return len(self.alignment)

    def start(self) -> OrderParameters:
        return OrderParameters(self.gram, self.alignment, self.gram)

    def forces(self, now: OrderParameters, rows: Floats, target: Floats, initial: Floats) -> Forces:
        """The terms of the population gradient, on any linear image of (weights, beta, weights(0)).

        With the weights `(N, D)` themselves these are D E[(f - y) phi'(h_j) x]; their products with
        a vector, divided by D, give the motion of order parameters.

        Args:
            rows: image of the weights, shape `(N, k)`.
            target: image of beta, shape `(k,)`.
            initial: image of the initial weights, shape `(N, k)`.
        """
        eps, per_neuron = self.curvature, self.output_scale / self.width
        recalled: Floats = 0.0 * rows
        if self.centred:
            recalled = -per_neuron * (initial.sum(0) + eps**2 * (now.initial @ initial))
        return Forces(
            linear=per_neuron * rows.sum(0),
            curved=per_neuron * eps**2 * (now.gram @ rows),
            trace=0.5 * eps * (eps * per_neuron * self._trace(now) - self.signal) * rows,
            target=-eps * now.alignment[:, None] * target,
            initial=recalled,
        )

    def _trace(self, now: OrderParameters) -> float:
        """tr C, less its initial value where the predictor is centred."""
        trace = float(now.gram.trace())
        return trace - float(self.gram.trace()) if self.centred else trace

    def velocity(self, now: OrderParameters) -> OrderParameters:
        """d/dt of the order parameters, closed in themselves."""
        n = self.width
        images, initial = np.empty((n, 2 * n + 1)), np.empty((n, 2 * n + 1))
        images[:, :n], images[:, n], images[:, n + 1 :] = now.gram, now.alignment, now.initial
        initial[:, :n], initial[:, n], initial[:, n + 1 :] = (
            now.initial.T,
            self.alignment,
            self.gram,
        )
        target = np.concatenate([now.alignment, [self.signal], self.alignment])
        moved = -self.forces(now, images, target, initial).total / self.output_scale
        return OrderParameters(moved[:, :n] + moved[:, :n].T, moved[:, n], moved[:, n + 1 :])

    def loss(self, now: OrderParameters) -> Decomposition:
        """The test loss, exact at every input dimension."""
        eps, per_neuron = self.curvature, self.output_scale / self.width
        gram, squares = now.gram, float((now.gram**2).sum())
        aligned = float(now.alignment @ now.alignment)
        if self.centred:
            squares += float((self.gram**2).sum() - 2.0 * (now.initial**2).sum())
            aligned -= float(self.alignment @ self.alignment)
            gram = gram - now.initial - now.initial.T + self.gram
        bend = eps * per_neuron
        return Decomposition(
            scale=0.25 * (bend * self._trace(now) - self.signal) ** 2,
            alignment=0.5 * (bend**2 * squares - 2.0 * bend * aligned + self.signal**2),
            linear=per_neuron**2 * float(gram.sum()),
        )

    def flow(self, times: Sequence[float], rtol: float = RTOL) -> Course:
        """Gradient flow on the population loss at increasing times from 0 on.

        Raises:
            InvalidInput: times that do not increase from 0 or more.
            IntegrationFailed: the integrator stopped early.
        """
        check_increasing("times", times)
        asked = np.asarray(times, dtype=float)
        found, coarse = (self._states(asked, factor * rtol) for factor in (1.0, COARSER))
        return Course(asked, found, coarse, max(map(_distance, found, coarse)))

    def _states(self, times: Floats, rtol: float) -> tuple[OrderParameters, ...]:
        if times[-1] == 0.0:
            return (self.start(),)
        solution = solve_ivp(
            self.derivative,
            (0.0, times[-1]),
            self.pack(self.start()),
            method="DOP853",
            t_eval=times,
            rtol=rtol,
            atol=self.tolerances(rtol),
        )
        if not solution.success:
            raise IntegrationFailed(f"the order parameters: {solution.message}")
        return tuple(self.unpack(column) for column in solution.y.T)

    def derivative(self, time: float, packed: Floats) -> Floats:
        """The right-hand side of the flow, for integrators."""
        del time
        return self.pack(self.velocity(self.unpack(packed)))

    def tolerances(self, rtol: float) -> Floats:
        """Absolute tolerances that resolve overlaps with the target however small they begin."""
        size = float(np.abs(self.gram).max())
        aligned = max(float(np.abs(self.alignment).max()), 1e-12 * size)
        scale = OrderParameters(
            np.full_like(self.gram, size),
            np.full_like(self.alignment, aligned),
            np.full_like(self.gram, size),
        )
        return rtol * self.pack(scale)

    def pack(self, now: OrderParameters) -> Floats:
        """As one vector, shape `(N (2N+1),)`."""
        packed: Floats = np.concatenate([now.gram.ravel(), now.alignment, now.initial.ravel()])
        return packed

    def unpack(self, packed: Floats) -> OrderParameters:
        n = self.width
        gram, initial = packed[: n * n].reshape(n, n), packed[-n * n :].reshape(n, n)
        return OrderParameters(gram, packed[n * n : -n * n], initial)


def _distance(one: OrderParameters, other: OrderParameters) -> float:
    pairs = ((one.gram, other.gram), (one.alignment, other.alignment), (one.initial, other.initial))
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-300)) for a, b in pairs)


@dataclass(frozen=True, eq=False)
class Span:
    """Weights in the span of where they began and the target: w_j = sum_k R_jk w_k(0) + s_j beta.

    Attributes:
        mixing: R, shape `(N, N)`.
        target: s, shape `(N,)`.
    """

    mixing: Floats
    target: Floats

    def order_parameters(self, online: Online) -> OrderParameters:
        initial = self.mixing @ online.gram + np.outer(self.target, online.alignment)
        alignment = self.mixing @ online.alignment + online.signal * self.target
        gram = initial @ self.mixing.T + np.outer(alignment, self.target)
        return OrderParameters(0.5 * (gram + gram.T), alignment, initial)

    def weights(self, initial: Floats, beta: Floats) -> Floats:
        """The weights themselves, shape `(N, D)`."""
        placed: Floats = self.mixing @ initial + np.outer(self.target, beta)
        return placed


def online_descent(online: Online, step: float, at: Sequence[int]) -> Iterator[Span]:
    """Gradient descent on the population loss with steps of flow time dt, at any D, exactly.

    Yields the span after each number of steps in `at`.

    Raises:
        InvalidInput: `at` is not an increasing sequence of whole numbers from 0 on.
    """
    check_increasing("at", at)
    n = online.width
    start = np.eye(n, n + 1)
    beta = np.eye(n + 1)[n]
    rows, wanted = start, set(at)
    for count in range(at[-1] + 1):
        span = Span(rows[:, :n], rows[:, n])
        if count in wanted:
            yield span
        forces = online.forces(span.order_parameters(online), rows, beta, start)
        rows = rows - step / online.output_scale * forces.total


def population_gradient(
    machine: Committee, target: QuadraticForm, offset: QuadraticForm | None = None
) -> Array:
    """Gradient of the exact population loss in the weights `(..., N, D)`, by the chain rule.

    For any target of degree 2, and any batch axes; it shares nothing with the formulas above.

    Args:
        offset: the initial predictor, where the predictor is centred.

    Raises:
        InvalidInput: for trained readouts.
    """
    if machine.readout is not None:
        raise InvalidInput("readout is trained; the gradient is that of fixed readouts")
    gap = machine.form() - target
    if offset is not None:
        gap = gap - offset
    dimension = machine.input_dim
    trace = np.einsum("...ii->...", gap.quadratic)[..., None, None]
    by_quadratic = trace * np.eye(dimension) / (2.0 * dimension**2)
    by_quadratic = by_quadratic + gap.quadratic / dimension**2
    by_linear = 2.0 * gap.linear / dimension
    eps, per_neuron = spread(machine.curvature, 2), spread(machine.output_scale, 2) / machine.width
    return per_neuron * (by_linear[..., None, :] + 2.0 * eps * machine.weights @ by_quadratic)
