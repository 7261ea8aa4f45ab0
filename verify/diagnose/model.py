"""The module that was trained, from FILE.py:NAME."""

from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.user_modules import load_file


def load_model(reference: str) -> Any:
    """A `torch.nn.Module`: NAME is one, a class, or a function without arguments that makes one.

    What it draws from torch's generator is the same at every load; weights come from checkpoints.

    Raises:
        InvalidInput: it cannot be loaded or is no module.
    """
    import torch

    file_name, _, name = reference.rpartition(":")
    if not file_name.endswith(".py") or not name:
        raise InvalidInput(f"model is {reference!r}; it must read FILE.py:MODULE_OR_FACTORY")
    if not Path(file_name).is_file():
        raise InvalidInput(f"model is {reference!r}; there is no file {file_name}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            file = load_file(file_name)
        except InvalidInput as error:
            raise InvalidInput(f"model: {error}") from error
        if not hasattr(file, name):
            raise InvalidInput(f"model is {reference!r}; {file_name} has no {name}")
        found = getattr(file, name)
        if not isinstance(found, torch.nn.Module):
            try:
                found = found()
            except (Exception, SystemExit) as error:
                raise InvalidInput(
                    f"model is {reference!r}; {name}() without arguments raises {error!r}"
                ) from error
    if not isinstance(found, torch.nn.Module):
        raise InvalidInput(
            f"model is {reference!r}; {name} gives {type(found).__name__}, it must give a "
            "torch.nn.Module"
        )
    return found
