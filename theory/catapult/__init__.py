"""Large steps: the catapult of a net of two layers as a map, and a toy of the edge of stability."""

from theory.catapult.map import catapult_step, catapult_time, lazy_loss, settled
from theory.catapult.net import net_start, net_state, net_step
from theory.catapult.toy import toy_energy, toy_gain, toy_lowest, toy_path

__all__ = [
    "catapult_step",
    "catapult_time",
    "lazy_loss",
    "net_start",
    "net_state",
    "net_step",
    "settled",
    "toy_energy",
    "toy_gain",
    "toy_lowest",
    "toy_path",
]
