"""Full-batch gradient descent with weight decay, many runs at once.

    theta_{k+1} = theta_k - h_k (lambda theta_k + grad of the mean loss),     t_{k+1} = t_k + h_k

is the explicit Euler method for the flow of `theory.flow`. Steps, losses and times are kept as
logarithms and combined before any is exponentiated, so that a loss of 1e-1000 still trains. The
runs share net and data, and differ in start, weight decay and step rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Array, Floats
from theory.descent.compiled_descent import compiled_descent
from theory.descent.steps import FixedStep, LossScaledStep, StepRule, check_decay
from theory.errors import InvalidInput, NumericalFailure
from theory.problem import Problem, Regime, _frozen_array
from theory.requests import check_number, check_positive, check_whole, is_whole

MAX_STEPS = 1_000_000
CHECK_EVERY = 16
"""Steps between checks for divergence: a check waits for the device."""

GROWTH = 1e3
"""A run whose regularised loss exceeds this multiple of its start has diverged. Training at the
edge of stability raises the loss by factors of order ten and comes back."""

LARGEST_JACOBIAN = 1_000_000
"""Numbers in a Jacobian beyond which the gradient is taken by reverse differentiation instead."""

PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a batch.

    Attributes:
        start: theta(0), shape `(P,)`.
        decay: lambda >= 0.
        step: the step rule.
        unit: the unit of the times at which it is recorded; t_g for `Run.of`.
    """

    start: Floats
    decay: float
    step: StepRule
    unit: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _frozen_array("start", self.start, 1))
        if not isinstance(self.step, (FixedStep, LossScaledStep)):
            raise InvalidInput(f"step is {self.step!r}; it must be a FixedStep or LossScaledStep")
        check_number("decay", self.decay)
        check_positive("unit", self.unit)

    @classmethod
    def of(cls, problem: Problem, regime: Regime, step: StepRule) -> "Run":
        """The run of a regime: from alpha * anchor, with times in units of t_g.

        Raises:
            InvalidInput: alpha beyond float64, or lambda below it; such flows need `gradient_flow`.
        """
        if abs(regime.log10_alpha) > 300 or abs(regime.log10_lambda) > 300:
            raise InvalidInput(
                f"{regime} lies beyond float64, in which gradient descent runs; use gradient_flow"
            )
        decay = exp(regime.log_lambda)
        return cls(exp(regime.log_alpha) * problem.anchor, decay, step, regime.log_alpha / decay)


@dataclass(frozen=True, eq=False)
class Descent:
    """B runs at R moments each.

    Attributes:
        theta: shape `(B, R, P)`.
        log_times: log t, natural, shape `(B, R)`; -inf at t = 0.
        margins: y_i f_i (outputs for the squared loss), shape `(B, R, n)`.
        log_loss: natural logarithm of the mean loss, without weight decay, shape `(B, R)`.
        steps: steps taken by each run until its last moment, shape `(B,)`.
    """

    theta: Floats
    log_times: Floats
    margins: Floats
    log_loss: Floats
    steps: Floats

    @property
    def norms(self) -> Floats:
        """|theta|, shape `(B, R)`."""
        return np.asarray(np.linalg.norm(self.theta, axis=-1))


def gradient_descent(
    problem: Problem,
    runs: Sequence[Run],
    *,
    at: ArrayLike | None = None,
    at_steps: Sequence[int] | None = None,
    precision: str = "float64",
    device: str = "cpu",
    max_steps: int = MAX_STEPS,
) -> Descent:
    """Run gradient descent for all `runs` in one program.

    Args:
        problem: net, data and loss; its anchor is used only by `Run.of`.
        at: times in the unit of each run, shape `(R,)`. A moment between two steps is reached by
            a shortened step that the run itself does not take (Euler's own dense output).
        at_steps: instead, numbers of steps at which to record.
        precision: "float32" or "float64", of theta and of the net; losses are always float64.
        device: where torch computes.

    Raises:
        InvalidInput: naming the argument.
        NumericalFailure: a run diverged (its step is named), or did not get to its last moment
            within `max_steps`.
    """
    import torch

    if precision not in PRECISIONS:
        raise InvalidInput(f"precision is {precision!r}; allowed are {', '.join(PRECISIONS)}")
    if not runs:
        raise InvalidInput("runs is empty; give at least one")
    for run in runs:
        if run.start.size != problem.parameters:
            raise InvalidInput(
                f"start has {run.start.size} numbers; {problem.net} has {problem.parameters}"
            )
        check_decay(run.step, run.decay, float(np.finfo(precision).eps))
    program = _Program(problem, runs, getattr(torch, precision), device)
    if (at is None) == (at_steps is None):
        raise InvalidInput("give exactly one of at (times) and at_steps")
    if at is not None:
        check_whole("max_steps", max_steps)
        return _until_times(program, _frozen_array("at", at, 1), max_steps)
    assert at_steps is not None
    return _until_steps(program, at_steps)


