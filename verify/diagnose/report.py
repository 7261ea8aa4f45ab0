"""A diagnosis as one object: the net, its start, what was predicted, and all checkpoints."""

from collections.abc import Callable
from typing import Any, Final

from theory.errors import InvalidInput, NumericalFailure
from verify.diagnose.assumptions import assumptions
from verify.diagnose.measure import finite
from verify.diagnose.moments import generalised, reached, turned
from verify.diagnose.scales import SCALES
from verify.diagnose.start import Start
from verify.diagnose.verdict import regime, verdict

NO_TIME: Final = "give --step-size, and checkpoints with a step"


def report(start: Start, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The object of `diagnose --json`, of the entries of all checkpoints; each gets its regime."""
    reasons: dict[str, str] = {}

    def number(path: str, compute: Callable[[], float]) -> float | None:
        try:
            return finite(compute())
        except (InvalidInput, NumericalFailure) as error:
            reasons[path] = str(error)
            return None

    degree = start.degree
    if not degree.exact:
        reasons["net.degree"] = (
            "the net is not homogeneous in these parameters: <theta, grad f> = L f fails by "
            f"{degree.spread:.2g} relative"
        )
    t_g = number("t_g", lambda: start.grokking_time)
    transition = {
        "predicted": number("transition.predicted", lambda: start.transition_time),
        "observed": turned(entries),
        "generalised": generalised(entries),
        "reached": reached(entries),
    }
    for name, words in (
        ("observed", "the weights did not turn by 30 degrees between two checkpoints"),
        ("generalised", "no test data, or no rise of their accuracy after the data fit"),
        ("reached", "no step size, or checkpoints without steps"),
    ):
        if transition[name] is None:
            untimed = transition["reached"] is None
            reasons[f"transition.{name}"] = f"time is not known: {NO_TIME}" if untimed else words
    for entry in entries:
        entry["regime"] = regime(entry)
    rows = start.observed.rows
    return {
        "net": {
            "parameters": start.observed.parameters,
            "outputs": rows.outputs,
            "degree": degree.rounded if degree.exact else None,
            "layers": {
                name: {"degree": finite(each.value), "exact": each.exact}
                for name, each in start.layer_degrees.items()
            },
        },
        "data": {
            "samples": rows.samples,
            "classes": {"binary": 2, "classes": rows.outputs, "targets": None}[rows.kind],
            "loss": rows.loss,
            "kernel_samples": len(start.kernel_rows) // rows.slots,
        },
        "decay": start.options.decay,
        "step_size": start.options.step_size,
        "t_g": t_g,
        "transition": transition,
        "assumptions": assumptions(start),
        "verdict": verdict(entries, transition, t_g),
        "checkpoints": entries,
        "scales": SCALES,
        "reasons": reasons,
    }
