"""How large an instance is, in numbers: what the histograms of a report are drawn of."""

from dataclasses import fields
from enum import Enum
from math import isfinite, log10
from numbers import Real
from typing import Any

import numpy as np

from theory.lazy_rich import Setting
from theory.nets import Factorization
from verify.instances.base import Instance
from verify.instances.committee import CommitteeInstance
from verify.instances.flow import FlowInstance
from verify.instances.record import Record

SAMPLES = "samples"


def measures_of(instance: Instance) -> dict[str, float]:
    """The sizes and scales of an instance by their names; the same names for all of one kind.

    A `Record` gives its fields: numbers as they are, tuples and arrays by how many entries they
    hold, instances within by their own measures. Kinds unknown here give none.
    """
    match instance:
        case FlowInstance():
            return _of_flow(instance)
        case CommitteeInstance():
            return _of_setting(instance.setting)
        case Record():
            return _of_record(instance)
    return {}


def _of_flow(instance: FlowInstance) -> dict[str, float]:
    problem, regime = instance.problem, instance.regime
    of_indices = isinstance(problem.net, Factorization)
    dimension = problem.net.size if of_indices else problem.inputs.shape[1]  # type: ignore[attr-defined]
    measures = {
        SAMPLES: problem.samples,
        "input dimension": dimension,
        "parameters": problem.parameters,
        "degree": problem.degree,
        "log10 alpha": regime.log10_alpha,
        "decay power": regime.decay_power,
        "c": instance.c,
        "log10 anchor norm": log10(problem.anchor_norm),
    }
    largest = float(np.abs(problem.inputs).max())
    if not of_indices and largest > 0:
        measures["log10 largest input"] = log10(largest)
    return {name: float(value) for name, value in measures.items()}


def _of_setting(setting: Setting) -> dict[str, float]:
    return {
        SAMPLES: float(setting.samples),
        "input dimension": float(setting.input_dim),
        "width": float(setting.width),
        "log10 samples per dimension": log10(setting.sample_ratio),
        "log10 output scale": log10(setting.output_scale),
        "curvature": float(setting.curvature),
        "signal": float(setting.signal),
        "steps": float(setting.steps),
    }


def _of_record(record: Record) -> dict[str, float]:
    found: dict[str, float] = {}
    for field in fields(record):  # type: ignore[arg-type]
        found |= _of_field(field.name, getattr(record, field.name))
    return found


def _finite(name: str, value: Any) -> dict[str, float]:
    """A number as a measure; none where it is beyond all floats."""
    try:
        return {name: float(value)} if isfinite(value) else {}
    except OverflowError:
        return {}


def _of_field(name: str, value: Any) -> dict[str, float]:
    match value:
        case Enum() | bool():
            return {}
        case Real():
            return _finite(name, value)
        case tuple():
            return {f"entries of {name}": float(len(value))}
        case np.ndarray():
            return {f"entries of {name}": float(value.size)}
        case FlowInstance() | CommitteeInstance() | Record():
            return {f"{name}: {key}": of for key, of in measures_of(value).items()}
    return {}
