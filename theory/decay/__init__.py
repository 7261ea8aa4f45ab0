"""Weight decay on diagonal nets u^D - v^D: it shrinks the start that decides their limit."""

from theory.decay.flow import decayed_flow, path_deviation
from theory.decay.limit import least_potential

__all__ = ["decayed_flow", "least_potential", "path_deviation"]
