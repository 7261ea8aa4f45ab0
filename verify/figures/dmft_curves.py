"""Train and test loss at three sample ratios: mean field theory, two solvers, and simulation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from matplotlib.figure import Figure

from theory.lazy_rich import Setting
from theory.lazy_rich.dmft import MeanField, causal_sweep, iterate, online, simulate
from theory.nets.base import single_thread
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.outcomes import Bound, Outcome, below

STANDARD_ERRORS = 4.0
FINITE_DIMENSION = 10.0
"""What the finite dimension may make of a loss, times D: twice the train loss's 5 % at D = 100."""

JUDGED = (1.0, 5.0)
"""Flow times that are compared; later the losses at nu = 10 are too small for their errors."""

SOLVERS = 0.02


@dataclass(frozen=True)
class Size:
    """How large a preset is.

    Attributes:
        setting: all but the number of samples.
        ratios: nu = P / D of the parts.
        trained_on: training samples of all runs of one ratio together.
        samples, runs: of the causal sweep; the second solver gets one run.
    """

    setting: Setting
    ratios: tuple[float, ...]
    trained_on: int
    samples: int
    runs: int


_SETTING = Setting(
    input_dim=200,
    width=2,
    samples=1,
    curvature=0.5,
    step=0.2,
    steps=40,
    centred=False,
    overlaps=(0.5, -0.4),
)

SIZES = {
    "quick": Size(_SETTING, (1.5, 3.0, 10.0), 240_000, 1024, 16),
    "paper": Size(replace(_SETTING, input_dim=1000, steps=60), (1.5, 3.0, 10.0), 400_000, 2048, 12),
}


@single_thread()
def _compute(size: Size, ratio: float) -> Table:
    setting = replace(size.setting, samples=round(ratio * size.setting.input_dim))
    problem = MeanField.of(setting)
    theory = causal_sweep(problem, size.samples, size.runs)
    second = iterate(problem, size.samples, rtol=1e-5)
    same = causal_sweep(problem, size.samples)
    limit = online(problem).test
    runs = max(size.trained_on // setting.samples, 4)
    found = simulate(setting, runs)
    table: Table = {
        "nu": [ratio] * (setting.steps + 1),
        "D": [setting.input_dim] * (setting.steps + 1),
        "t": [setting.step * k for k in range(setting.steps + 1)],
        "online": limit.tolist(),
    }
    for loss in ("train", "test"):
        losses = getattr(found, f"{loss}_losses")
        table[f"{loss} simulated"] = losses.mean(0).tolist()
        table[f"{loss} simulated error"] = (losses.std(0) / runs**0.5).tolist()
        table[f"{loss} theory"] = getattr(theory, loss).tolist()
        table[f"{loss} theory error"] = getattr(theory, f"{loss}_error").tolist()
        table[f"{loss} iterated"] = getattr(second, loss).tolist()
        table[f"{loss} swept on the same noise"] = getattr(same, loss).tolist()
    return table


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"nu-{ratio:g}", partial(_compute, size, ratio)) for ratio in size.ratios]


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(3.2 * len(tables), 3.2), layout="constrained")
    for axes, table in zip(
        figure.subplots(1, len(tables), sharey=True, squeeze=False)[0], tables.values(), strict=True
    ):
        for loss, colour in (("train", "tab:blue"), ("test", "tab:orange")):
            axes.plot(table["t"], table[f"{loss} theory"], color=colour, label=f"{loss}, theory")
            axes.plot(
                table["t"][::2],
                table[f"{loss} iterated"][::2],
                "x",
                color=colour,
                markersize=4,
                label=f"{loss}, iterated",
            )
            axes.errorbar(
                table["t"][1::4],
                table[f"{loss} simulated"][1::4],
                yerr=table[f"{loss} simulated error"][1::4],
                fmt="o",
                color=colour,
                markersize=3.5,
                markerfacecolor="white",
                label=f"{loss}, simulated",
            )
        axes.plot(table["t"], table["online"], ":", color="0.4", label=r"$\nu = \infty$")
        axes.set_yscale("log")
        axes.set_title(rf"$\nu = P/D = {float(table['nu'][0]):g}$")
        axes.set_xlabel("flow time t")
    figure.axes[0].set_ylabel("loss")
    figure.axes[-1].legend()
    return figure


def _worst(table: Table, loss: str, column: str) -> Bound:
    """The deviation of a theory from the simulation that comes nearest to what is allowed."""
    bounds = []
    for k, time in enumerate(table["t"]):
        if JUDGED[0] <= float(time) <= JUDGED[1]:
            value = float(table[f"{loss} simulated"][k])
            errors = [float(table[f"{loss} {kind} error"][k]) for kind in ("simulated", "theory")]
            error = (errors[0] ** 2 + errors[1] ** 2) ** 0.5 / value
            allowed = FINITE_DIMENSION / float(table["D"][k]) + STANDARD_ERRORS * error
            deviation = abs(float(table[column][k]) / value - 1.0)
            bounds.append(below(f"{loss} deviation", deviation, allowed))
    return max(bounds, key=lambda bound: bound.value / bound.bound)


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    """Theory against simulation, and one solver against the other; online learning is the rival."""
    found = []
    for table in tables.values():
        ratio = f"nu = {float(table['nu'][0]):g}"
        losses = ("train", "test")
        found.append(
            Outcome(
                f"theory and simulation agree from t = 1 to 5 at {ratio}",
                tuple(_worst(table, loss, f"{loss} theory") for loss in losses),
                "every sample is new, nu = infinity",
                tuple(_worst(table, loss, "online") for loss in losses),
            )
        )
        found.append(
            Outcome(
                f"the two solvers agree on the same noise at {ratio}",
                _solvers(table, "iterated"),
                "the second one gives the loss of online learning",
                _solvers(table, "online"),
            )
        )
    return found


def _solvers(table: Table, column: str) -> tuple[Bound, ...]:
    """Relative deviation of the second solver, or what takes its place, from the first."""
    bounds = []
    for loss in ("train", "test"):
        name = f"{loss} iterated" if column == "iterated" else column
        pairs = zip(table[name], table[f"{loss} swept on the same noise"], strict=True)
        worst = max(abs(float(a) / float(b) - 1.0) for a, b in pairs)
        bounds.append(below(f"{loss} deviation", worst, SOLVERS))
    return tuple(bounds)


FIGURE = FigureSpec(
    name="dmft-curves",
    title="Train and test loss at finite sample ratio: mean field theory and simulation",
    caption=(
        "A committee machine of two neurons, eps = 0.5, alpha = 1, dt = 0.2, initial overlaps 0.5 "
        "and -0.4 with the target's direction. Lines: mean field theory by a causal sweep; "
        "crosses: the same by damped iteration; circles: gradient descent at finite D, mean over "
        "seeds with standard errors; dotted: infinitely many samples."
    ),
    source="Kumar et al. (arXiv 2310.06110, before v3), dynamical mean field theory",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
