"""Relative movement of machines whose weights or whose outputs are scaled, in the sweeps' steps."""

from dataclasses import dataclass, field, replace

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Training
from theory.lazy_rich.knobs import learning_rate, with_learning_rate
from verify.claims.lazy_rich.plain_descent import Descent
from verify.language import Quantity


@dataclass(frozen=True, eq=False)
class WeightScales:
    """Runs with weights sigma w_i, beside which those of other output scales are put.

    Attributes:
        training: the runs before anything is scaled, a batch `(R,)`.
        sigma: of each run, `(R,)`.
        scaled: |theta - theta_0| / |theta_0| with weights sigma w_i and the rate eta / sigma^2.
        known: the ratios that were measured already, by power.
    """

    training: Training
    sigma: Floats
    steps: int
    descent: Descent
    scaled: Floats
    known: dict[int, Floats] = field(default_factory=dict)

    @classmethod
    def measured_by(
        cls, descent: Descent, training: Training, sigma: Floats, steps: int
    ) -> "WeightScales":
        machine = training.committee
        large = replace(machine, weights=sigma[:, None, None] * machine.weights)
        rate = learning_rate(training) / sigma**2
        run = with_learning_rate(replace(training, committee=large), rate)
        return cls(training, sigma, steps, descent, _movement(descent, run, steps))

    def ratio(self, power: int) -> Quantity:
        """The movement over that with the output scale sigma^power alpha, the rate divided by its
        square; rounded once by each input, neuron and sample in every step."""
        if power not in self.known:
            machine, by = self.training.committee, self.sigma**power
            lazy = replace(machine, output_scale=by * machine.output_scale)
            rate = learning_rate(self.training) / by**2
            run = with_learning_rate(replace(self.training, committee=lazy), rate)
            self.known[power] = self.scaled / _movement(self.descent, run, self.steps)
        machine, samples = self.training.committee, self.training.inputs.shape[-2]
        roundings = self.steps * (machine.input_dim + machine.width + samples)
        return Quantity.rounded(self.known[power], self.known[power], roundings)


def _movement(descent: Descent, training: Training, steps: int) -> Floats:
    start = training.committee.weights
    (moment,) = descent(training, [steps])
    moved = ((moment.committee.weights - start) ** 2).sum((-1, -2))
    relative: Floats = np.sqrt(moved / (start**2).sum((-1, -2)))
    return relative
