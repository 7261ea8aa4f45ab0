"""The command line.

Exit status: 0 as expected, 1 another verdict, 2 bad input, 3 inconclusive, 4 a fault of its own or
of the disk, 130 interrupted, 141 nobody reads the output: a crash never looks like a refutation.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from theory.errors import InvalidInput, NumericalFailure
from verify.commands.claims import list_claims, new
from verify.commands.diagnose import diagnose
from verify.commands.explain import explain
from verify.commands.figures import figure
from verify.commands.instances import check, evaluate, replay
from verify.commands.interruption import Interrupted, write_failed
from verify.commands.results import compare, history, report
from verify.commands.runs import necessity, run, search

FAULT = 4
INTERRUPTED = 130
CLOSED = 141


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="theory-verify", prog_name="theory-verify")
def commands() -> None:
    """Theorems about training dynamics as executable, falsifiable claims."""


for _command in (
    list_claims,
    explain,
    new,
    run,
    search,
    necessity,
    evaluate,
    replay,
    check,
    diagnose,
    compare,
    report,
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
    except Interrupted as error:
        click.echo(f"interrupted; {error}", err=True)
        return INTERRUPTED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; nothing was written", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return CLOSED
    except OSError as error:
        if (told := write_failed(error)) is None:
            return _fault()
        click.echo(f"error: {told}", err=True)
        return FAULT
    except SystemExit:  # click's own, and the only one: nobody reads what it prints
        return CLOSED
    except Exception:
        return _fault()


def _fault() -> int:
    traceback.print_exc()
    click.echo("error: a fault of theory-verify itself; it says nothing of any claim", err=True)
    return FAULT


def end(status: int) -> int:
    """The status with which the process ends, once all output is written.

    Output that nobody reads is dropped here, or the interpreter would complain of it.
    """
    try:
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        status = CLOSED
    except OSError as error:
        if status != FAULT:  # else it has been told
            click.echo(f"error: the output cannot be written ({error.strerror})", err=True)
        status = FAULT
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status
