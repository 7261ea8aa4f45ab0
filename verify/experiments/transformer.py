"""Modular addition by a one-layer transformer whose laziness is the scale s of its logits.

    logits = s (net(a, b, =) - net_0(a, b, =)),   read at the last position

without layer norms, trained by full-batch AdamW on the mean cross-entropy in double precision, at
the learning rate lr / s^2 (or another power of s).

Source: Kumar et al. (ICLR 2024), the transformer; the architecture is that of Nanda et al. (2023),
"Progress measures for grokking via mechanistic interpretability".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from theory.backend import Array
from theory.descent.modular_addition import ModularTask
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

CONTEXT = 3
"""Tokens a, b and the equals sign."""


@dataclass(frozen=True)
class ModularTransformer:
    """Sizes of one run.

    Attributes:
        task: the pairs and their split.
        width: d_model, a multiple of `heads`.
        hidden: units of the ReLU layer.
        scale: s.
        learning_rate: lr at s = 1.
        weight_decay: decoupled, times the learning rate lr / s^2 (or another power of s).
        warmup: steps over which the learning rate rises.
        seed: of the weights.
    """

    task: ModularTask
    width: int = 128
    heads: int = 4
    hidden: int = 512
    scale: float = 1.0
    learning_rate: float = 6e-6
    rate_power: float = 2.0
    weight_decay: float = 1.0
    warmup: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.width, self.heads, self.hidden) < 1 or self.width % self.heads:
            raise InvalidInput(
                f"width, heads and hidden are {self.width}, {self.heads} and {self.hidden}; all "
                "must be at least 1, and heads must divide width"
            )
        if self.weight_decay < 0 or not isfinite(self.weight_decay):
            raise InvalidInput(f"weight_decay is {self.weight_decay!r}; it must be 0 or more")
        check_positive(scale=self.scale, learning_rate=self.learning_rate)


def initial_weights(run: ModularTransformer, device: str = "cpu") -> dict[str, Array]:
    """Gaussian weights of variance 1 / width, biases zero; `x @ weight` throughout."""
    draw, d, vocabulary = Draw(run.seed, device), run.width, run.task.modulus + 1
    shapes = {
        "embedding": (vocabulary, d),
        "position": (CONTEXT, d),
        "query": (d, d),
        "key": (d, d),
        "value": (d, d),
        "output": (d, d),
        "into": (d, run.hidden),
        "out_of": (run.hidden, d),
        "unembedding": (d, run.task.modulus),
    }
    weights = {name: draw.normal(*shape, scale=d**-0.5) for name, shape in shapes.items()}
    weights["into_bias"] = 0.0 * weights["into"][0]
    weights["out_of_bias"] = 0.0 * weights["out_of"][0]
    return weights


def outputs(weights: Parameters, tokens: Array, heads: int) -> Array:
    """The logits at the last position without scale or centring, shape `(n, p)`.

    Only that position is computed after the attention: it alone is read, and it may attend to all
    positions, so that a causal mask would change nothing.

    Args:
        tokens: (a, b, p), shape `(n, 3)`.
    """
    stream = weights["embedding"][tokens] + weights["position"]
    last = stream[:, -1]

    def per_head(vectors: Array) -> Array:
        return vectors.unflatten(-1, (heads, -1))

    keys, values = per_head(stream @ weights["key"]), per_head(stream @ weights["value"])
    query = per_head(last @ weights["query"])[:, None]
    scores = (query * keys).sum(-1, keepdim=True) / keys.shape[-1] ** 0.5
    read = (scores.softmax(1) * values).sum(1)
    last = last + read.flatten(-2) @ weights["output"]
    units = (last @ weights["into"] + weights["into_bias"]).relu()
    last = last + units @ weights["out_of"] + weights["out_of_bias"]
    return last @ weights["unembedding"]


def train(run: ModularTransformer, at: Sequence[int], device: str = "cpu") -> Iterator[Moment]:
    """Full-batch AdamW; yields after each number of steps in `at`.

    Raises:
        InvalidInput: `at` does not increase from 0 or more.
        NumericalFailure: the loss is no longer finite.
    """
    import torch

    weights = trainable(initial_weights(run, device))
    equals = run.task.modulus
    parts = []
    for pairs in run.task.split():
        tokens = torch.nn.functional.pad(torch.as_tensor(pairs), (0, 1), value=equals).to(device)
        with torch.no_grad():
            start = outputs(weights, tokens, run.heads)
        parts.append((tokens, start, torch.as_tensor(run.task.sums(pairs), device=device)))

    def logits(tokens: Array, start: Array) -> Array:
        return run.scale * (outputs(weights, tokens, run.heads) - start).double()

    cross_entropy = torch.nn.functional.cross_entropy
    inputs, initial, labels = parts[0]
    optimizer = torch.optim.AdamW(
        weights.values(),
        lr=run.learning_rate / run.scale**run.rate_power,
        weight_decay=run.weight_decay,
        betas=(0.9, 0.98),
        fused=True,
    )
    objective = lambda _: cross_entropy(logits(inputs, initial), labels)  # noqa: E731
    for step in steps_of(optimizer, objective, at, warmup=run.warmup):
        with torch.no_grad():
            found = [(logits(tokens, start), sums) for tokens, start, sums in parts]
            measured = [(float(cross_entropy(*pair)), share_right(*pair)) for pair in found]
        yield Moment.of(step, measured, weights)
