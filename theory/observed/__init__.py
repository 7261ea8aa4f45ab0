"""What can be measured of a net at given weights: kernels, machines, optimality, what is kept."""

from theory.observed.balance import Balance, balance_of, linear_chain
from theory.observed.collapse import collapsed_fraction
from theory.observed.cone import cone_point, nonnegative_quadratic
from theory.observed.curvature import sharpness
from theory.observed.degrees import Degree, layer_degrees, net_degree
from theory.observed.kernel import gram, jacobian, kernel_alignment, kernel_drift
from theory.observed.machine import (
    StartMachine,
    distance,
    linearized_distance,
    machine_distance,
    shrunk,
    start_machine,
)
from theory.observed.net import Observed, at_state, check_function, observed_module
from theory.observed.residuals import Optimality, optimality
from theory.observed.rows import Rows, rows_of
from theory.observed.transition import TURN, DecayRun, grokking_time, transition_time

__all__ = [
    "TURN",
    "Balance",
    "DecayRun",
    "Degree",
    "Observed",
    "Optimality",
    "Rows",
    "StartMachine",
    "at_state",
    "balance_of",
    "check_function",
    "collapsed_fraction",
    "cone_point",
    "distance",
    "gram",
    "grokking_time",
    "jacobian",
    "kernel_alignment",
    "kernel_drift",
    "layer_degrees",
    "linear_chain",
    "linearized_distance",
    "machine_distance",
    "net_degree",
    "nonnegative_quadratic",
    "observed_module",
    "optimality",
    "rows_of",
    "sharpness",
    "shrunk",
    "start_machine",
    "transition_time",
]
