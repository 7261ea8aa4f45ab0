"""The sweep over weight scales: it is said to depend on sigma^2 alpha alone, and does not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from theory.lazy_rich import Training, gradient_descent
from verify.claims.lazy_rich.plain_descent import Descent, plain_descent
from verify.claims.lazy_rich.weight_scales import WeightScales
from verify.instances.committee import CommitteeInstance
from verify.language import (
    Basis,
    Claim,
    Law,
    Measurement,
    equals,
    in_words,
    observed_elsewhere,
    power,
    stated,
)
from verify.registry import source_of
from verify.strategies.committee_training import weight_scale_instances

SIGMA = (0.5, 2.0)


@dataclass(frozen=True)
class Theory:
    """Weights scaled by sigma move as alpha sigma^square does, up to a relative tolerance."""

    square: int = stated(
        2,
        sigma=(1, "in sigma alpha"),
        sigma_cubed=(3, "in sigma^3 alpha"),
        unchanged=(0, "sigma does not matter"),
        inverse=(-2, "in alpha / sigma^2"),
    )
    tolerance: float = stated(0.1, closely=power(0.03, "in sigma^2 alpha, up to 3 %"))


def measured_by(descent: Descent, instance: CommitteeInstance) -> WeightScales:
    training = Training.of([instance.setting] * len(SIGMA))
    return WeightScales.measured_by(descent, training, np.array(SIGMA), instance.setting.steps)


def laws(measured: WeightScales, theory: Theory) -> Iterator[Law]:
    yield equals(
        "relative movement with sigma against alpha = sigma^2",
        measured.ratio(theory.square),
        1.0,
        theory.tolerance,
        Basis.MEASURED,
        at=measured.sigma,
    )


def _longer(instance: CommitteeInstance) -> CommitteeInstance:
    return CommitteeInstance(replace(instance.setting, step=2.0 * instance.setting.step))


measure = partial(measured_by, gradient_descent)

CLAIM = Claim(
    id="sigma-squared-collapse",
    title="Runs with scaled weights collapse in sigma^2 alpha, at small curvature as well",
    statement=(
        r"\frac{|\theta-\theta_0|}{|\theta_0|}\Big|_{\sigma, \alpha=1}"
        r" = \frac{|\theta-\theta_0|}{|\theta_0|}\Big|_{1, \alpha=\sigma^2} \pm 10\,\%"
    ),
    source=source_of("sigma-squared-collapse"),
    measurement=Measurement(
        id="sigma-squared-collapse",
        kind=CommitteeInstance,
        families=("gaussian",),
        instances=lambda _families, _sizes: weight_scale_instances((0.01, 0.02, 0.05)),
        measure=measure,
        assumptions=in_words(
            "eps at most 0.05", "fixed readouts", "eta / sigma^2 or eta / alpha^2"
        ),
        sabotaged={"steps twice as long": observed_elsewhere(measure, _longer, "scaled")},
        independent=partial(measured_by, plain_descent),
        thrift=2,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("10 %: three times what the sweeps show at eps = 0.25 in 100 dimensions",),
    expected="falsified",
)
