"""Linear nets solved: a matrix Riccati solution, times of modes, escape of depth."""

from theory.linear_nets.depth import escape_time, half_time
from theory.linear_nets.modes import entry_starts, half_times, mode_starts, mode_times
from theory.linear_nets.riccati import TwoLayers, balanced_layers, riccati_product, two_layer_flow

__all__ = [
    "TwoLayers",
    "balanced_layers",
    "entry_starts",
    "escape_time",
    "half_time",
    "half_times",
    "mode_starts",
    "mode_times",
    "riccati_product",
    "two_layer_flow",
]