@dataclass(frozen=True, eq=False)
class _Proposal:
    """The next step of every run: theta's change and log h."""

    change: Array
    log_step: Array


class _Program:
    """The batch on its device: data as tensors, and one step as a function."""

    def __init__(self, problem: Problem, runs: Sequence[Run], dtype: Any, device: str) -> None:
        import torch

        self.problem, self.runs = problem, runs
        self.log_samples = log(problem.samples)
        self.dtype, self.device = dtype, device

        def tensor(values: ArrayLike, dtype: Any = torch.float64) -> Array:
            return torch.tensor(np.asarray(values), dtype=dtype, device=device)

        self.tensor = tensor
        self.inputs = tensor(problem.inputs, dtype)
        self.labels = tensor(problem.row_labels)
        self.start = tensor(np.array([run.start for run in runs]), dtype)
        self.decay = tensor([run.decay for run in runs])
        rules: dict[StepRule, list[int]] = {}
        for index, run in enumerate(runs):
            rules.setdefault(run.step, []).append(index)
        self.fixed = None
        if all(isinstance(rule, FixedStep) for rule in rules):
            self.fixed = tensor([run.step.largest_log_size() for run in runs])
        self.rules = [(rule, tensor(rows, torch.int64)) for rule, rows in rules.items()]

    def log_loss(self, outputs: Array) -> Array:
        """log of the mean loss, shape `(B,)`, of float64 outputs."""
        values = self.problem.loss_function.log_value(outputs, self.labels)
        return values.logsumexp(-1) - self.log_samples

    def outputs(self, theta: Array) -> Array:
        """f, or the margins of several classes, in float64, shape `(..., n)`."""
        return self.problem.row_net.outputs(theta, self.inputs).double()

    def log_norm(self, theta: Array) -> Array:
        return theta.double().square().sum(-1).log() / 2

    def log_step(self, theta: Array, outputs: Array) -> Array:
        if self.fixed is not None:
            return self.fixed
        log_loss, log_norm = self.log_loss(outputs), self.log_norm(theta)
        sizes = log_loss.clone()
        for rule, rows in self.rules:
            sizes[rows] = rule.log_size(log_loss[rows], log_norm[rows])
        return sizes

    def propose(self, theta: Array) -> _Proposal:
        """-h (lambda theta + grad), with h and the force joined in log space."""
        outputs = self.outputs(theta)
        log_step = self.log_step(theta, outputs)
        scale = (log_step - self.log_samples)[:, None]
        force = self.problem.loss_function.force(scale, outputs, self.labels).to(self.dtype)
        # lambda = 0 with an infinite h: no shrinkage, not 0 * inf
        shrinkage = (log_step + self.decay.log()).exp().to(self.dtype)[:, None]
        return _Proposal(self.pull(theta, force) - shrinkage * theta, log_step)

    def pull(self, theta: Array, force: Array) -> Array:
        """sum_i force_i grad f_i, shape `(B, P)`."""
        if theta.numel() * force.shape[-1] <= LARGEST_JACOBIAN:
            jacobian = self.problem.row_net.jacobian(theta, self.inputs)
            return (force[:, None, :] @ jacobian)[:, 0, :]
        import torch

        leaf = theta.detach().requires_grad_(True)
        total = (force * self.problem.row_net.outputs(leaf, self.inputs)).sum()
        return torch.autograd.grad(total, leaf)[0]

    def objective(self, theta: Array) -> Array:
        """log of mean loss + lambda |theta|^2 / 2, shape `(B,)`."""
        decayed = self.decay.log() + 2.0 * self.log_norm(theta) - log(2.0)
        return self.log_loss(self.outputs(theta)).logaddexp(decayed)

    def compiled_steps(self, due: Array) -> "Callable[[int, _Reached], _Reached] | None":
        """Steps in compiled code; None for other nets, rules, precisions and devices."""
        import torch

        if self.fixed is None or self.dtype != torch.float64 or self.device != "cpu":
            return None
        if self.problem.parameters * self.problem.rows > LARGEST_JACOBIAN:
            return None
        descent = compiled_descent(
            self.problem, self.fixed.numpy(), self.decay.numpy(), due.numpy()
        )
        if descent is None:
            return None

        def take(steps: int, reached: _Reached) -> _Reached:
            moved = (reached.theta, reached.log_time, reached.taken, reached.recorded)
            theta, log_time, taken, recorded = (tensor.clone() for tensor in moved)
            arrays = (tensor.numpy() for tensor in (theta, log_time, taken, recorded))
            descent.take(steps, *arrays)
            return _Reached(theta, log_time, taken, recorded)

        return take

    def check(self, theta: Array, limit: Array, step: int, active: Array) -> None:
        """Raise for the first active run that has diverged."""
        reached = self.objective(theta)
        bad = (active & ~(reached <= limit)).nonzero()
        if len(bad):
            index = int(bad[0, 0])
            run = self.runs[index]
            raise NumericalFailure(
                f"unstable step: run {index} of {len(self.runs)} diverged by step {step} with "
                f"{run.step}, decay {run.decay:g} and |theta(0)| = {np.linalg.norm(run.start):g}; "
                "take a smaller step"
            )

    def result(self, theta: Array, log_times: Array, steps: Array) -> Descent:
        outputs = self.outputs(theta)
        margins = outputs * self.labels if self.problem.loss_function.classifies else outputs
        arrays = (theta.double(), log_times, margins, self.log_loss(outputs), steps)
        return Descent(*(np.asarray(array.detach().cpu().numpy()) for array in arrays))


