"""Logistic regression on separable data: t times the loss, and the residual on support vectors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.separable import SeparableFlow, residual_in_span
from verify.claims.separable.late_flows import SEPARABLE, LateFlow
from verify.language import Basis, Claim, Law, Quantity, choice, equals, stated
from verify.registry import source_of
from verify.strategies.separable import SeparableData


def unweighted(_: SeparableData) -> float:
    return 1.0


def samples(data: SeparableData) -> float:
    return float(len(data.shares) + len(data.margins))


def support(data: SeparableData) -> float:
    return float(len(data.shares))


@dataclass(frozen=True)
class LossTheory:
    """t L -> times gamma^power, L the sum of losses."""

    power: float = stated(
        -2.0, one_over_gamma=(-1.0, "1 / gamma"), one=(0.0, "1"), fourth=(-4.0, "1 / gamma^4")
    )
    times: Callable[[SeparableData], float] = choice(
        unweighted,
        samples=(samples, "n / gamma^2"),
        support=(support, "the number of support vectors / gamma^2"),
    )


def loss_laws(measured: LateFlow, theory: LossTheory) -> Iterator[Law]:
    predicted = theory.times(measured.data) * measured.data.gamma**theory.power
    found = measured.read(SeparableFlow.loss_times_time) / predicted
    yield equals("t times the loss over its limit", found, 1.0, 1e-6, at=measured.flow.log_times)


def multipliers(data: SeparableData) -> Floats:
    return data.multipliers


def shares(data: SeparableData) -> Floats:
    return data.probabilities


def averaged(data: SeparableData) -> Floats:
    return data.multipliers / samples(data)


def uniform(data: SeparableData) -> Floats:
    return np.full(len(data.shares), 1.0 / (data.gamma**2 * len(data.shares)))


@dataclass(frozen=True)
class ResidualTheory:
    """x_i.(w - w_hat log t) -> factor log alpha_i on support vectors."""

    factor: float = stated(-1.0, reversed=(1.0, "+ log alpha_i"), half=(-0.5, "- log(alpha_i) / 2"))
    of: Callable[[SeparableData], Floats] = choice(
        multipliers,
        normalized=(shares, "of p_i, which add up to 1"),
        mean_loss=(averaged, "of alpha_i / n, as for the mean of losses"),
        uniform=(uniform, "equal for all support vectors"),
    )


def residual_laws(measured: LateFlow, theory: ResidualTheory) -> Iterator[Law]:
    data, flow = measured.data, measured.flow
    rows = flow.rows[: len(data.shares)]
    predicted = -theory.factor * (rows @ residual_in_span(rows, theory.of(data)))
    found = measured.read(lambda _, residuals: (residuals @ rows.T).ravel())
    target = np.tile(predicted, len(flow.log_times))
    yield equals("x_i.rho on support vectors", found, target, 1e-6)
    tight = flow.flow.tight
    gap = measured.read(SeparableFlow.direction_gap) * flow.log_times
    # the part in the span of support vectors is stated, the other depends on the path
    inside = rows.T @ np.linalg.lstsq(rows.T, tight.T, rcond=None)[0]
    limit = tight - inside.T - theory.factor * residual_in_span(rows, theory.of(data))
    axis = data.direction / np.linalg.norm(data.direction)
    across = data.gamma * np.linalg.norm(limit - np.outer(limit @ axis, axis), axis=1)
    ratio = gap / across
    last = Quantity.of(ratio.values[-1:], ratio.errors[-1:])
    yield equals("direction gap times log t over its constant", last, 1.0, 5e-3, Basis.MEASURED)


CLAIMS = (
    Claim(
        id="separable-loss-constant",
        title="Of logistic regression on separable data t times the loss tends to 1 / gamma^2",
        statement=r"t \sum_i \ell(q_i) \to 1 / \gamma^2",
        source=source_of("separable-loss-constant"),
        measurement=SEPARABLE,
        theory=LossTheory(),
        laws=loss_laws,
        tolerances=(
            "1e-6 from t = 10^100 on: t^(1 - m) of the next margin m = 1.25, and t^-1, are below "
            "1e-20; flows are integrated to 1e-11 and read to 1e-10",
        ),
    ),
    Claim(
        id="separable-residual",
        title="What w is beyond w_hat log t has the outputs -log alpha_i on support vectors",
        statement=(
            r"w = \hat w \log t + \rho, \quad x_i \cdot \rho \to -\log \alpha_i, \quad"
            r" \left\| \frac{w}{\|w\|} - \gamma \hat w \right\| \log t \to"
            r" \gamma \| (I - \gamma^2 \hat w \hat w^\top) \rho \|"
        ),
        source=source_of("separable-residual"),
        measurement=SEPARABLE,
        theory=ResidualTheory(),
        laws=residual_laws,
        tolerances=(
            "x_i.rho: 1e-6, as the corrections are powers of t and flows are integrated to 1e-11",
            "direction: 0.5 % at 10^10000, gamma^2 w_hat.rho / log t being 2e-4 for residuals of 5",
        ),
    ),
)
