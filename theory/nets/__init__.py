"""Homogeneous nets: one abstract base, one file per family."""

from theory.nets.base import HomogeneousNet
from theory.nets.constant_feature import ConstantFeature
from theory.nets.deep import Deep
from theory.nets.diagonal import Diagonal
from theory.nets.factorization import Factorization
from theory.nets.pairs import PairNet
from theory.nets.two_layer import TwoLayer
from theory.nets.two_layer_relu import TwoLayerReLU

__all__ = [
    "ConstantFeature",
    "Deep",
    "Diagonal",
    "Factorization",
    "HomogeneousNet",
    "PairNet",
    "TwoLayer",
    "TwoLayerReLU",
]
