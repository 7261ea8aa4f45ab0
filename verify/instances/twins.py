"""Twins: instances that a theorem must treat alike, and how their numbers are related."""

from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer
from theory.nets.activations import activation_named


def input_degree(net: HomogeneousNet) -> int | None:
    """m with f(theta; c x) = c^m f(theta; x) for all c > 0; None where inputs have no scale.

    1 for a diagonal net; the exponent of its activation for a two-layer net; that exponent to the
    power of the number of hidden layers for a deep one. The inputs of a factorization are indices.
    """
    match net:
        case Diagonal():
            return 1
        case TwoLayer():
            return net.degree - 1
        case Deep():
            return int(activation_named(net.activation).exponent ** (len(net.widths) - 2))
        case Factorization():
            return None
    return None
