"""The gap between test and train loss along sample ratios, in the mean field theory."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from theory.backend import Array, Floats
from theory.lazy_rich.dmft import MeanField, OrderParameters, causal_sweep, online
from theory.lazy_rich.gap import gap_formula
from verify.instances import CommitteeInstance
from verify.language import Measurement, Quantity, in_words, observed_elsewhere
from verify.strategies.committee_dmft import early_instances

MULTIPLES = np.array((4.0, 16.0, 64.0, 256.0))
"""Of the instance's sample ratio."""

LIMIT = 1e6
"""A sample ratio at which the gap has no second order to six digits."""

ON_LADDER, AT_LIMIT = (1024, 4), (8192, 16)
"""Samples and runs of the solver."""


@dataclass(frozen=True, eq=False)
class Gaps:
    """The gap at the last step along a ladder of sample ratios, all from the same noise.

    Attributes:
        ratios: nu on each rung, `(k,)`; `gaps` is L_test - L_train by run, `(runs, k)`.
        limit: nu times the gap at nu = 10^6, by run, `(runs,)`.
    """

    instance: CommitteeInstance
    ratios: Floats
    gaps: Floats
    limit: Floats

    @cached_property
    def _order(self) -> tuple[MeanField, OrderParameters]:
        # the formula at the last step needs the online order parameters one step beyond it
        truth = MeanField.of(self.instance.setting)
        unit = replace(truth, sample_ratio=1.0, steps=truth.steps + 1)
        return unit, online(unit).order

    def _coefficient(self, response: Array) -> float:
        unit, order = self._order
        changed = replace(order, weight_response=response)
        return float(gap_formula(unit, changed)[0, self.instance.setting.steps])

    @cached_property
    def coefficient(self) -> float:
        """c of the formula, exact."""
        return self._coefficient(self._order[1].weight_response)

    @cached_property
    def lone(self) -> float:
        """c without propagation: the weights do not carry a push on."""
        last, response = self.instance.setting.steps, self._order[1].weight_response.clone()
        width = self.instance.setting.width
        response[:, last, :, :last] = torch.eye(width).to(response)[:, None]
        return self._coefficient(response)

    @cached_property
    def latest(self) -> float:
        """c of the last push alone."""
        last, response = self.instance.setting.steps, self._order[1].weight_response.clone()
        response[:, last, :, : last - 1] = 0.0
        return self._coefficient(response)

    @property
    def ladder(self) -> Quantity:
        """Mean gaps, to four standard errors: shared by all rungs, as their noise is."""
        return Quantity.sampled(self.gaps)


def measure(instance: CommitteeInstance) -> Gaps:
    """Solve the mean field theory along the ladder, and at the limit."""
    truth = MeanField.of(instance.setting)
    ratios = truth.sample_ratio * MULTIPLES
    gaps = np.stack([last_gaps(truth, ratio, ON_LADDER) for ratio in ratios], axis=1)
    return Gaps(instance, ratios, gaps, LIMIT * last_gaps(truth, LIMIT, AT_LIMIT))


def last_gaps(truth: MeanField, ratio: float, population: tuple[int, int]) -> Floats:
    """L_test - L_train at the last step, one for each run of a population."""
    found = causal_sweep(replace(truth, sample_ratio=ratio), *population)
    gaps: Floats = (found.test_losses - found.train_losses)[:, -1].numpy().astype(np.float64)
    return gaps


def _louder(instance: CommitteeInstance) -> CommitteeInstance:
    return instance.but(signal=1.1 * instance.setting.signal)


EARLY_GAPS = Measurement(
    "early-gaps",
    CommitteeInstance,
    ("early",),
    early_instances,
    measure,
    in_words("D and P large at fixed P/D, here in the limit", "flow time at most 2", "nu large"),
    sabotaged={"labels 10 % larger": observed_elsewhere(measure, _louder, "limit")},
    thrift=3,
)
