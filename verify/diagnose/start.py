"""The start of a run, against which all else is measured; each of its numbers is computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.backend import Floats, Integers
from theory.errors import InvalidInput, OracleFailed
from theory.observed import (
    Balance,
    DecayRun,
    Degree,
    Observed,
    StartMachine,
    balance_of,
    gram,
    grokking_time,
    layer_degrees,
    net_degree,
    start_machine,
    transition_time,
)
from theory.observed.degrees import at_random
from verify.diagnose.options import Options


@dataclass(frozen=True, eq=False)
class Start:
    """The first usable checkpoint.

    Attributes:
        observed: the net there.
        step, time: as the checkpoint says.
        options: of the diagnosis.
    """

    observed: Observed
    step: float | None
    time: float | None
    options: Options

    @cached_property
    def norm(self) -> float:
        return float(self.observed.theta.norm())

    @cached_property
    def degree(self) -> Degree:
        """Of the net, at random weights."""
        return net_degree(self.observed)

    @cached_property
    def layer_degrees(self) -> Mapping[str, Degree]:
        """Of each layer, at random weights."""
        probe = at_random(self.observed)
        return layer_degrees(probe, probe.values())

    @cached_property
    def kernel_rows(self) -> Integers:
        """Rows of the kernels: all, or those of random samples where there are too many."""
        rows = self.observed.rows
        samples = max(1, self.options.max_rows // rows.slots)
        if samples >= rows.samples:
            return np.arange(rows.total)
        chosen = np.sort(np.random.default_rng(0).permutation(rows.samples)[:samples])
        return np.asarray((chosen[:, None] * rows.slots + np.arange(rows.slots)).ravel())

    @cached_property
    def kernel(self) -> Floats:
        return gram(self.observed, self.kernel_rows, self.options.memory)

    def whole(self, kernel: Floats) -> Floats | None:
        """A kernel of `kernel_rows`, if these are all rows."""
        return kernel if len(kernel) == self.observed.rows.total else None

    @cached_property
    def _machine(self) -> StartMachine | str:
        try:
            return start_machine(
                self.observed, self.options.max_rows, self.options.memory, self.whole(self.kernel)
            )
        except OracleFailed as error:
            return str(error)

    @property
    def machine(self) -> StartMachine:
        """The kernel machine of the start.

        Raises:
            OracleFailed: there is none.
        """
        if isinstance(self._machine, str):
            raise OracleFailed(self._machine)
        return self._machine

    @cached_property
    def balance(self) -> Balance:
        return balance_of(self.observed, self.layer_degrees)

    @property
    def grokking_time(self) -> float:
        """t_g; `InvalidInput` where there is none."""
        if not self.options.decay:
            raise InvalidInput("no weight decay was given; t_g = log|theta_0| / lambda needs one")
        return grokking_time(self.norm, self.options.decay)

    @property
    def transition_time(self) -> float:
        """When the run leaves its start, predicted from the start alone.

        Raises:
            InvalidInput, OracleFailed: it has none that is known.
        """
        self.grokking_time  # noqa: B018  # raises where there is no decay
        if not self.degree.exact:
            raise InvalidInput("the net is not homogeneous; the transition is known of those only")
        machine = self.machine
        if machine.margin is None:
            raise InvalidInput("the transition of the squared loss is not predicted here")
        assert self.options.decay is not None
        return transition_time(
            DecayRun(
                norm=self.norm,
                decay=self.options.decay,
                degree=self.degree.rounded,
                samples=self.observed.rows.samples,
                margin=machine.margin,
                entropy=machine.entropy,
            )
        )

    @cached_property
    def relative_output(self) -> float:
        """|f| over |theta| |grad f| by rows, the largest: 0 for a start of zero output."""
        outputs = self.observed.values().reshape(-1)[self.kernel_rows].cpu().numpy()
        lengths = np.sqrt(np.diag(self.kernel)) * self.norm
        return float(np.abs(outputs / np.where(lengths > 0, lengths, np.inf)).max())

    def elapsed(self, step: float | None, time: float | None) -> float | None:
        """Time since the start, in steps times learning rate."""
        if time is not None and self.time is not None:
            return time - self.time
        size = self.options.step_size
        if size is None or step is None:
            return None
        return (step - (self.step or 0.0)) * size
