"""Local degrees of homogeneity, by Euler's identity: <theta_g, grad_g f> = L_g f.

Where it holds of a group of parameters with one L_g for all samples, |theta_g|^2 / L_g of gradient
flow changes at the same rate for all groups, and their differences decay like e^(-2 lambda t).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from theory.observed.net import Observed

EXACT: Final = 1e-6
"""Relative spread of a degree that is one number; rounding leaves 1e-12, a bias some percent."""

_FACTORS: Final = (0.75, 1.5)


@dataclass(frozen=True)
class Degree:
    """The degree of f in a group of parameters, by least squares over rows.

    Attributes:
        value: L_g = sum <theta_g, grad_g q> q / sum q^2.
        spread: what it leaves, |<theta_g, grad_g q> - L_g q| / |q|; 0 for a homogeneous group.
    """

    value: float
    spread: float

    @property
    def exact(self) -> bool:
        """Whether it is one number for all rows."""
        return self.spread <= EXACT * max(1.0, abs(self.value))

    @property
    def rounded(self) -> float:
        """A whole number where it is one."""
        near = round(self.value)
        return float(near) if abs(self.value - near) <= 10 * EXACT else self.value


def groups(observed: Observed) -> dict[str, Any]:
    """theta with all but one layer zero, by the layer's name: tensors `(P,)`."""
    import torch

    parts = observed.net.parts(observed.theta)
    layers = dict.fromkeys(name.rpartition(".")[0] or name for name in parts)
    found = {}
    for layer in layers:
        kept = [
            value if (name.rpartition(".")[0] or name) == layer else torch.zeros_like(value)
            for name, value in parts.items()
        ]
        found[layer] = torch.cat([value.reshape(-1) for value in kept])
    return found


def euler_degree(observed: Observed, part: Any, values: Any) -> Degree:
    """Of the parameters that `part` `(P,)` holds, zero elsewhere."""
    slopes = observed.push(part)
    squares = float(values.square().sum())
    if squares == 0.0:
        return Degree(float("nan"), float("inf"))
    degree = float((slopes * values).sum()) / squares
    spread = float((slopes - degree * values).norm()) / squares**0.5
    return Degree(degree, spread)


def layer_degrees(observed: Observed, values: Any) -> Mapping[str, Degree]:
    """Of each layer that holds parameters."""
    return {name: euler_degree(observed, part, values) for name, part in groups(observed).items()}


def at_random(observed: Observed, samples: int = 64) -> Observed:
    """The net at Gaussian weights of each parameter's own size, on its first samples.

    A degree is one of the net, not of a run: at a start of zero output nothing can be told.
    """
    import torch

    parts = observed.net.parts(observed.theta)
    generator = torch.Generator().manual_seed(0)
    drawn = []
    for value in parts.values():
        size = float(value.square().mean().sqrt()) or 1.0
        noise = torch.randn(value.numel(), generator=generator, dtype=torch.float64)
        drawn.append(size * noise.to(value.device))
    rows = replace(observed.rows, labels=observed.rows.labels[:samples])
    return Observed(observed.net, torch.cat(drawn), observed.inputs[:samples], rows)


def net_degree(observed: Observed) -> Degree:
    """In all parameters, at random weights; not exact where scaling by other factors disagrees."""
    probe = at_random(observed)
    values = probe.values()
    found = euler_degree(probe, probe.theta, values)
    if not found.exact:
        return found
    for factor in _FACTORS:
        scaled = probe.values(factor * probe.theta)
        misfit = float((scaled - factor**found.value * values).norm()) / float(scaled.norm())
        if not misfit <= 1e2 * EXACT:
            return Degree(found.value, misfit)
    return found
