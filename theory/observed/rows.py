"""Rows: the numbers that a loss is of, one or several for each sample, linear in its outputs.

Scalar outputs and labels -1 or +1: the margin y f. Of K classes: f_y - f_j for each other class j,
in order. Of targets: the outputs themselves.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from theory.errors import InvalidInput
from theory.losses import Loss, Squared, loss_named

Kind = Literal["binary", "classes", "targets"]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of n samples, `slots` of each.

    Attributes:
        kind: what they are.
        labels: torch, `(n,)` of -1 and +1 or of classes; `(n, K)` of targets.
        outputs: K, numbers that the net returns for a sample.
        loss: its name, as of `theory.losses`.
    """

    kind: Kind
    labels: Any
    outputs: int
    loss: str

    @property
    def samples(self) -> int:
        return len(self.labels)

    @property
    def slots(self) -> int:
        """Rows of each sample."""
        return {"binary": 1, "classes": self.outputs - 1, "targets": self.outputs}[self.kind]

    @property
    def total(self) -> int:
        return self.samples * self.slots

    @cached_property
    def loss_function(self) -> Loss:
        """Of row values, flat, with labels 1 (the targets, flat, for "targets")."""
        if self.kind == "targets":
            return Squared()
        return loss_named(self.loss, self.outputs if self.kind == "classes" else None)

    @cached_property
    def _others(self) -> Any:
        import torch

        slots = torch.arange(self.slots, device=self.labels.device)
        return slots + (slots >= self.labels[:, None])

    def of(self, outputs: Any, samples: slice = slice(None)) -> Any:
        """Rows `(b, slots)` of outputs `(b, K)` at those samples."""
        if self.kind == "binary":
            return outputs * self.labels[samples, None]
        if self.kind == "targets":
            return outputs
        own = outputs.gather(1, self.labels[samples, None])
        return own - outputs.gather(1, self._others[samples])

    def coefficients(self, slot: int, samples: Any) -> Any:
        """c `(b, K)` with <c_i, f_i> the row of that slot of each of the samples."""
        import torch

        labels = self.labels[samples]
        if self.kind == "binary":
            return labels[:, None].double()
        found = torch.zeros(
            (len(labels), self.outputs), dtype=torch.float64, device=self.labels.device
        )
        if self.kind == "targets":
            found[:, slot] = 1.0
            return found
        found.scatter_(1, labels[:, None], 1.0)
        return found.scatter_(1, self._others[samples, slot : slot + 1], -1.0)


def rows_of(labels: Any, outputs: int, loss: str | None) -> Rows:
    """The rows of labels, a torch tensor of numbers, for a net of so many outputs.

    Labels 0 and 1 of a scalar net are taken for -1 and +1; the squared loss of K > 1 outputs takes
    classes for one-hot targets.

    Raises:
        InvalidInput: labels that are no classes, out of range, or of a wrong shape; a loss that
            does not go with so many outputs.
    """
    import torch

    if not torch.isfinite(labels.double()).all():
        raise InvalidInput("labels holds NaN or infinite values; all must be finite")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    whole = bool((labels == labels.round()).all()) if labels.is_floating_point() else True
    if loss is None:
        classified = labels.ndim == 1 and whole and (outputs > 1 or _binary(labels))
        loss = "squared" if not classified else "logistic" if outputs == 1 else "cross_entropy"
    if loss == "squared":
        return Rows("targets", _targets(labels, outputs, whole), outputs, loss)
    loss_named(loss, outputs if outputs > 1 else None)
    if labels.ndim != 1:
        raise InvalidInput(f"labels has shape {tuple(labels.shape)}; {loss} needs one per sample")
    if outputs == 1:
        if not _binary(labels):
            raise InvalidInput(
                f"labels holds {sorted(set(labels.tolist()))[:5]}; one output with the {loss} loss "
                "needs -1 and +1, or 0 and 1"
            )
        zeros_and_ones = bool((labels >= 0).all()) and bool((labels == 0).any())
        signs = labels.double() * 2.0 - 1.0 if zeros_and_ones else labels.double()
        return Rows("binary", signs, 1, loss)
    low, high = float(labels.min()), float(labels.max())
    if not whole or low < 0 or high >= outputs:
        raise InvalidInput(
            f"labels reach from {low:g} to {high:g}; of {outputs} outputs they are whole numbers "
            f"0 to {outputs - 1}"
        )
    return Rows("classes", labels.long(), outputs, loss)


def _binary(labels: Any) -> bool:
    values = set(labels.unique().tolist())
    return values <= {-1, 1} or values <= {0, 1}


def _targets(labels: Any, outputs: int, whole: bool) -> Any:
    import torch

    if labels.ndim == 1 and outputs == 1:
        return labels.double()[:, None]
    if labels.ndim == 2 and labels.shape[1] == outputs:
        return labels.double()
    if labels.ndim == 1 and whole and labels.min() >= 0 and labels.max() < outputs:
        return torch.nn.functional.one_hot(labels.long(), outputs).double()
    raise InvalidInput(
        f"labels has shape {tuple(labels.shape)}, from {float(labels.min()):g} to "
        f"{float(labels.max()):g}; {outputs} outputs with the squared loss need as many targets, "
        f"or classes 0 to {outputs - 1}"
    )
