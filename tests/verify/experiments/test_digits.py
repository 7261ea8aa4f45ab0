"""Digits: IDX files written and read back, broken ones named, and the net's laws."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from theory.errors import InvalidInput
from verify.experiments.digits import (
    DigitsMLP,
    digits,
    idx_images,
    initial_weights,
    outputs,
    read_idx,
    train,
)

SMALL = DigitsMLP(
    40,
    100,
    width=16,
    hidden_layers=2,
    weight_scale=8.0,
    batch=20,
    output_scale=0.1,
    learning_rate=1e-2,
)


def idx(values: np.ndarray) -> bytes:
    sizes = b"".join(int(size).to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def write(folder: Path, values: np.ndarray, labels: np.ndarray, suffix: str = "") -> None:
    for kind, data in (("images-idx3", values), ("labels-idx1", labels)):
        content = gzip.compress(idx(data)) if suffix else idx(data)
        (folder / f"train-{kind}-ubyte{suffix}").write_bytes(content)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_are_read_back(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.integers(0, 256, (6, 4, 3)), rng.integers(0, 10, 6)
    write(tmp_path, values, labels, suffix)
    images = idx_images(tmp_path)
    np.testing.assert_array_equal(images.values, values.reshape(6, 12) / 255)
    np.testing.assert_array_equal(images.labels, labels)


def test_broken_idx_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(InvalidInput, match=r"x does not exist, nor does x\.gz"):
        read_idx(path, 1)
    whole = idx(np.arange(5))
    broken = {
        "begins with nothing": b"",
        "begins with 89504e47": b"\x89PNG" + whole,
        "begins with 00000801": whole[:6],
        "holds 4 values; its header says 5": whole[:-1],
        "holds 6 values; its header says 5": whole + b"a",
        "cannot be read": gzip.compress(whole)[:-6],
    }
    for message, content in broken.items():
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=message):
            read_idx(path, 1)
    path.write_bytes(whole)
    with pytest.raises(InvalidInput, match="with 3 dimensions"):
        read_idx(path, 3)


def test_images_and_labels_must_agree(tmp_path: Path) -> None:
    write(tmp_path, np.zeros((3, 2, 2)), np.zeros(2))
    with pytest.raises(InvalidInput, match="3 images and 2 labels"):
        idx_images(tmp_path)
    write(tmp_path, np.zeros((2, 2, 2)), np.array([0, 11]))
    with pytest.raises(InvalidInput, match="the label 11"):
        idx_images(tmp_path)


def test_the_shipped_digits() -> None:
    images = digits()
    assert images.values.shape == (1797, 64)
    assert (images.values.min(), images.values.max()) == (0.0, 1.0)
    assert np.bincount(images.labels).min() > 170


def test_the_net_is_homogeneous_in_each_layer_and_linear_in_alpha() -> None:
    weights, values = initial_weights(SMALL, 64), torch.as_tensor(digits().values[:9]).float()
    before = outputs(SMALL, weights, values)
    for name in weights:
        torch.testing.assert_close(
            outputs(SMALL, weights | {name: 3.0 * weights[name]}, values), 3.0 * before
        )
    larger = replace(SMALL, output_scale=0.5)
    torch.testing.assert_close(outputs(larger, weights, values), 5.0 * before)


def test_the_initial_weights_have_the_stated_scale() -> None:
    weights = initial_weights(replace(SMALL, width=200), 64)
    for name, inputs in (("W1", 64), ("W2", 200)):
        assert weights[name].std().item() == pytest.approx(8.0 * (2 / inputs) ** 0.5, rel=0.03)


def test_training_fits_and_repeats() -> None:
    run = replace(SMALL, weight_scale=4.0, output_scale=1.0, learning_rate=0.03)
    first, last = train(run, digits(), [0, 400])
    assert last.train_accuracy == 1.0
    assert last.test_accuracy > 0.4 > first.test_accuracy
    assert list(train(run, digits(), [0, 400])) == [first, last]


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="batch is 30"):
        replace(SMALL, batch=30)
    with pytest.raises(InvalidInput, match="size below 1"):
        replace(SMALL, samples=0)
    with pytest.raises(InvalidInput, match="there are 1797 images"):
        next(train(replace(SMALL, test_samples=1758), digits(), [0]))
