"""Handwritten digits by a deep ReLU net of large initial weights, whose output scale is alpha.

    f(x) = (alpha / N) W4 relu(W3 relu(W2 relu(W1 x))),   each product divided by sqrt(fan-in)

trained by AdamW on the mean squared error to one-hot labels.

Source: Kumar et al. (ICLR 2024), the experiment on MNIST; large initial weights after Liu et al.
(2023), "Omnigrok".
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from theory.backend import Array, Floats, Integers
from theory.errors import InvalidInput
from verify.experiments.optimization import (
    Draw,
    Moment,
    Parameters,
    check_positive,
    share_right,
    steps_of,
    trainable,
)

CLASSES = 10


@dataclass(frozen=True, eq=False)
class Images:
    """Images of digits: values in [0, 1] of shape `(n, pixels)`, and labels of shape `(n,)`."""

    values: Floats
    labels: Integers


def digits() -> Images:
    """The 1797 images of 8 x 8 pixels that scikit-learn ships (UCI, Alpaydin and Kaynak)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return Images(found.data / 16.0, found.target.astype(np.int64))


def idx_images(folder: Path) -> Images:
    """MNIST from its IDX files, plain or `.gz`: `train-images-idx3-ubyte` and its labels.

    Raises:
        InvalidInput: a file that is missing or is no such IDX file, by name.
    """
    images = read_idx(folder / "train-images-idx3-ubyte", dimensions=3)
    labels = read_idx(folder / "train-labels-idx1-ubyte", dimensions=1)
    if len(images) != len(labels):
        raise InvalidInput(f"{folder} holds {len(images)} images and {len(labels)} labels")
    if labels.size and labels.max() >= CLASSES:
        raise InvalidInput(f"{folder} holds the label {labels.max()}; allowed are 0 to 9")
    return Images(images.reshape(len(images), -1) / 255.0, labels.astype(np.int64))


def read_idx(path: Path, dimensions: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The bytes of one IDX file; `path` may lack the `.gz` of the file.

    Raises:
        InvalidInput: a file that is missing, cannot be unpacked, is not of unsigned bytes with so
            many dimensions, or is of another length than its header says.
    """
    found = next((p for p in (path, Path(f"{path}.gz")) if p.is_file()), None)
    if found is None:
        raise InvalidInput(f"{path} does not exist, nor does {path.name}.gz beside it")
    try:
        content = found.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError) as error:
        raise InvalidInput(f"{found} cannot be read: {error}") from error
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, 8, dimensions])
    if content[:4] != magic or len(content) < header:
        raise InvalidInput(
            f"{found} begins with {content[:4].hex() or 'nothing'}; an IDX file of unsigned bytes "
            f"with {dimensions} dimensions begins with {magic.hex()} and its sizes"
        )
    shape = np.frombuffer(content[4:header], dtype=">u4").astype(int)
    if len(content) - header != shape.prod():
        raise InvalidInput(
            f"{found} holds {len(content) - header} values; its header says {shape.prod()}"
        )
    return np.frombuffer(content[header:], dtype=np.uint8).reshape(shape)


@dataclass(frozen=True)
class DigitsMLP:
    """Sizes of one run.

    Attributes:
        samples: training images; a batch is a stretch of these, taken in turn.
        hidden_layers: all of the same width N.
        weight_scale: of the initial weights, in units of the He initialization.
        output_scale: alpha.
    """

    samples: int = 1000
    test_samples: int = 2000
    width: int = 200
    hidden_layers: int = 3
    weight_scale: float = 150.0
    output_scale: float = 1.0
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    batch: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        sizes = (self.samples, self.test_samples, self.width, self.hidden_layers, self.batch)
        if min(sizes) < 1:
            raise InvalidInput(f"{self} has a size below 1; all must be at least 1")
        if self.samples % self.batch:
            raise InvalidInput(f"batch is {self.batch}; it must divide samples = {self.samples}")
        check_positive(
            weight_scale=self.weight_scale,
            output_scale=self.output_scale,
            learning_rate=self.learning_rate,
        )


def initial_weights(run: DigitsMLP, pixels: int, device: str = "cpu") -> dict[str, Array]:
    """W1, W2, ... of shape `(outputs, inputs)`: weight_scale sqrt(2 / inputs) times N(0, 1)."""
    draw = Draw(run.seed, device)
    sizes = (pixels, *[run.width] * run.hidden_layers, CLASSES)
    return {
        f"W{k}": draw.normal(outputs, inputs, scale=run.weight_scale * (2.0 / inputs) ** 0.5)
        for k, (inputs, outputs) in enumerate(pairwise(sizes), start=1)
    }


def outputs(run: DigitsMLP, weights: Parameters, values: Array) -> Array:
    """f of images of shape `(n, pixels)`, shape `(n, 10)`."""
    *hidden, last = weights.values()
    for weight in hidden:
        values = (values @ weight.mT / weight.shape[1] ** 0.5).relu()
    return run.output_scale / run.width * (values @ last.mT)


def train(
    run: DigitsMLP, images: Images, at: Sequence[int], device: str = "cpu"
) -> Iterator[Moment]:
    """AdamW in batches; yields after each number of steps in `at`.

    Raises:
        InvalidInput: fewer images than asked for, or `at` does not increase from 0 or more.
        NumericalFailure: the loss of a batch is no longer finite.
    """
    import torch

    wanted = run.samples + run.test_samples
    if len(images.values) < wanted:
        raise InvalidInput(
            f"samples + test_samples is {wanted}; there are {len(images.values)} images"
        )
    order = np.random.default_rng(run.seed).permutation(len(images.values))[:wanted]
    values = torch.as_tensor(images.values[order], dtype=torch.float32, device=device)
    labels = torch.as_tensor(images.labels[order], device=device)
    one_hot = torch.eye(CLASSES, device=device)[labels]
    weights = trainable(initial_weights(run, values.shape[1], device))

    def loss(step: int) -> Array:
        first = step * run.batch % run.samples
        batch = slice(first, first + run.batch)
        return (outputs(run, weights, values[batch]) - one_hot[batch]).square().mean()

    optimizer = torch.optim.AdamW(
        weights.values(), lr=run.learning_rate, weight_decay=run.weight_decay, fused=True
    )
    parts = slice(0, run.samples), slice(run.samples, wanted)
    for step in steps_of(optimizer, loss, at):
        with torch.no_grad():
            found = outputs(run, weights, values)
            errors = (found - one_hot).square()
            measured = [
                (float(errors[part].mean()), share_right(found[part], labels[part]))
                for part in parts
            ]
        yield Moment.of(step, measured, weights)
