"""What gradient flow conserves of a module, and how weight decay makes it shrink: e^(-2 lambda t).

Between groups of parameters of exact degrees: |theta_g|^2 / L_g - |theta_h|^2 / L_h. Of linear
layers in a row W_{l+1}' W_{l+1} - W_l W_l' (Du, Hu, Lee, NeurIPS 2018; Arora, Cohen, Hazan, ICML
2018); with rectifiers between them its diagonal, a number for each neuron, and a bias counts as
one more input.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from theory.backend import Floats
from theory.conservation.layers import balance
from theory.observed.degrees import Degree, groups
from theory.observed.net import Observed


@dataclass(frozen=True, eq=False)
class Balance:
    """Conserved quantities of a state.

    Attributes:
        layers: names of the groups.
        groups: |theta_g|^2 / L_g of each; empty where a degree is not exact.
        neurons: for each pair of neighbours in a chain the matrix W'W - WW' of linear layers, its
            diagonal where rectifiers lie between; empty where the module is no such chain.
        sizes: |W_l|^2 + |W_{l+1}|^2 for each of `neurons`.
    """

    layers: tuple[str, ...]
    groups: Floats
    neurons: tuple[Floats, ...]
    sizes: tuple[float, ...]

    def differences(self) -> Floats:
        """Of neighbouring groups, the later minus the earlier."""
        return np.diff(self.groups)

    def deviation(self, start: "Balance", shrink: float) -> float | None:
        """The largest difference from `shrink` times the start's, over the sizes it is made of.

        0 conserved, 1 unrelated; None where nothing is conserved.
        """
        found = [
            abs(now - shrink * then) / (below + above)
            for now, then, (below, above) in zip(
                self.differences(), start.differences(), pairwise(self.groups), strict=True
            )
        ]
        found += [
            float(np.linalg.norm(now - shrink * then)) / size
            for now, then, size in zip(self.neurons, start.neurons, self.sizes, strict=True)
        ]
        return max(found) if found else None


def balance_of(observed: Observed, degrees: Mapping[str, Degree]) -> Balance:
    """At the observed weights; `degrees` are those of the layers."""
    named = groups(observed)
    exact = all(degree.exact and degree.value > EXACT_ZERO for degree in degrees.values())
    squares = (
        [float(named[name].square().sum()) / degree.rounded for name, degree in degrees.items()]
        if exact
        else []
    )
    neurons, sizes = _of_chain(observed)
    return Balance(tuple(degrees), np.array(squares), neurons, sizes)


EXACT_ZERO = 1e-3
"""A group of a smaller degree does not scale the output."""


def _of_chain(observed: Observed) -> tuple[tuple[Floats, ...], tuple[float, ...]]:
    chain = linear_chain(observed.net.module)
    parts = {k: v.detach().cpu().numpy() for k, v in observed.net.parts(observed.theta).items()}
    if chain is None:
        return (), ()
    needed = {name for name, _, _ in chain} | {bias for _, bias, _ in chain[:-1] if bias}
    if not needed <= parts.keys():
        return (), ()
    neurons, sizes = [], []
    for (low, bias, rectified), (high, _, _) in pairwise(chain):
        below, above = parts[low], parts[high]
        if bias is not None:
            below = np.concatenate([below, parts[bias][:, None]], axis=1)
        matrix = balance((below, above))[0]
        neurons.append(np.diag(matrix) if rectified else matrix)
        sizes.append(float((below**2).sum() + (above**2).sum()))
    return tuple(neurons), tuple(sizes)


def linear_chain(module: Any) -> list[tuple[str, str | None, bool]] | None:
    """Weight, trained bias or None, and whether a rectifier follows, of each linear layer in a row.

    None where the module is no `torch.nn.Sequential` of linear layers, rectifiers, and what does
    nothing in eval mode; the last bias does not enter.
    """
    from torch import nn

    if type(module) is not nn.Sequential:
        return None
    found: list[tuple[str, str | None, bool]] = []
    for name, layer in module.named_children():
        if type(layer) is nn.Linear:
            bias = None if layer.bias is None else f"{name}.bias"
            found.append((f"{name}.weight", bias, False))
        elif type(layer) in (nn.ReLU, nn.LeakyReLU) and found:
            found[-1] = (*found[-1][:2], True)
        elif type(layer) not in (nn.Identity, nn.Dropout, nn.Flatten):
            return None
    return found if len(found) >= 2 else None
