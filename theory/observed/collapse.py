"""Softmax collapse as it happened: samples whose loss in float32 is exactly zero.

Source: Prieto et al. (ICLR 2025).
"""

from typing import Any

from theory.observed.net import losses
from theory.observed.rows import Rows


def collapsed_fraction(rows: Rows, outputs: Any) -> float:
    """The share of samples with a float32 loss of zero, as torch computes it from the outputs.

    Of one output by `softplus`, which keeps e^-q: `binary_cross_entropy_with_logits` rounds to zero
    from a margin of 17 on where the label is 0, but its gradient does not.

    Args:
        outputs: `(n, K)` in float64; they are rounded first.
    """
    import torch

    single = outputs.float()
    if rows.kind == "classes" and rows.loss == "cross_entropy":
        found = torch.nn.functional.cross_entropy(single, rows.labels, reduction="none")
    elif rows.kind == "binary" and rows.loss == "logistic":
        found = torch.nn.functional.softplus(-rows.of(single.double()).float())
    else:
        found = losses(rows, rows.of(single))
    return float((found == 0).double().mean())
