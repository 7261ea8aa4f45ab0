"""`check`: the assumptions of the theorems, and then the theorems, on a net of one's own.

Tasks are random: an anchor of zero output found by search, Gaussian inputs, labels by a teacher in
the gradient features. Each assumption that fails is explained with what mends it.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from theory.assumptions import (
    check_finite,
    check_homogeneity,
    check_separability,
    check_smoothness,
    check_zero_output,
)
from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput
from theory.plain_function import check_plain_function
from theory.problem import Problem, Regime
from verify.alone import Verdict
from verify.anchor_search import DEGENERATE, ZERO_STARTS, find_anchor, relative_margin
from verify.atomic import write_json
from verify.catalogue import claim_named
from verify.claims.early_late.kernel_machines import probe_inputs
from verify.evidence import CLAIM, Evidence
from verify.examine import examine_all
from verify.instances import FlowInstance, Instance
from verify.instances.flow import ModuleNet, load_module_net, random_inputs
from verify.judge import Ruling, judge
from verify.language.claim import AnyClaim
from verify.search import draw_instances
from verify.shards import groups_of
from verify.strategies import kernel_phase_instances

Say = Callable[[str], None]

KERNEL_PHASE = ("kernel-svm", "frozen-direction", "norm-law")
LATE_PHASE = ("kkt",)
LATE_REGIME = Regime(log10_alpha=4, decay_power=1.5)
LATE_C = 0.5
"""The late phase is long: it is judged from a moderate alpha on, where its bounds hold as well."""

MENDING = {
    "finite values": "let forward return one finite number for each input",
    "determinism": "call .eval(); draw nothing and keep nothing in forward",
    "independent samples": "let each output depend on its own input only",
    "double precision": "keep float64 throughout",
    "homogeneity": "scale theta by c and the output must scale by c^degree: drop biases (or give "
    "them the degree of their layer), normalisation and skip connections, correct `degree`",
    "smoothness": "take a continuously differentiable activation, for instance relu(z)**2",
    "zero output": "let theta hold two copies of the net and return f(first half) - f(second half)",
    "separability": "give the net more parameters, or ask for fewer --samples",
}
ANCHORS = 5
"""Anchors that are tried, each with other labels, before the margin is called degenerate."""


@dataclass(frozen=True)
class CheckPlan:
    """A net as "file.py:ClassName", where counterexamples go, and how large the tasks are.

    Sizes that are None are attributes of the class.
    """

    net: str
    report: Path
    input_dim: int | None = None
    parameters: int | None = None
    samples: int = 4
    examples: int = 1
    seed: int = 0


def check_net(plan: CheckPlan, say: Say) -> int:
    """Check a net and say what was found; returns the exit status of `run`.

    An assumption that fails makes 1, an anchor that the search does not find 3.

    Raises:
        InvalidInput: the net cannot be loaded or does not run, or its sizes are not known.
    """
    given = (
        None if plan.input_dim is None else random_inputs(_size("input-dim", None, plan.input_dim))
    )
    try:
        net = load_module_net(plan.net, inputs=given)
    except AssumptionError as error:
        return _fails(error.assumption, error, say)
    net = replace(net, path=str(Path(plan.net).resolve()))  # so that instances replay anywhere
    parameters = _size("parameters", plan.parameters, net.parameters)
    dimension = _size("input-dim", plan.input_dim, getattr(net.net, "input_dim", None))
    samples, examples = (_size(k, getattr(plan, k), None) for k in ("samples", "examples"))
    say(f"{plan.net}: degree {net.degree}, {parameters} parameters, inputs of length {dimension}")
    generator = np.random.default_rng(plan.seed)
    problems: list[Problem] = []
    for k in range(examples):
        inputs = np.round(generator.standard_normal((samples, dimension)), 3)
        task = _task(net, parameters, inputs, generator, _silent if k else say)
        if not isinstance(task, Problem):
            return task
        problems.append(task)
    say(f"  random tasks: {examples}, each of {samples} samples and judged by every claim")
    early: list[Instance] = []
    for problem in problems:
        draw_instances(kernel_phase_instances(st.just(problem)), plan.seed, 1, early.append)
    late = [FlowInstance(problem, LATE_REGIME, LATE_C) for problem in problems]
    verdicts: list[Verdict] = []
    for names, instances in ((KERNEL_PHASE, early), (LATE_PHASE, late)):
        for claims in groups_of([claim_named(name) for name in names]):
            verdicts += _judged(claims, instances, plan, say)
    return 1 if "falsified" in verdicts else 3 if "inconclusive" in verdicts else 0


def _size(option: str, given: int | None, own: Any) -> int:
    value = own if given is None else given
    if value is None:
        attribute = option.replace("-", "_")
        raise InvalidInput(f"{option} is not known; give --{option}, or `{attribute}` in the class")
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidInput(f"{option} is {value!r}; it must be a whole number of at least 1")
    return value


def _silent(_: str) -> None:
    pass


def _task(
    net: ModuleNet, parameters: int, inputs: Floats, generator: np.random.Generator, say: Say
) -> Problem | int:
    """A random task that meets every assumption, or the exit status."""
    anchor = generator.standard_normal(parameters)
    net.try_out(anchor, inputs)
    blank = Problem(net, anchor, inputs, np.ones(len(inputs)))
    checks: dict[str, Callable[[], None]] = {
        "finite values": lambda: check_finite(blank),
        "a function of theta and x": lambda: check_plain_function(net, parameters, inputs),
        "homogeneity": lambda: check_homogeneity(net, parameters, inputs),
        "smoothness": lambda: check_smoothness(net, parameters, inputs),
    }
    if not all(_holds(name, check, say) for name, check in checks.items()):
        return 1
    problem = _regular_task(net, parameters, inputs, probe_inputs(blank), generator, say)
    if problem is None:
        return 3
    met = _holds("zero output", lambda: check_zero_output(problem), say) and _holds(
        "separability", lambda: check_separability(problem), say
    )
    return problem if met else 1


def _regular_task(
    net: ModuleNet,
    parameters: int,
    inputs: Floats,
    probes: Floats,
    generator: np.random.Generator,
    say: Say,
) -> Problem | None:
    """An anchor and labels with a kernel margin of a generic size, or None and why."""
    margins: list[float] = []
    for _ in range(ANCHORS):
        anchor = find_anchor(net, parameters, np.concatenate([inputs, probes]), generator)
        if anchor is None:
            break
        gradients = net.jacobian(anchor, inputs)
        labels = np.where(gradients @ generator.standard_normal(parameters) < 0, -1.0, 1.0)
        problem = Problem(net, anchor, inputs, labels)
        margins.append(relative_margin(problem))
        if margins[-1] >= DEGENERATE:
            return problem
    if margins:
        say(
            f"  unknown  separability: kernel margins at {len(margins)} anchors are at most "
            f"{max(margins):.1e}, relative to gradients at random parameters (needed: "
            f"{DEGENERATE:.0e})"
        )
        say(f"           mend: {MENDING['separability']}")
        return None
    say(
        f"  unknown  zero output: {ZERO_STARTS} searches found no theta with output 0 at which the "
        "gradients do not vanish as well"
    )
    say(f"           mend: {MENDING['zero output']}")
    return None


def _holds(assumption: str, check: Callable[[], None], say: Say) -> bool:
    try:
        check()
    except AssumptionError as error:
        return not _fails(assumption, error, say)
    say(f"  met      {assumption}")
    return True


def _fails(assumption: str, error: AssumptionError, say: Say) -> int:
    """Say what fails and what mends it; the exit status."""
    say(f"  fails    {assumption}: {error}")
    say(f"           mend: {MENDING[error.assumption]}")
    return 1


def _judged(
    claims: tuple[AnyClaim, ...], instances: Sequence[Instance], plan: CheckPlan, say: Say
) -> list[Verdict]:
    """Measure every task once, judge the claims on it, and say what speaks against them."""
    found: dict[str, list[Evidence]] = {claim.id: [] for claim in claims}
    for instance in instances:
        # rivals are not this net's affair
        for name, evidence in examine_all(claims, instance, rivals=False).items():
            found[name].append(evidence)
    return [_told(claim, found[claim.id], plan, say) for claim in claims]


def _told(claim: AnyClaim, evidence: Sequence[Evidence], plan: CheckPlan, say: Say) -> Verdict:
    """The verdict on one claim, said with what speaks against it."""
    ruling = judge(evidence, CLAIM)
    verdict = _of_few(ruling)
    say(f"  {verdict:<12} {claim.id}: {claim.title}")
    for entry in evidence:
        if entry.outcome != "measured":
            say(f"    {entry.outcome}: {entry.message}")
    for rate in ruling.rates:
        if rate.judgement in ("refuted", "undecided"):
            say(
                f"    {rate.judgement}: {rate.name} is {rate.fitted:.4g}, predicted "
                f"{rate.predicted:.4g} +- {rate.tolerance:.2g}"
            )
    if ruling.refuted and ruling.worst is not None:
        worst = ruling.worst
        say(f"    furthest out: {ruling.worst_law}: {worst.value:.4g} <= {worst.bound:.4g}")
        path = plan.report / f"{claim.id}.json"
        write_json(path, evidence[ruling.worst_index or 0].instance)
        say(f"    replay with {shlex.join(['python', '-m', 'verify', 'replay', str(path)])}")
    return verdict


def _of_few(ruling: Ruling) -> Verdict:
    """The verdict on a few tasks, too few for what a run asks of the coverage of each law."""
    open_rates = any(rate.judgement == "undecided" for rate in ruling.rates)
    if ruling.verdict == "falsified" or ruling.undecided or open_rates:
        return "falsified" if ruling.verdict == "falsified" else "inconclusive"
    return "holds" if ruling.decided else "inconclusive"
