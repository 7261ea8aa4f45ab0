"""Addition mod p as a task of p classes: pairs (a, b), one-hot inputs, class a + b."""

import numpy as np

from theory.backend import Flags, Floats, Integers
from theory.errors import InvalidInput
from theory.nets import TwoLayer
from theory.problem import Problem


def all_pairs(modulus: int) -> Integers:
    """Every (a, b), b fastest, shape `(p^2, 2)`."""
    return np.stack(np.divmod(np.arange(modulus**2), modulus), axis=1).astype(np.int64)


def split_pairs(modulus: int, train: int, seed: int) -> tuple[Integers, Integers]:
    """`train` pairs at random and all others, shapes `(train, 2)` and `(p^2 - train, 2)`."""
    order = np.random.default_rng(seed).permutation(modulus**2)
    pairs = all_pairs(modulus)[order]
    return pairs[:train], pairs[train:]


def one_hot(modulus: int, pairs: Integers) -> Floats:
    """e_a beside e_b, shape `(n, 2p)`."""
    unit = np.eye(modulus)
    return np.concatenate([unit[pairs[:, 0]], unit[pairs[:, 1]]], axis=1)


def sums(modulus: int, pairs: Integers) -> Integers:
    """a + b mod p, shape `(n,)`."""
    return np.asarray(pairs.sum(axis=1) % modulus)


def quadratic_net(modulus: int, width: int) -> TwoLayer:
    """f_c(a, b) = sum_m w_mc (u_ma + v_mb)^2, of degree 3.

    Raises:
        InvalidInput: p is no odd number from 3 on, width is not positive.
    """
    check_odd(modulus)
    return TwoLayer(width, 2 * modulus, "square", modulus)


def check_odd(modulus: int) -> None:
    """`InvalidInput` unless p is an odd number from 3 on."""
    if modulus < 3 or modulus % 2 == 0:
        raise InvalidInput(f"modulus is {modulus}; it must be an odd number, at least 3")


def addition_problem(
    net: TwoLayer, anchor: Floats, pairs: Integers | None = None, loss: str = "cross_entropy"
) -> Problem:
    """The task on `pairs` `(n, 2)`, on all of them for None; p is how many outputs `net` has."""
    modulus = net.output_dim
    chosen = all_pairs(modulus) if pairs is None else pairs
    labels = sums(modulus, chosen).astype(np.float64)
    return Problem(net, anchor, one_hot(modulus, chosen), labels, loss, modulus)


def lead(scores: Floats, classes: Integers) -> Floats:
    """By how much the true class of each sample is ahead of the best other one, shape `(n,)`.

    Args:
        scores: of all classes, shape `(n, K)`.
        classes: the true ones, shape `(n,)`.
    """
    own = is_true(scores, classes)
    return np.asarray(scores[own] - np.where(own, -np.inf, scores).max(axis=1))


def classes_ahead(scores: Floats, classes: Integers) -> Floats:
    """How many classes are ahead of the true one, 0 where it is first, shape `(n,)`."""
    own = is_true(scores, classes)
    return np.asarray((scores > scores[own][:, None]).sum(axis=1), dtype=np.float64)


def is_true(scores: Floats, classes: Integers) -> Flags:
    """Where scores `(n, K)` are those of the true class."""
    return np.asarray(np.arange(scores.shape[1]) == classes[:, None])
