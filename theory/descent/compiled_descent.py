"""Steps of gradient descent in compiled code, for the package's own families and fixed steps."""

from dataclasses import dataclass
from math import exp, inf, isfinite, log, log1p

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled, inlined
from theory.compiled_losses import forces
from theory.flow.compiled_chart import CompiledChart, equations_of, linearize, plain_chart
from theory.problem import Problem


@dataclass(frozen=True, eq=False)
class CompiledDescent:
    """B runs of fixed steps h: log h and lambda, `(B,)`, and when each is recorded, `(B, R)`."""

    chart: CompiledChart
    samples: int
    log_steps: Floats
    decays: Floats
    due: Floats

    def take(
        self, steps: int, theta: Floats, log_times: Floats, taken: Floats, recorded: Floats
    ) -> None:
        """Take so many steps of every run that is not done, in place.

        Args:
            theta: shape `(B, P)`.
            log_times: log t, shape `(B,)`.
            taken: the number of steps so far, shape `(B,)`.
            recorded: theta at the times that are due, shape `(B, R, P)`.
        """
        whole, real, samples = self.chart.whole, self.chart.real, log(self.samples)
        for run in range(len(theta)):
            log_step, decay = float(self.log_steps[run]), float(self.decays[run])
            done, log_times[run] = _descend(
                whole,
                real,
                samples,
                log_step,
                decay,
                self.due[run],
                steps,
                theta[run],
                float(log_times[run]),
                recorded[run],
            )
            taken[run] += done


def compiled_descent(
    problem: Problem, log_steps: Floats, decays: Floats, due: Floats
) -> CompiledDescent | None:
    """None for nets of the user's own."""
    chart = plain_chart(problem)
    if chart is None:
        return None
    return CompiledDescent(chart, problem.samples, log_steps, decays, due)


@inlined
def _log_sum(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    if a == -inf:
        return b
    return max(a, b) + log1p(exp(-abs(a - b)))


@inlined
def _share(due: float, log_time: float, log_step: float) -> float:
    """Of a step after which a time is reached; all of it where float64 holds neither time."""
    share = (exp(due) - exp(log_time)) / exp(log_step)
    return min(max(share, 0.0), 1.0) if isfinite(share) else 1.0


@compiled
def _descend(
    whole: NDArray[np.int64],
    real: Floats,
    log_samples: float,
    log_step: float,
    decay: float,
    due: Floats,
    steps: int,
    theta: Floats,
    log_time: float,
    recorded: Floats,
) -> tuple[int, float]:
    """Change `theta` `(P,)` and `recorded` `(R, P)`; steps taken, and log t."""
    system = equations_of(whole, real)
    count, size = system.labels.size, theta.size
    outputs, gradients = np.empty(count), np.empty((count, size))
    pulls, change = np.empty(count), np.empty(size)
    shrinkage = exp(log_step + log(decay)) if decay > 0.0 else 0.0
    end = due.max()
    for taken in range(steps):
        if not log_time < end:
            return taken, log_time
        linearize(system, 0.0, theta, outputs, gradients)
        gain = log_step - log_samples
        forces(system.loss, system.others, gain, outputs, system.labels, pulls)
        for p in range(size):
            change[p] = -shrinkage * theta[p]
        for i in range(count):
            for p in range(size):
                change[p] += pulls[i] * gradients[i, p]
        later = _log_sum(log_time, log_step)
        for r in range(due.size):
            if log_time < due[r] <= later:
                share = _share(due[r], log_time, log_step)
                for p in range(size):
                    recorded[r, p] = theta[p] + share * change[p]
        for p in range(size):
            theta[p] += change[p]
        log_time = later
    return steps, log_time
