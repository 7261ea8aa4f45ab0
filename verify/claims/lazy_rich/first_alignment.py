"""How the squared overlap with the target starts to change on the population, and where it goes."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.integrate import solve_ivp

from theory.errors import IntegrationFailed
from theory.lazy_rich import Setting
from theory.lazy_rich.escape import coherence, first_rate, threshold_error
from theory.lazy_rich.online import Online
from theory.lazy_rich.sampling_noise import PopulationRun
from verify.instances import CommitteeInstance
from verify.language import Ladder, Measurement, Quantity, in_words, observed_elsewhere
from verify.strategies.committee_online import COHERENT, coherent_instances

CLOCKS: Final = np.array((0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0))
"""eps B t / alpha at which the overlap is followed."""

ROUNDING: Final = 1e-12
"""Of a rate, over the terms that it is a sum of."""


@dataclass(frozen=True, eq=False)
class Start:
    """One machine on its population.

    Attributes:
        ratio: eps B / alpha.
        rate: d log(sum A^2) / dt at t = 0, from the gradient of the loss in the weights.
        library: the same by `theory.lazy_rich.escape.first_rate`.
        course: sum A^2 over its start, at `CLOCKS`.
        coherence: (sum A)^2 / (N sum A^2).
        curved: eps^2 (tr C / (2N) + A^T C A / (N |A|^2)), below the leading order.
        blurred: by how much the leading order of the threshold can err.
    """

    centred: bool
    width: int
    ratio: float
    rate: float
    library: float
    course: Quantity
    coherence: float
    curved: float
    blurred: float

    def excess(self, constant: float, ratio_power: float = 1.0, width_power: float = 1.0) -> float:
        """Coherence over a threshold constant (eps B / alpha)^ratio_power."""
        agreed = self.coherence * self.width ** (1.0 - width_power)
        return float(agreed - constant * self.ratio**ratio_power)

    def ladder(self) -> Ladder:
        """The course, beside the one that goes on as it starts."""
        logs = self.course.log() / np.log(10.0)
        started = self.library * CLOCKS / (self.ratio * np.log(10.0))
        return Ladder.of(
            "log10 of sum A^2 over its start", "eps B t / alpha", CLOCKS, logs, started
        )


def measure(instance: CommitteeInstance) -> Start:
    """By the closed equations of the order parameters, and the exact gradient in the weights."""
    setting = instance.setting
    online = Online.of(setting)
    ratio = setting.curvature * setting.signal / setting.output_scale
    aligned, gram = online.alignment, online.gram
    start = float(aligned @ aligned)
    flow = online.flow([clock / ratio for clock in CLOCKS], rtol=1e-8)
    course = np.array([float(s.alignment @ s.alignment) for s in flow.states]) / start
    curved = 0.5 * np.trace(gram) + aligned @ gram @ aligned / start
    return Start(
        setting.centred,
        setting.width,
        ratio,
        _first_rate(setting),
        first_rate(online),
        # the error is relative to the largest overlap, and a square has twice as much
        Quantity.of(course, 2.0 * np.sqrt(setting.width) * flow.error * course),
        coherence(aligned),
        float(setting.curvature**2 * curved) / setting.width,
        threshold_error(online),
    )


def _first_rate(setting: Setting) -> float:
    """d log(sum A^2) / dt at t = 0, by the exact gradient of the population loss in the weights."""
    weights, beta = setting.weights(), setting.direction()
    speed = setting.width / (2.0 * setting.output_scale**2)
    velocity = -speed * PopulationRun(setting).gradient(weights) @ beta
    alignment = weights @ beta / setting.input_dim
    return float(2.0 * alignment @ velocity / (alignment @ alignment))


def in_weights(instance: CommitteeInstance) -> Start:
    """The flow of the weights themselves."""
    setting, found = instance.setting, measure(instance)
    run, beta, shape = PopulationRun(setting), setting.direction(), setting.weights().shape
    speed = setting.width * setting.input_dim / (2.0 * setting.output_scale**2)
    solution = solve_ivp(
        lambda t, w: -speed * run.gradient(w.reshape(shape)).ravel(),
        (0.0, CLOCKS[-1] / found.ratio),
        setting.weights().ravel(),
        t_eval=CLOCKS / found.ratio,
        rtol=1e-9,
        atol=1e-12,
    )
    if not solution.success:
        raise IntegrationFailed(f"the weights: {solution.message}")
    start = setting.weights() @ beta
    course = ((solution.y.T.reshape(-1, *shape) @ beta) ** 2).sum(-1) / (start @ start)
    return replace(found, course=Quantity.of(course, 1e-7 * course))


def _bent(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(curvature=1.1 * instance.setting.curvature)


def _recentred(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(centred=not instance.setting.centred)


FIRST_ALIGNMENT = Measurement(
    "first-alignment",
    CommitteeInstance,
    COHERENT,
    coherent_instances,
    measure,
    in_words(
        "infinitely many samples",
        "fixed readouts",
        "coherence further from 3 eps B / (2 alpha) than eps^2 (tr C / (2N) + |C| / N)",
    ),
    sabotaged={
        "eps 10 % larger": observed_elsewhere(measure, _bent, "rate", "course"),
        "a predictor centred that is not, and the other way round": observed_elsewhere(
            measure, _recentred, "rate", "course"
        ),
    },
    independent=in_weights,
)
