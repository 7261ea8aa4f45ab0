"""Checkpoints: which there are, and the weights, the step and the time that each holds."""

import glob
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from theory.errors import InvalidInput

NESTED: Final = ("state_dict", "model_state_dict", "model", "weights")
"""Where a training loop keeps the weights among other things."""

PREFIXES: Final = ("module.", "model.", "net.", "_orig_mod.")
"""What wrappers put before the names of parameters."""

STEPS: Final = ("step", "global_step", "steps")


@dataclass(frozen=True, eq=False)
class State:
    """The weights of a module at one moment.

    Attributes:
        name: of the file, or of the moment.
        weights: a state dictionary.
        step: steps of training until then; None where it is not known.
        time: steps times learning rate, where the checkpoint says it itself.
        digest: of the content.
    """

    name: str
    weights: Mapping[str, Any]
    step: float | None
    time: float | None
    digest: str


def found_files(patterns: Sequence[str]) -> list[Path]:
    """Files that the patterns match, each once, numbers in their names counting as numbers.

    Raises:
        InvalidInput: there is none.
    """
    paths = {Path(name) for pattern in patterns for name in glob.glob(pattern, recursive=True)}
    files = sorted((path for path in paths if path.is_file()), key=lambda p: natural(str(p)))
    if not files:
        raise InvalidInput(f"checkpoints is {', '.join(map(repr, patterns))}; no file matches")
    return files


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key by which step-9 comes before step-10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def read_state(path: Path, names: Sequence[str], trusted: bool = False) -> State:
    """The state in a file, for a module with parameters and buffers of these names.

    Args:
        trusted: unpickle whatever objects the file holds, which may run code.

    Raises:
        InvalidInput: it cannot be read or holds no weights.
    """
    import torch

    try:
        content = path.read_bytes()
        if path.suffix == ".safetensors":
            from safetensors.torch import load as load_safetensors

            held: Any = load_safetensors(content)
        else:
            held = torch.load(io.BytesIO(content), map_location="cpu", weights_only=not trusted)
    except ImportError:
        raise InvalidInput("it needs the package safetensors, which is not installed") from None
    except Exception as error:
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise InvalidInput(
                "it holds more than tensors; save model.state_dict(), or trust it (--trusted)"
            ) from error
        raise InvalidInput(f"it cannot be read: {_first_line(error)}") from error
    return state_of(held, str(path), names, hashlib.sha256(content).hexdigest())


def state_of(held: Any, name: str, names: Sequence[str], digest: str = "") -> State:
    """The state in what a checkpoint holds: a state dictionary, or one among other entries.

    Raises:
        InvalidInput: there are no weights in it.
    """
    import torch

    if isinstance(held, torch.nn.Module):
        held = held.state_dict()
    if not isinstance(held, Mapping):
        raise InvalidInput(f"it holds {type(held).__name__}, not a state dictionary")
    weights = held
    for key in NESTED:
        if isinstance(held.get(key), Mapping):
            weights = held[key]
            break
    if not all(isinstance(value, torch.Tensor) for value in weights.values()) or not weights:
        raise InvalidInput("it holds no state dictionary: no mapping of names to tensors")
    weights = _without_prefix(dict(weights), set(names))
    step = next((_number(held[key]) for key in STEPS if key in held), None)
    if step is None and (digits := re.findall(r"\d+", Path(name).stem)):
        step = float(digits[-1])
    time = _number(held["time"]) if "time" in held else None
    return State(name, weights, step, time, digest or _digest(weights))


def _without_prefix(weights: dict[str, Any], names: set[str]) -> dict[str, Any]:
    for _ in range(2):  # wrappers of wrappers
        for prefix in PREFIXES:
            if set(weights) & names or not all(key.startswith(prefix) for key in weights):
                continue
            weights = {key.removeprefix(prefix): value for key, value in weights.items()}
    return weights


def _digest(weights: Mapping[str, Any]) -> str:
    made = hashlib.sha256()
    for key, value in sorted(weights.items()):
        made.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        made.update(value.detach().cpu().double().numpy().tobytes())
    return made.hexdigest()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


Found = tuple[str, "State | InvalidInput"]


def listed_states(model: Any, checkpoints: Any, trusted: bool) -> list[Found]:
    """The states of a module in order of steps, each with its name, or why it cannot be used.

    Args:
        checkpoints: patterns and files, or state dictionaries; one or several.

    Raises:
        InvalidInput: the model is no module, or nothing is found.
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        raise InvalidInput(f"model is {type(model).__name__}; it must be a torch.nn.Module")
    names = list(model.state_dict())
    listed = [checkpoints] if isinstance(checkpoints, (str, Path, Mapping)) else list(checkpoints)
    if not listed:
        raise InvalidInput("checkpoints is empty; give at least one")
    if all(isinstance(entry, (str, Path)) for entry in listed):
        listed = list(found_files([str(entry) for entry in listed]))
    found: list[Found] = []
    for k, entry in enumerate(listed):
        name = str(entry) if isinstance(entry, Path) else f"checkpoint {k}"
        try:
            state = (
                read_state(entry, names, trusted)
                if isinstance(entry, Path)
                else state_of(entry, name, names)
            )
            found.append((name, state))
        except InvalidInput as error:
            found.append((name, error))
    return sorted(found, key=_by_step)


def _by_step(found: Found) -> tuple[bool, float]:
    """In order of steps where they are known; what is unusable comes last."""
    state = found[1]
    if isinstance(state, InvalidInput):
        return True, 0.0
    return False, state.step if state.step is not None else -1.0
