"""One instance, or one net of your own."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

import click

from theory.errors import InvalidInput
from verify.commands.interruption import counterexamples_kept, told_when_interrupted
from verify.commands.options import examples_of, module_option, report_option, seed_option


@click.command(
    epilog=examples_of(
        "evaluate examples/instance.json",
        "evaluate examples/instance.json --at 0.7 --at 1.3 --json",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--at",
    "times",
    type=float,
    multiple=True,
    help="Times in units of t_g; may be repeated [default: 1 - c and 1 + c of the file].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(file: Path, times: tuple[float, ...], as_json: bool) -> int:
    """Integrate one instance and print everything measured on it."""
    from verify.evaluate import evaluate_instance, format_evaluation
    from verify.instances import FlowInstance, read_instance

    for at in times:
        if not isfinite(at):
            raise InvalidInput(f"at is {at:g}; it must be a finite time in units of t_g")
    instance = read_instance(file)
    if not isinstance(instance, FlowInstance):
        raise InvalidInput(f"{file}: evaluate takes a net with weight decay; replay takes any")
    measured = evaluate_instance(instance, times or (1.0 - instance.c, 1.0 + instance.c))
    text = json.dumps(measured, indent=1, allow_nan=False)
    click.echo(text if as_json else format_evaluation(measured))
    return 0


@click.command(epilog=examples_of("replay reports/latest/counterexamples/kkt-early.json"))
@click.argument("file", type=click.Path(path_type=Path))
@module_option
def replay(file: Path, modules: tuple[str, ...]) -> int:
    """Judge one saved instance again under the claim that it was saved for."""
    from verify.replay import replay_file

    replayed = replay_file(file, modules)
    for line in replayed.lines:
        click.echo(line)
    return replayed.exit_status


@click.command(
    epilog=examples_of(
        "check my_net.py:Net",
        "check my_net.py:Net --input-dim 2 --parameters 4 --quick",
        "check my_net.py:Net --data train.npz --anchor start.npy",
    )
)
@click.argument("net", metavar="FILE:CLASS")
@click.option("--input-dim", type=int, help="Length of an input [default: the class's input_dim].")
@click.option("--parameters", type=int, help="Length of theta [default: the class's parameters].")
@click.option("--samples", type=int, help="Samples of random tasks [default: 4].")
@click.option("--examples", type=int, default=1, show_default=True, help="Tasks.")
@click.option(
    "--data",
    metavar="FILE",
    help="Your inputs and labels -1 and 1: .json with both, .npz with x and y [default: random].",
)
@click.option(
    "--anchor",
    metavar="FILE",
    help="Your direction of zero output: .npy, .npz or .json [default: one is searched for].",
)
@click.option("--quick", is_flag=True, help="One task, of two samples where they are random.")
@seed_option
@report_option("check", "Folder for counterexamples.")
def check(net: str, report: Path, samples: int | None, data: str | None, **options: Any) -> int:
    """Check the assumptions and both theorems on a torch net of your own."""
    from verify.check import CheckPlan, Told, check_net
    from verify.progress import Progress

    if samples is not None and data is not None:
        raise InvalidInput(f"samples is {samples}; with data there are as many as it has")
    written: list[Path] = []
    with (
        told_when_interrupted(lambda: counterexamples_kept(written)),
        Progress("steps") as progress,
    ):

        def say(line: str) -> None:
            progress.clear()
            click.echo(line)

        given: dict[str, Any] = {} if samples is None else {"samples": samples}
        plan = CheckPlan(net, report, data=data, **given, **options)
        return check_net(plan, Told(say, progress.step, written.append))
