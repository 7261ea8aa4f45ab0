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

from theory.backend import Floats
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
from verify.instances.flow import ModuleNet, load_module_net, random_inputs
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


@dataclass(frozen=True, eq=False)
class _Own:
    """A net of one's own with what is given of its tasks, all sizes known.

    Attributes:
        inputs, labels, anchor: None where they are drawn, or searched for.
        dimension: the length of one input.
    """

    net: ModuleNet
    parameters: int
    dimension: int
    samples: int
    examples: int
    classes: int | None
    inputs: Floats | None
    labels: Floats | None
    anchor: Floats | None


def check_net(plan: CheckPlan, told: Told) -> int:
    """Check a net and say what was found; returns the exit status of `run`.

    An assumption that fails makes 1, an anchor that the search does not find 3.

    Raises:
        InvalidInput: the net or a file cannot be loaded or does not fit, or sizes are not known.
    """
    check_whole("seed", plan.seed, 0)  # all that numpy takes
    try:
        own = _read(plan)
    except AssumptionError as error:
        return fails(error.assumption, error, told.say)
    outputs = "" if own.classes is None else f", {own.classes} classes"
    told.say(
        f"{plan.net}: degree {own.net.degree}, {own.parameters} parameters, "
        f"inputs of length {own.dimension}{outputs}"
    )
    problems = _tasks(own, plan, told)
    return problems if isinstance(problems, int) else _judged(problems, own.classes, plan, told)


def _read(plan: CheckPlan) -> _Own:
    """What the plan names.

    Raises:
        InvalidInput: as `check_net` does.
        AssumptionError: a module that is no homogeneous function of its parameters.
    """
    inputs, labels = (None, None) if plan.data is None else read_own_data(plan.data)
    anchor = None if plan.anchor is None else read_own_anchor(plan.anchor)
    given = inputs
    if given is None and plan.input_dim is not None:
        given = random_inputs(_size("input-dim", None, plan.input_dim))
    net = load_module_net(plan.net, inputs=given)
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
    if classes is not None and labels is not None:
        labels = counted_from_zero(labels)
    return _Own(net, parameters, dimension, samples, examples, classes, inputs, labels, anchor)


def _tasks(own: _Own, plan: CheckPlan, told: Told) -> list[Problem] | int:
    """Tasks that meet every assumption, or the exit status of the first that does not."""
    generator = np.random.default_rng(plan.seed)
    problems: list[Problem] = []
    for k in range(own.examples):
        told.step(k, _steps(own.examples), f"assumptions of task {k + 1}")
        inputs = own.inputs
        if inputs is None:
            inputs = np.round(generator.standard_normal((own.samples, own.dimension)), 3)
        wanted = Wanted(own.net, own.parameters, inputs, own.labels, own.anchor, own.classes)
        task = task_of(wanted, generator, _silent if k else told.say)
        if not isinstance(task, Problem):
            return task
        problems.append(task)
    files = [name for name in ("data", "anchor") if getattr(plan, name) is not None]
    whose = f"with {' and '.join(files)} of your own, " if files else ""
    size = f"each of {problems[0].samples} samples and judged by every claim"
    told.say(f"  {'' if files else 'random '}tasks: {own.examples}, {whose}{size}")
    return problems


def _steps(tasks: int) -> int:
    """Of the assumptions and the two phases of each."""
    return 3 * tasks


def _judged(problems: list[Problem], classes: int | None, plan: CheckPlan, told: Told) -> int:
    """The exit status of the claims on these tasks."""
    early: list[Instance] = []
    for problem in problems:
        draw_instances(kernel_phase_instances(st.just(problem)), plan.seed, 1, early.append)
    late = [FlowInstance(problem, LATE_REGIME, LATE_C) for problem in problems]
    verdicts: list[Verdict] = []
    done, steps = len(problems), _steps(len(problems))
    suffix = "" if classes is None else "-of-classes"
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
