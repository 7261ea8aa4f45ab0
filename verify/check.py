"""`check`: the assumptions of the theorems, and then the theorems, on a net of one's own.

Tasks are random unless they are given: an anchor of zero output found by search, Gaussian inputs,
labels by a teacher in the gradient features. Each assumption that fails is explained with what
mends it.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from theory.errors import AssumptionError, InvalidInput
from theory.problem import Problem, Regime
from theory.requests import check_whole
from verify.alone import Verdict
from verify.atomic import write_json
from verify.catalogue import claim_named
from verify.check_task import Say, Wanted, classes_of, fails, task_of
from verify.evidence import CLAIM, Evidence
from verify.examine import examine_all
from verify.instances import FlowInstance, Instance
from verify.instances.flow import load_module_net, random_inputs
from verify.judge import Ruling, judge
from verify.language.claim import AnyClaim
from verify.own_task import counted_from_zero, read_own_anchor, read_own_data
from verify.search import draw_instances
from verify.shards import groups_of
from verify.strategies import kernel_phase_instances

KERNEL_PHASE = ("kernel-svm", "frozen-direction", "norm-law")
LATE_PHASE = ("kkt",)
LATE_REGIME = Regime(log10_alpha=4, decay_power=1.5)
LATE_C = 0.5
"""The late phase is long: it is judged from a moderate alpha on, where its bounds hold as well."""

QUICK_SAMPLES = 2
"""Of a random task that is to be as small as can be."""


@dataclass(frozen=True)
class CheckPlan:
    """A net as "file.py:ClassName", where counterexamples go, and how large the tasks are.

    Sizes that are None are attributes of the class.

    Attributes:
        data: a file of inputs and labels, None for random ones.
        anchor: a file of parameters, None for one that is searched for.
        quick: one task, and of two samples where these are random.
    """

    net: str
    report: Path
    input_dim: int | None = None
    parameters: int | None = None
    samples: int = 4
    examples: int = 1
    seed: int = 0
    data: str | None = None
    anchor: str | None = None
    quick: bool = False


@dataclass(frozen=True)
class Told:
    """Who is told what.

    Attributes:
        say: a line of what was found.
        step: how many steps of how many are done, and what runs now.
        wrote: a counterexample that lies in its file from now on.
    """

    say: Say
    step: Callable[[int, int, str], None] = lambda done, total, words: None
    wrote: Callable[[Path], None] = lambda path: None


def check_net(plan: CheckPlan, told: Told) -> int:
    """Check a net and say what was found; returns the exit status of `run`.

    An assumption that fails makes 1, an anchor that the search does not find 3.

    Raises:
        InvalidInput: the net or a file cannot be loaded or does not fit, or sizes are not known.
    """
    say = told.say
    check_whole("seed", plan.seed, 0)  # all that numpy takes
    inputs, labels = (None, None) if plan.data is None else read_own_data(plan.data)
    anchor = None if plan.anchor is None else read_own_anchor(plan.anchor)
    given = inputs
    if given is None and plan.input_dim is not None:
        given = random_inputs(_size("input-dim", None, plan.input_dim))
    try:
        net = load_module_net(plan.net, inputs=given)
    except AssumptionError as error:
        return fails(error.assumption, error, say)
    net = replace(net, path=str(Path(plan.net).resolve()))  # so that instances replay anywhere
    count = net.parameters if anchor is None else len(anchor)
    parameters = _size("parameters", plan.parameters, count)
    if anchor is not None and parameters != len(anchor):
        raise InvalidInput(f"anchor has {len(anchor)} entries; the net has {parameters} parameters")
    length = getattr(net.net, "input_dim", None) if inputs is None else inputs.shape[1]
    dimension = _size("input-dim", plan.input_dim, length)
    if inputs is not None and dimension != inputs.shape[1]:
        raise InvalidInput(f"input-dim is {dimension}; inputs has {inputs.shape[1]} columns")
    samples, examples = (_size(k, getattr(plan, k), None) for k in ("samples", "examples"))
    if plan.quick:
        samples, examples = QUICK_SAMPLES, 1
    if examples > 1 and inputs is not None and anchor is not None:
        raise InvalidInput(f"examples is {examples}; data and anchor of your own are one task")
    probes = random_inputs(dimension) if inputs is None else inputs
    classes = classes_of(net, parameters, probes)
    outputs = "" if classes is None else f", {classes} classes"
    if classes is not None and labels is not None:
        labels = counted_from_zero(labels)
    say(
        f"{plan.net}: degree {net.degree}, {parameters} parameters, inputs of length {dimension}"
        f"{outputs}"
    )
    generator = np.random.default_rng(plan.seed)
    problems: list[Problem] = []
    steps = 3 * examples
    for k in range(examples):
        told.step(k, steps, f"assumptions of task {k + 1}")
        drawn = inputs
        if drawn is None:
            drawn = np.round(generator.standard_normal((samples, dimension)), 3)
        wanted = Wanted(net, parameters, drawn, labels, anchor, classes)
        task = task_of(wanted, generator, _silent if k else say)
        if not isinstance(task, Problem):
            return task
        problems.append(task)
    own = [name for name in ("data", "anchor") if getattr(plan, name) is not None]
    whose = f"with {' and '.join(own)} of your own, " if own else ""
    size = f"each of {problems[0].samples} samples and judged by every claim"
    say(f"  {'' if own else 'random '}tasks: {examples}, {whose}{size}")
    early: list[Instance] = []
    for problem in problems:
        draw_instances(kernel_phase_instances(st.just(problem)), plan.seed, 1, early.append)
    late = [FlowInstance(problem, LATE_REGIME, LATE_C) for problem in problems]
    verdicts: list[Verdict] = []
    done, suffix = examples, "" if classes is None else "-of-classes"
    for names, instances in ((KERNEL_PHASE, early), (LATE_PHASE, late)):
        for claims in groups_of([claim_named(name + suffix) for name in names]):
            found: dict[str, list[Evidence]] = {claim.id: [] for claim in claims}
            for instance in instances:
                told.step(min(done, steps), steps, ", ".join(claim.id for claim in claims))
                # rivals are not this net's affair
                for name, evidence in examine_all(claims, instance, rivals=False).items():
                    found[name].append(evidence)
                done += 1
            verdicts += [_told(claim, found[claim.id], plan, told) for claim in claims]
    return 1 if "falsified" in verdicts else 3 if "inconclusive" in verdicts else 0


def _silent(_: str) -> None:
    pass


def _size(option: str, given: int | None, own: Any) -> int:
    value = own if given is None else given
    if value is None:
        attribute = option.replace("-", "_")
        raise InvalidInput(f"{option} is not known; give --{option}, or `{attribute}` in the class")
    check_whole(option, value)
    return int(value)


def _told(claim: AnyClaim, evidence: Sequence[Evidence], plan: CheckPlan, told: Told) -> Verdict:
    """The verdict on one claim, said with what speaks against it."""
    say, ruling = told.say, judge(evidence, CLAIM)
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
        told.wrote(path)
        say(f"    replay with {shlex.join(['python', '-m', 'verify', 'replay', str(path)])}")
    return verdict


def _of_few(ruling: Ruling) -> Verdict:
    """The verdict on a few tasks, too few for what a run asks of the coverage of each law."""
    open_rates = any(rate.judgement == "undecided" for rate in ruling.rates)
    if ruling.verdict == "falsified" or ruling.undecided or open_rates:
        return "falsified" if ruling.verdict == "falsified" else "inconclusive"
    return "holds" if ruling.decided else "inconclusive"
