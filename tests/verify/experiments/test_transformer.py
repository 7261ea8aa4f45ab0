"""The transformer against torch's attention; centring, and what the scale does to first steps."""

from dataclasses import replace
from math import log

import pytest
import torch

from theory.descent.modular_addition import ModularTask
from theory.errors import InvalidInput
from verify.experiments.transformer import (
    ModularTransformer,
    initial_weights,
    outputs,
    train,
)

SMALL = ModularTransformer(ModularTask(5, fraction=0.8), 8, 2, 16, learning_rate=1e-2)


def tokens_of(run: ModularTransformer) -> torch.Tensor:
    pairs = torch.as_tensor(run.task.split()[0])
    return torch.nn.functional.pad(pairs, (0, 1), value=run.task.modulus)


def test_the_outputs_are_those_of_the_whole_causal_network() -> None:
    weights, tokens = initial_weights(SMALL), tokens_of(SMALL)
    weights["into_bias"] += 0.3
    stream = weights["embedding"][tokens] + weights["position"]

    def heads(name: str) -> torch.Tensor:
        return (stream @ weights[name]).unflatten(-1, (2, 4)).transpose(1, 2)

    read = torch.nn.functional.scaled_dot_product_attention(
        heads("query"), heads("key"), heads("value"), is_causal=True
    )
    stream = stream + read.transpose(1, 2).flatten(2) @ weights["output"]
    units = torch.relu(stream @ weights["into"] + weights["into_bias"])
    stream = stream + units @ weights["out_of"] + weights["out_of_bias"]
    expected = (stream @ weights["unembedding"])[:, -1]
    torch.testing.assert_close(outputs(weights, tokens, 2), expected)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_centred_logits_start_from_the_uniform_distribution(scale: float) -> None:
    (moment,) = train(replace(SMALL, scale=scale), [0])
    assert moment.train_loss == pytest.approx(log(5), rel=1e-12)
    assert moment.test_loss == pytest.approx(log(5), rel=1e-12)


def test_without_decay_the_first_steps_are_those_of_the_sign_of_the_gradient() -> None:
    # AdamW's first step is lr sign(gradient), whatever the scale: weights move by lr / s^power
    for power in (0.0, 2.0):
        run = replace(SMALL, scale=2.0, rate_power=power, weight_decay=0.0, warmup=0)
        weights = initial_weights(run)
        moved = {name: value.clone().requires_grad_() for name, value in weights.items()}
        tokens = tokens_of(run)
        logits = 2.0 * (outputs(moved, tokens, 2) - outputs(weights, tokens, 2)).double()
        labels = torch.as_tensor(run.task.sums(run.task.split()[0]))
        torch.nn.functional.cross_entropy(logits, labels).backward()
        rate = 1e-2 / 2.0**power
        with torch.no_grad():
            for value in moved.values():
                slope = value.grad
                assert slope is not None
                value -= rate * slope / (slope.abs() + 1e-8)
            after = 2.0 * (outputs(moved, tokens, 2) - outputs(weights, tokens, 2)).double()
            expected = torch.nn.functional.cross_entropy(after, labels).item()
        (moment,) = train(run, [1])
        assert moment.train_loss == pytest.approx(expected, rel=1e-4)


def test_training_fits_and_repeats() -> None:
    first, last = train(SMALL, [0, 100])
    assert last.train_accuracy == 1.0 > first.train_accuracy
    assert list(train(SMALL, [0, 100])) == [first, last]


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="heads must divide width"):
        replace(SMALL, heads=3)
    with pytest.raises(InvalidInput, match=r"weight_decay is -1\.0"):
        replace(SMALL, weight_decay=-1.0)
    with pytest.raises(InvalidInput, match=r"scale is nan"):
        replace(SMALL, scale=float("nan"))
