"""Rodas5P: a Rosenbrock method of order 5 with an embedded error estimate, for stiff systems.

Eight stages share one matrix 1/(gamma h) - df/dy, so that a small system costs one factorisation
and eight right-hand sides a step, without any iteration.

Source: Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks
within the Julia Differential Equations package", BIT 63 (2023); in the form of Hairer and Wanner,
Solving ODEs II, eq. IV.7.25.
"""

from typing import Final

import numpy as np

from theory.backend import Floats

STAGES: Final = 8
ORDER: Final = 5
GAMMA: Final = 0.21193756319429014

NODES: Final = np.array(
    [0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1, 1, 1]
)
"""Where in the step each stage stands."""

TIME_WEIGHTS: Final = np.array(
    [
        GAMMA,
        -0.42387512638858027,
        -0.3384627126235924,
        1.8046452872882734,
        2.325825639765069,
        0.0,
        0.0,
        0.0,
    ]
)
"""Of df/dt in each stage."""

_SIXTH = [
    -7.502846399306121,
    2.561846144803919,
    -11.627539656261098,
    -0.18268767659942256,
    0.030198172008377946,
]


def _lower(rows: list[list[float]]) -> Floats:
    matrix = np.zeros((STAGES, STAGES))
    for k, row in enumerate(rows):
        matrix[k, : len(row)] = row
    return matrix


STATES: Final = _lower(
    [
        [],
        [3.0],
        [2.849394379747939, 0.45842242204463923],
        [-6.954028509809101, 2.489845061869568, -10.358996098473584],
        [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
        _SIXTH,
        [*_SIXTH, 1.0],
        [*_SIXTH, 1.0, 1.0],
    ]
)
"""What each stage adds of those before to the state; the step is the last row plus its own stage,
and that last stage is the error estimate."""

SLOPES: Final = _lower(
    [
        [],
        [-14.155112264123755],
        [-17.97296035885952, -2.859693295451294],
        [147.12150275711716, -1.41221402718213, 71.68940251302358],
        [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
        [
            24.854864614690072,
            -3.0009227002832186,
            47.4931110020768,
            5.5814197821558125,
            -0.6610691825249471,
        ],
        [
            30.91273214028599,
            -3.1208243349937974,
            77.79954646070892,
            34.28646028294783,
            -19.097331116725623,
            -28.087943162872662,
        ],
        [
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ],
    ]
)
"""What each stage adds of those before, over h, to the slope."""
