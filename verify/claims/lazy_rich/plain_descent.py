"""The same descent by another route: the machine written out, its gradient by torch's autograd."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from theory.errors import InvalidInput
from theory.lazy_rich import Moment, Training
from theory.lazy_rich.knobs import learning_rate

Descent = Callable[[Training, Sequence[int]], Iterator[Moment]]
"""How a training is run; `theory.lazy_rich.gradient_descent` is one."""


def plain_descent(training: Training, at: Sequence[int]) -> Iterator[Moment]:
    """Descent on the mean of (f - y)^2 in the weights, and the readouts where they are trained.

    Nothing is shared with `gradient_descent` but the learning rate dt D N / (2 alpha^2).

    Args:
        training: in numpy, of one batch axis, without momentum and weight decay; one machine may
            be trained on several sets.

    Raises:
        InvalidInput: momentum or weight decay.
    """
    if training.momentum or training.weight_decay:
        raise InvalidInput("momentum and weight_decay must be 0: plain descent has neither")
    machine = training.committee
    inputs, targets = map(torch.as_tensor, (training.inputs, training.targets))
    scale, curvature, rate = (
        torch.as_tensor(value, dtype=torch.float64).reshape(-1, 1)
        for value in (machine.output_scale, machine.curvature, learning_rate(training))
    )
    trained = machine.readout is not None
    runs = len(machine.weights) if machine.weights.ndim == 3 else len(inputs)
    shape = (runs, *machine.weights.shape[-2:])
    weights = torch.tensor(np.broadcast_to(machine.weights, shape), requires_grad=True)
    readout = torch.ones(weights.shape[:-1], dtype=torch.float64)
    if trained:
        readout = torch.tensor(machine.readout, requires_grad=True)

    def outputs() -> torch.Tensor:
        fields = torch.einsum("rpd,rnd->rpn", inputs, weights)
        active = fields + 0.5 * curvature[..., None] * fields * fields
        return scale * torch.einsum("rpn,rn->rp", active, readout) / machine.width

    offset = outputs().detach() if training.centred else torch.zeros_like(targets)
    for step in range(at[-1] + 1):
        residuals = targets + offset - outputs()
        if step in at:
            now = replace(
                machine,
                weights=weights.detach().numpy().copy(),
                readout=readout.detach().numpy().copy() if trained else None,
            )
            yield Moment(step, now, residuals.detach().numpy())
        variables = [weights, readout] if trained else [weights]
        slopes = torch.autograd.grad((residuals**2).mean(-1).sum(), variables)
        with torch.no_grad():
            weights -= rate[..., None] * slopes[0]
            if trained:
                readout -= rate * slopes[1]
