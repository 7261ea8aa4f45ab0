"""The sweep over weight scales: it is said to depend on sigma^2 alpha alone, and does not."""

from dataclasses import dataclass, replace

import numpy as np

from theory.lazy_rich import Training
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.claims.weight_scales import movement_of_output_scale, movement_of_weight_scale
from verify.instances.committee import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_training import weight_scale_instances

SCALES = (0.5, 2.0)
POWERS = (-2, 0, 1, 2, 3)


@dataclass(frozen=True)
class Theory:
    """Weights scaled by sigma move as alpha sigma^power does, up to a relative tolerance."""

    power: int = 2
    tolerance: float = 0.1


@dataclass(frozen=True)
class Measured:
    """Relative movements with each sigma, and with alpha sigma^p instead, by (sigma, p)."""

    weights: dict[float, float]
    outputs: dict[tuple[float, int], float]


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    powers = [(sigma, p) for sigma in SCALES for p in POWERS]
    scaled, lazy = (Training.of([setting] * len(runs)) for runs in (SCALES, powers))
    factors = np.array([sigma**p for sigma, p in powers])
    weights = movement_of_weight_scale(scaled, np.array(SCALES), setting.steps)
    outputs = movement_of_output_scale(lazy, factors, setting.steps)
    return Measured(
        dict(zip(SCALES, map(float, weights), strict=True)),
        dict(zip(powers, map(float, outputs), strict=True)),
    )


def assertions(measured: Measured, theory: Theory) -> Assertions:
    return Assertions(
        tuple(
            Bound(
                f"relative movement with sigma = {sigma:g} against alpha = sigma^{theory.power}",
                abs(moved / measured.outputs[sigma, theory.power] - 1.0),
                theory.tolerance,
            )
            for sigma, moved in measured.weights.items()
        )
    )


_TRUE = Theory()

CLAIM = Claim(
    id="sigma-squared-collapse",
    title="Runs with scaled weights collapse in sigma^2 alpha, at small curvature as well",
    statement=(
        r"\frac{|\theta-\theta_0|}{|\theta_0|}\Big|_{\sigma, \alpha=1}"
        r" = \frac{|\theta-\theta_0|}{|\theta_0|}\Big|_{1, \alpha=\sigma^2} \pm 10\,\%"
    ),
    source=source_of("sigma-squared-collapse"),
    assumptions=("eps at most 0.05", "fixed readouts", "eta / sigma^2 or eta / alpha^2"),
    instances=lambda families: weight_scale_instances((0.01, 0.02, 0.05)),
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("sigma", "in sigma alpha", replace(_TRUE, power=1)),
        Rival("sigma-cubed", "in sigma^3 alpha", replace(_TRUE, power=3)),
        Rival("unchanged", "sigma does not matter", replace(_TRUE, power=0)),
        Rival("inverse", "in alpha / sigma^2", replace(_TRUE, power=-2)),
        Rival("closely", "in sigma^2 alpha, up to 3 %", replace(_TRUE, tolerance=0.03)),
    ),
    tolerances=("10 %: three times what the sweeps show at eps = 0.25 in 100 dimensions",),
    families=("gaussian",),
    kind=CommitteeInstance,
    thrift=2,
    expected="falsified",
)
