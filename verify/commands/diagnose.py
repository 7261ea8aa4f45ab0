"""A training run of one's own: what its checkpoints are, and where they are going."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from verify.atomic import make_folder
from verify.commands.interruption import told_when_interrupted
from verify.commands.options import Decorator, engine_option, examples_of, jobs_option
from verify.diagnose.options import LOSSES


def _file(name: str, purpose: str) -> Decorator:
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option(name, type=path, metavar="FILE", help=purpose)


@click.command(
    epilog=examples_of(
        "diagnose --model net.py:Net --data train.npz --checkpoints 'runs/*.pt'",
        "diagnose --model net.py:Net --data sklearn:digits --checkpoints 'runs/*.pt' --decay 1e-4",
        "diagnose --model net.py:Net --data X.npz --checkpoints 'runs/*.pt' --engine dask --jobs 2",
    )
)
@click.option(
    "--model", required=True, metavar="FILE.py:NAME", help="A module, class or factory of one."
)
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="X.npz or X.pt of inputs and labels, X.npy,y.npy, or sklearn:digits and its like.",
)
@click.option(
    "--checkpoints",
    required=True,
    multiple=True,
    metavar="PATTERN",
    help="Files of state dictionaries, quoted: 'runs/*.pt'. The first is the start.",
)
@click.option("--test", metavar="DATA", help="Data not trained on, for accuracy [default: none].")
@click.option("--decay", type=float, help="Weight decay lambda [default: none].")
@click.option("--loss", type=click.Choice(LOSSES), help="[default: as labels and outputs suggest]")
@click.option("--step-size", type=float, help="Learning rate, where checkpoints have no time.")
@click.option("--layers", multiple=True, metavar="NAME", help="Only these layers are theta.")
@click.option("--without", multiple=True, metavar="NAME", help="These layers are not.")
@click.option("--device", default="cpu", show_default=True, help="Where torch computes.")
@click.option(
    "--max-rows",
    type=int,
    default=5000,
    show_default=True,
    help="Samples (times other classes) whose kernel is held; more are sampled.",
)
@click.option("--no-sharpness", is_flag=True, help="Leave the Hessian's eigenvalue out.")
@click.option("--trusted", is_flag=True, help="Unpickle objects in checkpoints, which run code.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_file("--html", "Write one page that needs no network.")
@_file("--csv", "Write a line for each checkpoint.")
@_file("--plot", "Write the curves of the page, as .svg, .png or .pdf.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports") / "diagnose",
    show_default=True,
    help="Folder of what was measured: an interrupted run resumes.",
)
@jobs_option
@engine_option
@click.option("--quiet", is_flag=True, help="No progress.")
def diagnose(
    model: str,
    data: str,
    checkpoints: tuple[str, ...],
    test: str | None,
    as_json: bool,
    html: Path | None,
    csv: Path | None,
    plot: Path | None,
    cache: Path,
    jobs: int,
    engine: str,
    quiet: bool,
    no_sharpness: bool,
    **options: Any,
) -> int:
    """Measure checkpoints of your own net against theory: kernel regime, t_g, KKT, what is kept."""
    from verify.diagnose.data import load_data
    from verify.diagnose.elsewhere import Elsewhere
    from verify.diagnose.model import load_model
    from verify.diagnose.run import diagnose as measure
    from verify.diagnose.terminal import told
    from verify.progress import Progress
    from verify.report.svg import format_of

    if plot is not None:
        format_of(plot)
    for name, path in (("html", html), ("csv", csv), ("plot", plot)):
        if path is not None:
            make_folder(path.parent, f"folder of {name}")  # before minutes of work, not after
    given = load_data(data)
    held = None if test is None else load_data(test, "test")
    here = jobs == 1 and engine == "loky"
    spread = None if here else Elsewhere(engine, jobs, model, data)
    unkept: list[str] = []

    def kept() -> str:
        if unkept:
            return "nothing is kept; the same command starts over"
        return (
            f"checkpoints that were measured are kept in {cache}; the same command goes on from "
            "there"
        )

    with told_when_interrupted(kept), ExitStack() as stack:
        progress = None if quiet else stack.enter_context(Progress("checkpoints"))

        def warn(words: str) -> None:
            unkept.append(words)
            if progress is not None:
                progress.clear()
            click.echo(f"warning: {words}", err=True)

        found = measure(
            load_model(model),
            given.inputs,
            given.labels,
            checkpoints,
            test=None if held is None else (held.inputs, held.labels),
            cache=cache,
            progress=None if progress is None else progress.step,
            warn=warn,
            spread=spread,
            sharpness=not no_sharpness,
            **options,
        )
    if html is not None:
        found.write_html(html)
    if csv is not None:
        found.write_csv(csv)
    if plot is not None:
        found.write_plot(plot)
    click.echo(json.dumps(found.data, indent=1, allow_nan=False) if as_json else told(found.data))
    return 0
