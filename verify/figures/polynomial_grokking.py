"""Grokking on polynomial regression: without weight decay, with a growing weight norm."""

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import Experiment, curves, describe, draw_losses, runs_of
from verify.figures.outcomes import Outcome, below

SIZES = {
    "quick": Setting(50, 250, 250, curvature=0.1, step=0.2, steps=6000),
    "paper": Setting(100, 500, 550, curvature=0.02, step=0.02, steps=100_000),
}


def _compute(setting: Setting) -> Table:
    return curves(Experiment.of([setting]), setting.steps)


def parts(preset: str) -> list[Part]:
    return [Part("run", partial(_compute, SIZES[preset]))]


def draw(tables: Mapping[str, Table]) -> Figure:
    run = runs_of(tables["run"])[0]
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    losses, norm = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
    draw_losses(losses, run)
    losses.set_xlabel("")
    losses.set_ylabel("loss")
    alignment = losses.twinx()
    alignment.plot(
        run["step"][1:], run["kernel_alignment"][1:], color="tab:green", label="kernel alignment"
    )
    alignment.set_ylabel("kernel-task alignment", color="tab:green")
    alignment.tick_params(axis="y", colors="tab:green")
    lines = [*losses.get_lines(), *alignment.get_lines()]
    figure.legend(
        lines,
        [str(line.get_label()) for line in lines],
        loc="outside upper center",
        ncols=3,
    )
    norm.plot(run["step"][1:], run["weight_norm"][1:], color="tab:purple")
    norm.set_ylabel(r"$|\theta|$")
    norm.set_xlabel("gradient steps")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    run = runs_of(tables["run"])[0]
    test, twin = run["test"], run["linearised_test"]
    train_step, test_step = run.learned("train"), run.learned("test")
    aligned = [run.at("kernel_alignment", step) for step in (train_step, test_step)]
    return (
        Outcome(
            "the test loss first rises with the linearised one, as high within a quarter",
            (
                below(
                    "1.1 times the initial test loss, against its peak", 1.1 * test[0], test.max()
                ),
                below("linearised peak, against 1.25 test peaks", twin.max(), 1.25 * test.max()),
            ),
            "the test loss never rises above its start",
            (below("test peak, against 1.02 of its start", test.max(), 1.02 * test[0]),),
        ),
        Outcome(
            "the test loss falls to a tenth three times later than the training loss, or later",
            (below("3 training steps, against test steps", 3 * train_step, test_step),),
            "both fall together",
            (below("test steps, against 1.5 training steps", test_step, 1.5 * train_step),),
        ),
        Outcome(
            "the network ends below a quarter of kernel regression; its linearisation does not",
            (
                below("final test loss", run.last("test"), run.last("kernel_regression") / 4),
                below("half its start, against the linearised test loss", test[0] / 2, twin[-1]),
            ),
            "the lazy solution generalises as well",
            (below("final linearised test loss", twin[-1], run.last("test")),),
        ),
        Outcome(
            "between the two falls the alignment of the kernel grows by half or more",
            (
                below(
                    "1.5 alignments at the first, against the second", 1.5 * aligned[0], aligned[1]
                ),
            ),
            "the kernel is aligned once the training loss has fallen",
            (
                below(
                    "alignment at the second, against 1.1 at the first",
                    aligned[1],
                    1.1 * aligned[0],
                ),
            ),
        ),
        Outcome(
            "the weight norm ends 1.5 times as large as it began, or larger",
            (below("1.5 initial norms", 1.5 * run["weight_norm"][0], run.last("weight_norm")),),
            "the weight norm falls, as where weight decay makes nets grok",
            (below("final norm", run.last("weight_norm"), run["weight_norm"][0]),),
        ),
    )


FIGURE = FigureSpec(
    name="polynomial-grokking",
    title="Grokking on polynomial regression, without weight decay",
    caption=(
        "A wide committee machine learns y = (beta.x)^2/2 by full-batch gradient descent. Its test "
        "loss (exact, of the population) first rises with that of its linearisation, whose end is "
        "kernel regression with the initial NTK, and falls later, as the kernel becomes aligned "
        "with the task (centred, of the population) and the weight norm grows. "
        + " ".join(f"{preset}: {describe(setting)}." for preset, setting in SIZES.items())
    ),
    source="Kumar et al. (ICLR 2024), Figure 1",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