def _until_times(program: _Program, at: Floats, max_steps: int) -> Descent:
    """Record each run at its own times; runs that are done idle until the last one is."""
    import torch

    if at.min() < 0:
        raise InvalidInput(f"at holds {at.min()}; times must be >= 0 (in the unit of each run)")
    with np.errstate(divide="ignore"):
        units = np.log([run.unit for run in program.runs])
        due = program.tensor(np.log(at)[None, :] + units[:, None])
    theta = program.start
    reached = _Reached(
        theta,
        torch.full_like(program.decay, -inf),
        torch.zeros_like(program.decay),
        theta[:, None, :].repeat(1, len(at), 1),
    )
    ends = due.amax(-1)
    limit = program.objective(theta) + log(GROWTH)
    take = program.compiled_steps(due) or partial(_take_steps, program, due)
    for step in range(0, max_steps + 1, CHECK_EVERY):
        program.check(reached.theta, limit, step, reached.log_time < ends)
        reached = take(min(CHECK_EVERY, max_steps - step), reached)
        if not bool((reached.log_time < ends).any()):
            return program.result(reached.recorded, due, reached.taken)
    raise NumericalFailure(
        f"gradient descent reached t = {reached.log_time.exp().tolist()} of "
        f"{ends.exp().tolist()} in {max_steps} steps; give larger steps or max_steps"
    )


@dataclass(frozen=True, eq=False)
class _Reached:
    """Where runs are: theta `(B, P)`, log t and steps taken `(B,)`, recorded theta `(B, R, P)`."""

    theta: Array
    log_time: Array
    taken: Array
    recorded: Array


def _take_steps(program: _Program, due: Array, steps: int, reached: _Reached) -> _Reached:
    """So many steps of every run that is not done."""
    import torch

    theta, log_time, recorded = reached.theta, reached.log_time, reached.recorded
    taken, ends = reached.taken, due.amax(-1)
    for _ in range(steps):
        active = log_time < ends
        if not bool(active.any()):
            break
        proposal = program.propose(theta)
        later = log_time.logaddexp(proposal.log_step)
        passed = (due > log_time[:, None]) & (due <= later[:, None]) & active[:, None]
        if bool(passed.any()):
            # (due - t) / h of the way, by log-differences: both times may be far beyond float64
            gap = (due.exp() - log_time.exp()[:, None]) / proposal.log_step.exp()[:, None]
            share = torch.where(gap.isfinite(), gap, torch.ones_like(gap)).clamp(0.0, 1.0)
            part = share.to(theta.dtype)[..., None] * proposal.change[:, None, :]
            recorded = torch.where(passed[..., None], theta[:, None, :] + part, recorded)
        theta = torch.where(active[:, None], theta + proposal.change, theta)
        log_time = torch.where(active, later, log_time)
        taken = taken + active.to(taken.dtype)
    return _Reached(theta, log_time, taken, recorded)


def _until_steps(program: _Program, at_steps: Sequence[int]) -> Descent:
    import torch

    wanted = list(at_steps)
    whole = all(is_whole(step) and step >= 0 for step in wanted)
    if not wanted or not whole or sorted(set(wanted)) != wanted:
        raise InvalidInput(f"at_steps is {at_steps!r}; it must be increasing whole numbers >= 0")
    theta = program.start
    log_time = torch.full_like(program.decay, -inf)
    limit = program.objective(theta) + log(GROWTH)
    everyone = torch.ones_like(log_time, dtype=torch.bool)
    states, times = [], []
    for step in range(wanted[-1] + 1):
        if step % CHECK_EVERY == 0 or step == wanted[-1]:
            program.check(theta, limit, step, everyone)
        if step in wanted:
            states.append(theta)
            times.append(log_time)
        if step < wanted[-1]:
            proposal = program.propose(theta)
            theta = theta + proposal.change
            log_time = log_time.logaddexp(proposal.log_step)
    taken = torch.full_like(log_time, float(wanted[-1]))
    return program.result(torch.stack(states, 1), torch.stack(times, 1), taken)
