"""Inputs, labels and an anchor of one's own, from files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from verify.diagnose.data import load_data
from verify.instances import read_json


def read_own_data(reference: str) -> tuple[Floats, Any]:
    """Inputs `(n, d)` and labels `(n,)`.

    From "X.json" with the keys "inputs" and "labels" (an instance file has them), or from what
    `verify.diagnose.data.load_data` takes. Labels 0 and 1 of the latter are taken as -1
    and +1.

    Raises:
        InvalidInput: naming what is missing or wrong.
    """
    if reference.endswith(".json"):
        found = read_json(Path(reference))
        for key in ("inputs", "labels"):
            if not isinstance(found, Mapping) or key not in found:
                raise InvalidInput(
                    f"data: {reference} has no {key!r}; inputs and labels are needed"
                )
        given, labels = found["inputs"], found["labels"]
    else:
        data = load_data(reference)
        given, labels = np.asarray(data.inputs), np.asarray(data.labels)
        values = np.unique(labels)
        if labels.ndim == 1 and np.array_equal(values, [0, 1]):
            labels = np.where(labels == 1, 1.0, -1.0)
    inputs = _numbers("inputs", given)
    if inputs.ndim != 2 or not inputs.size:
        raise InvalidInput(f"inputs has shape {inputs.shape}; it must be (samples, dimension)")
    return inputs, labels


def counted_from_zero(labels: Any) -> Any:
    """Labels -1 and +1 as the classes 0 and 1; others as they are."""
    values = np.asarray(labels)
    signs = values.ndim == 1 and values.size and np.all(np.isin(values, (-1, 1)))
    return np.where(values > 0, 1, 0) if signs else labels


def read_own_anchor(reference: str) -> Floats:
    """An anchor `(P,)` from "X.npy", from "X.npz" or "X.json" under "anchor", or a JSON list.

    Raises:
        InvalidInput: naming what is missing or wrong.
    """
    path = Path(reference)
    if path.suffix == ".json":
        found = read_json(path)
    elif path.suffix in (".npy", ".npz"):
        found = _loaded(path)
    else:
        raise InvalidInput(f"anchor is {reference!r}; allowed are X.npy, X.npz and X.json")
    if isinstance(found, Mapping):
        if "anchor" not in found:
            raise InvalidInput(f"anchor: {reference} has no 'anchor', but {', '.join(found)}")
        found = found["anchor"]
    anchor = _numbers("anchor", found)
    if anchor.ndim != 1 or not anchor.any():
        raise InvalidInput(
            f"anchor has shape {anchor.shape}; it must be one row of parameters, not all zero"
        )
    return anchor


def _loaded(path: Path) -> Any:
    try:
        found = np.load(path, allow_pickle=False)
        return found if path.suffix == ".npy" else {name: found[name] for name in found.files}
    except (OSError, ValueError) as error:
        raise InvalidInput(f"anchor: {path} cannot be read: {error}") from None


def _numbers(name: str, given: Any) -> Floats:
    try:
        numbers = np.array(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"{name} is no array of numbers: {error}") from None
    if not np.all(np.isfinite(numbers)):
        raise InvalidInput(f"{name} holds NaN or infinite values; all must be finite")
    return numbers
