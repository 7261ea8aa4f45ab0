"""Every `--help`: an example that parses, and for each option what it does and its default."""

from collections.abc import Iterator
from shlex import split

import click
import pytest

from verify.commands import commands


def walked(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Commands that do something, with their names."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from walked(inner, (*path, name))
    else:
        yield " ".join(path), command


WALKED = dict(walked(commands))


@pytest.mark.parametrize("name", WALKED)
def test_help_has_examples_that_parse(name: str) -> None:
    command = WALKED[name]
    lines = (command.epilog or "").splitlines()
    assert "Examples:" in lines, name
    examples = [line.strip() for line in lines[lines.index("Examples:") + 1 :]]
    assert examples
    for example in examples:
        program, *words = split(example)
        own = name.split()
        assert (program, words[: len(own)]) == ("theory-verify", own)
        command.make_context(name, words[len(own) :])  # raises a usage error where it does not


@pytest.mark.parametrize("name", WALKED)
def test_every_option_tells_what_it_does_and_its_default(name: str) -> None:
    for option in WALKED[name].params:
        if not isinstance(option, click.Option) or option.name == "help":
            continue
        words = option.help or ""
        assert words, f"{name} {option.opts[0]} has no help"
        if option.is_flag or option.required:
            continue
        told = option.show_default or "[default:" in words
        chosen = option.multiple or option.name in FILTERS
        assert told or chosen, f"{name} {option.opts[0]} does not tell its default"


FILTERS = {"picture", "plot", "rate", "family", "html", "csv", "step_size"}
"""Left out, nothing is drawn, and nothing is chosen by them."""
CHOICES = {
    "profile": ("quick", "standard", "deep"),
    "preset": ("quick", "paper"),
    "engine": ("loky", "dask", "ray", "dask://HOST:PORT"),
}


@pytest.mark.parametrize("name", WALKED)
def test_choices_are_listed(name: str) -> None:
    for option in WALKED[name].params:
        for choice in CHOICES.get(option.name or "", ()):
            assert isinstance(option, click.Option)
            assert choice in (option.help or ""), (name, option.name, choice)


@pytest.mark.parametrize("name", WALKED)
def test_help_fits_eighty_columns(name: str) -> None:
    context = click.Context(WALKED[name], info_name=f"theory-verify {name}", terminal_width=80)
    lines = WALKED[name].get_help(context).splitlines()
    told = [line for line in lines if not line.startswith("    theory-verify")]  # to be copied
    assert max(map(len, told)) <= 80
