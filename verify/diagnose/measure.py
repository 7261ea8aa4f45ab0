"""Everything measured on one checkpoint; a number that does not exist is None with its reason."""

from collections.abc import Callable
from math import exp, isfinite
from typing import Any, Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput, NumericalFailure
from theory.observed import (
    Observed,
    balance_of,
    collapsed_fraction,
    gram,
    kernel_alignment,
    kernel_drift,
    layer_degrees,
    linearized_distance,
    machine_distance,
    optimality,
    sharpness,
    shrunk,
)
from theory.observed.kinks import clarke_stationarity, share_on_kinks
from theory.observed.net import losses
from theory.observed.rows import Rows
from verify.diagnose.start import Start
from verify.diagnose.states import State

KERNEL: Final = ("drift", "alignment", "linearized_distance", "svm_distance")
KKT: Final = ("stationarity", "complementarity", "feasibility")
Say = Callable[[str], None]


class Fields:
    """Numbers of one checkpoint by their path, with reasons for those that do not exist."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def put(self, path: str, compute: Callable[[], Any], undefined: str = "") -> None:
        """Set a field to what `compute` gives, or to None with the words of what it raises."""
        try:
            value = compute()
        except (InvalidInput, NumericalFailure) as error:
            self.lack(path, str(error))
            return
        if isinstance(value, float) and not isfinite(value):
            self.lack(path, undefined or f"the number is {value}")
        else:
            self.values[path] = value

    def lack(self, path: str, reason: str) -> None:
        self.values[path] = None
        self.reasons[path] = reason


def nothing(name: str, reason: str) -> dict[str, Any]:
    """The entry of a checkpoint that cannot be used."""
    return {
        "file": name,
        **dict.fromkeys(
            ("step", "time", "norm", "direction_cosine", "min_margin", "normalized_margin", "loss")
        ),
        "kernel": dict.fromkeys(KERNEL),
        "kkt": dict.fromkeys(KKT),
        **dict.fromkeys(
            ("conserved", "collapsed_fraction", "sharpness", "accuracy", "test_accuracy")
        ),
        "reasons": {"file": reason},
    }


def measure(state: State, observed: Observed, start: Start, say: Say) -> dict[str, Any]:
    """The entry of one checkpoint."""
    fields = Fields()
    first = bool(np.array_equal(observed.theta.cpu().numpy(), start.observed.theta.cpu().numpy()))
    outputs = observed.outputs()
    values = observed.rows.of(outputs)
    time = start.elapsed(state.step, state.time)
    norm = float(observed.theta.norm())
    say("norm, margins, loss")
    fields.put(
        "direction_cosine",
        lambda: (
            float(observed.theta @ start.observed.theta) / (norm * start.norm)
            if norm * start.norm
            else float("nan")
        ),
        "weights are zero; they have no direction",
    )
    _margins(fields, start, values, norm)
    fields.put("loss", lambda: float(losses(observed.rows, values).mean()), "it leaves float64")
    fields.put("collapsed_fraction", lambda: collapsed_fraction(observed.rows, outputs))
    say("kernel")
    kernel = start.kernel if first else gram(observed, start.kernel_rows, start.options.memory)
    _kernel(fields, observed, start, values, kernel, first)
    say("KKT conditions")
    _optimality(fields, observed, start, values, kernel)
    _conserved(fields, observed, start, time)
    if start.options.sharpness:
        say("sharpness")
        fields.put("sharpness", lambda: sharpness(observed))
    else:
        fields.lack("sharpness", "not asked for")
    degrees = layer_degrees(observed, values)
    flat = fields.values
    return {
        "file": state.name,
        "step": state.step,
        "time": time,
        "norm": norm,
        **{k: flat[k] for k in ("direction_cosine", "min_margin", "normalized_margin")},
        "loss": flat["loss"],
        "accuracy": flat["accuracy"],
        "kernel": {name: flat[f"kernel.{name}"] for name in KERNEL},
        "kkt": {name: flat[f"kkt.{name}"] for name in (*KKT, "lower", "clarke", "on_kinks")},
        **{k: flat[k] for k in ("conserved", "collapsed_fraction", "sharpness")},
        "degrees": {
            name: {"value": finite(degree.value), "spread": finite(degree.spread)}
            for name, degree in degrees.items()
        },
        "reasons": fields.reasons,
    }


def finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _margins(fields: Fields, start: Start, values: Any, norm: float) -> None:
    names = ("min_margin", "normalized_margin")
    share = accuracy(start.observed.rows, values)
    if share is None:
        fields.lack("accuracy", "the targets are no classes")
    else:
        fields.values["accuracy"] = share
    if start.observed.rows.kind == "targets":
        for name in names:
            fields.lack(name, "the squared loss has targets, no margins")
        return
    smallest = float(values.min())
    fields.values["min_margin"] = smallest
    if not start.degree.exact:
        fields.lack("normalized_margin", _not_homogeneous(start))
        return
    fields.put("normalized_margin", lambda: smallest / norm**start.degree.rounded)


def accuracy(rows: Rows, values: Any) -> float | None:
    """The share of samples whose class is right; of targets, where they are one-hot or signs."""
    if rows.kind != "targets":
        return float((values.min(1).values > 0).double().mean())
    labels = rows.labels
    if labels.shape[1] == 1:
        signs = bool((labels.abs() == 1).all())
        return float((labels * values > 0).double().mean()) if signs else None
    one_hot = bool(((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all())
    right = (values.argmax(1) == labels.argmax(1)).double().mean()
    return float(right) if one_hot else None


def _not_homogeneous(start: Start) -> str:
    return (
        "the net is not homogeneous in these parameters: <theta, grad f> = L f fails by "
        f"{start.degree.spread:.2g} relative (biases behind the first layer, normalisation and "
        "skip connections do that)"
    )


def _kernel(
    fields: Fields, observed: Observed, start: Start, values: Any, kernel: Floats, first: bool
) -> None:
    rows = start.kernel_rows
    fields.put("kernel.drift", lambda: kernel_drift(kernel, start.kernel), "all gradients are zero")
    aims = (
        observed.rows.labels.reshape(-1)[rows].cpu().numpy()
        if observed.rows.kind == "targets"
        else np.ones(len(rows))
    )
    fields.put("kernel.alignment", lambda: kernel_alignment(kernel, aims), "kernel or labels are 0")
    if first:
        for name in ("linearized_distance", "svm_distance"):
            fields.lack(f"kernel.{name}", "this is the start: nothing has moved yet")
        return
    decays = bool(start.options.decay)
    rho = max(0.0, shrunk(start.observed.theta, observed.theta)) if decays else 1.0
    fields.put(
        "kernel.linearized_distance",
        lambda: linearized_distance(start.observed, observed.theta, values, rho),
        "neither the net nor its linearisation has moved",
    )
    fields.put(
        "kernel.svm_distance",
        lambda: machine_distance(start.observed.theta, observed.theta, start.machine.weights),
        "the weights differ from the start by a factor only",
    )


def _optimality(
    fields: Fields, observed: Observed, start: Start, values: Any, kernel: Floats
) -> None:
    options = start.options
    names = [f"kkt.{name}" for name in (*KKT, "lower")]
    try:
        found = optimality(observed, values, options.max_rows, options.memory, start.whole(kernel))
    except (InvalidInput, NumericalFailure) as error:
        for name in names:
            fields.lack(name, str(error))
        fields.lack("kkt.clarke", str(error))
        fields.values["kkt.on_kinks"] = None
        return
    for name in names:
        fields.values[name] = getattr(found, name.removeprefix("kkt."))
    zero = "all margins are zero up to rounding; their signs say nothing"
    if found.feasibility is None:
        fields.lack("kkt.feasibility", zero)
    if found.complementarity is None:
        targets = observed.rows.kind == "targets"
        fields.lack(
            "kkt.complementarity",
            "targets are equalities, which leave no slack" if targets else zero,
        )
    kinks = share_on_kinks(observed)
    fields.values["kkt.on_kinks"] = kinks
    if kinks is None:
        fields.lack(
            "kkt.clarke",
            "the model has no ReLU or LeakyReLU modules; rectifiers called as functions in forward "
            "are not seen, and stationarity then is of the gradients that autograd picks",
        )
    elif kinks == 0.0:
        fields.values["kkt.clarke"] = found.stationarity
    else:
        fields.put("kkt.clarke", lambda: clarke_stationarity(observed))


def _conserved(fields: Fields, observed: Observed, start: Start, time: float | None) -> None:
    now = balance_of(observed, start.layer_degrees)
    if len(now.groups) < 2 and not now.neurons:
        inexact = [name for name, degree in start.layer_degrees.items() if not degree.exact]
        fields.lack(
            "conserved",
            "there is one layer only"
            if not inexact
            else "nothing is known to be kept: the output is not homogeneous in "
            + ", ".join(inexact)
            + ", and the model is no Sequential of linear layers and rectifiers",
        )
        return
    decay = start.options.decay or 0.0
    shrink = 1.0 if not decay else None if time is None else exp(-2.0 * decay * time)
    if shrink is None:
        fields.reasons["conserved.deviation"] = (
            "time is not known: give --step-size, and checkpoints with a step"
        )
    fields.values["conserved"] = {
        "layers": list(now.layers),
        "groups": now.groups.tolist(),
        "differences": now.differences().tolist(),
        "predicted": None if shrink is None else (shrink * start.balance.differences()).tolist(),
        "neurons": [float(np.linalg.norm(matrix)) for matrix in now.neurons],
        "neurons_predicted": None
        if shrink is None
        else [float(shrink * np.linalg.norm(matrix)) for matrix in start.balance.neurons],
        "deviation": None if shrink is None else now.deviation(start.balance, shrink),
    }
