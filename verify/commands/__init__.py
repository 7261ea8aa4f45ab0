"""The command line.

Exit status: 0 as expected, 1 another verdict, 2 bad input, 3 inconclusive, 4 a fault of its own:
a crash never looks like a refutation.
"""

import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from theory.errors import InvalidInput, NumericalFailure
from verify.commands.claims import list_claims, new
from verify.commands.diagnose import diagnose
from verify.commands.figures import figure
from verify.commands.instances import check, evaluate, replay
from verify.commands.results import compare, history
from verify.commands.runs import necessity, run, search

FAULT = 4


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="theory-verify", prog_name="theory-verify")
def commands() -> None:
    """Theorems about training dynamics as executable, falsifiable claims."""


for _command in (
    list_claims,
    new,
    run,
    search,
    necessity,
    evaluate,
    replay,
    check,
    diagnose,
    compare,
    history,
    figure,
):
    commands.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    command: Callable[..., Any] = commands.main
    try:
        status = command(args=given, prog_name="theory-verify", standalone_mode=False, obj=given)
        return int(status or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        message = error.format_message().rstrip(".").replace(". ", "; ")
        usage = error.ctx.command_path if error.ctx else "theory-verify"
        click.echo(f"error: {message}; see '{usage} --help'", err=True)
        return 2
    except InvalidInput as error:
        click.echo(f"error: {error}", err=True)
        return 2
    except NumericalFailure as error:
        click.echo(f"inconclusive: {error}", err=True)
        return 3
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; run the same command again to resume", err=True)
        return 130
    except BrokenPipeError:
        return 141
    except Exception:
        traceback.print_exc()
        click.echo("error: a fault of theory-verify itself; it says nothing of any claim", err=True)
        return FAULT
