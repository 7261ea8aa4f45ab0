"""The package's nets, and a user's, at several sizes: four flows, and peers in plain coordinates.

Margins are compared with those of the same flow at 1e-13.
"""

from typing import Any, Final

import numpy as np
import pytest

from tests.benchmarks import peers
from tests.benchmarks.instances import AT, measure, regime
from tests.support.own_two_layer import OwnTwoLayer
from theory import Problem, TwoLayer, gradient_flow, gradient_flow_batch, zero_readout_anchor
from theory.backend import Floats
from theory.nets import Deep

BATCH: Final = 4
LARGE_BATCH: Final = 64
SCALES: Final = (30.0, 1e3, 1e12)
PEERS: Final = {"SciPy LSODA": peers.lsoda, "diffrax Tsit5": peers.diffrax_tsit5}
LARGEST_PEER: Final = 200
"""Parameters of the nets for which peers are timed as well."""


SMALL: Final = TwoLayer(8, 4, "square")
SIZES: Final[dict[str, tuple[TwoLayer | Deep, int]]] = {
    "two layers, P = 40, n = 5": (SMALL, 5),
    "two layers, P = 200, n = 5": (TwoLayer(20, 9, "square"), 5),
    "two layers, P = 200, n = 50": (TwoLayer(20, 9, "square"), 50),
    "two layers, P = 1000, n = 5": (TwoLayer(50, 19, "square"), 5),
    "two layers, P = 1000, n = 50": (TwoLayer(50, 19, "square"), 50),
    "two layers of three classes, P = 40, n = 5": (TwoLayer(4, 7, "square", 3), 5),
    "two layers of three classes, P = 56, n = 6": (TwoLayer(8, 4, "square", 3), 6),
    "four layers, P = 78, n = 5": (Deep((6, 6, 6, 1)), 5),
    "a user's two layers, P = 40, n = 5": (SMALL, 5),
}


ONE_BY_ONE: Final = (
    "two layers, P = 40, n = 5",
    "two layers of three classes, P = 40, n = 5",
    "four layers, P = 78, n = 5",
)
LARGE: Final = ONE_BY_ONE[:2]


def problems(name: str, size: int) -> list[Problem]:
    """One for each seed, from a zero readout; two labels are those of a random net."""
    net, samples = SIZES[name]
    columns = net.input_dim if isinstance(net, TwoLayer) else net.widths[0]
    tasks = []
    for seed in range(size):
        rng = np.random.default_rng(seed)
        classes = None if net.output_dim == 1 else net.output_dim
        anchor = zero_readout_anchor(net, rng.standard_normal(net.parameters))
        inputs = rng.standard_normal((samples, columns))
        if classes is None:
            labels = np.sign(net.outputs(rng.standard_normal(net.parameters), inputs))
        else:
            labels = np.arange(samples) % classes
        loss = "exponential" if classes is None else "cross_entropy"
        own = OwnTwoLayer(8, 4) if name.startswith("a user's") else net
        tasks.append(Problem(own, anchor, inputs, labels, loss, classes))
    return tasks


@pytest.mark.parametrize("alpha", SCALES, ids="alpha={:g}".format)
@pytest.mark.parametrize("solver", ["gradient_flow_batch", "SciPy LSODA", "diffrax Tsit5"])
@pytest.mark.parametrize("name", SIZES)
def test_family(benchmark: Any, name: str, solver: str, alpha: float) -> None:
    benchmark.group, benchmark.name = f"{name}, alpha = {alpha:g}", solver
    tasks, where = problems(name, BATCH if benchmark.enabled else 1), regime(alpha)

    def ours(rtol: float) -> Floats:
        return gradient_flow_batch(tasks, [where], AT, rtol=rtol).margins

    peer = PEERS.get(solver)
    if peer and (name.startswith("a user's") and solver == "diffrax Tsit5"):
        pytest.skip("the same net as two layers, P = 40")
    if peer and SIZES[name][0].parameters > LARGEST_PEER:
        pytest.skip("takes minutes with so many parameters")
    if peer and alpha > min(SCALES):
        pytest.skip("takes minutes at alpha = 1000, and there are no digits beyond it")
    if not benchmark.enabled and (peer or alpha > min(SCALES)):
        pytest.skip("takes minutes; only where it is timed: --benchmark-enable")
    measure(benchmark, peer(tasks, where) if peer else ours, ours(1e-13), alpha, rounds=3)


@pytest.mark.parametrize("alpha", SCALES, ids="alpha={:g}".format)
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_one_call(benchmark: Any, name: str, alpha: float) -> None:
    """`gradient_flow` with its error estimate, one problem after the other."""
    benchmark.group, benchmark.name = f"{name}, one call, alpha = {alpha:g}", "gradient_flow"
    tasks, where = problems(name, BATCH), regime(alpha)
    expected = gradient_flow_batch(tasks, [where], AT, rtol=1e-13).margins

    def solve(rtol: float) -> Floats:
        return np.array([gradient_flow(task, where, AT, rtol=rtol).margins for task in tasks])

    measure(benchmark, solve, expected, alpha)


@pytest.mark.parametrize("alpha", [30.0, 100.0, 1e3, 1e12], ids="alpha={:g}".format)
@pytest.mark.parametrize("solver", ["gradient_flow_batch", "diffrax Tsit5"])
@pytest.mark.parametrize("name", LARGE)
def test_large_batch(benchmark: Any, name: str, solver: str, alpha: float) -> None:
    """All instances side by side in diffrax, and in threads here."""
    benchmark.group = f"{name}, batch of {LARGE_BATCH}, alpha = {alpha:g}"
    benchmark.name = solver
    if not benchmark.enabled:
        pytest.skip("takes minutes; only where it is timed: --benchmark-enable")
    if solver == "diffrax Tsit5" and SIZES[name][0].output_dim > 1:
        pytest.skip("one output only")
    if solver == "diffrax Tsit5" and alpha > 100.0:
        pytest.skip("takes minutes at alpha = 1000, and there are no digits beyond it")
    tasks, where = problems(name, LARGE_BATCH), regime(alpha)

    def ours(rtol: float) -> Floats:
        return gradient_flow_batch(tasks, [where], AT, rtol=rtol).margins

    peer = peers.diffrax_tsit5(tasks, where) if solver == "diffrax Tsit5" else ours
    measure(benchmark, peer, ours(1e-13), alpha, rounds=3)
