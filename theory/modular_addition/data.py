"""Addition mod p as a task of p classes: pairs (a, b), one-hot inputs, class a + b."""

import numpy as np

from theory.backend import Flags, Floats, Integers
from theory.errors import InvalidInput
from theory.nets import TwoLayer
from theory.problem import Problem
from theory.requests import check_whole, number_array


def all_pairs(modulus: int) -> Integers:
    """Every (a, b), b fastest, shape `(p^2, 2)`.

    Raises:
        InvalidInput: p is not a whole number, at least 1.
    """
    check_whole("modulus", modulus)
    return np.stack(np.divmod(np.arange(modulus**2), modulus), axis=1).astype(np.int64)


def split_pairs(modulus: int, train: int, seed: int) -> tuple[Integers, Integers]:
    """`train` pairs at random and all others, shapes `(train, 2)` and `(p^2 - train, 2)`.

    Raises:
        InvalidInput: train is not between 0 and p^2.
    """
    check_whole("modulus", modulus)
    check_whole("train", train, 0)
    if train > modulus**2:
        raise InvalidInput(f"train is {train!r}; of {modulus**2} pairs it must be 0 to all")
    order = np.random.default_rng(seed).permutation(modulus**2)
    pairs = all_pairs(modulus)[order]
    return pairs[:train], pairs[train:]


def one_hot(modulus: int, pairs: Integers) -> Floats:
    """e_a beside e_b, shape `(n, 2p)`.

    Raises:
        InvalidInput: pairs are not `(n, 2)` of whole numbers from 0 to p - 1.
    """
    pairs = _checked(modulus, pairs)
    unit = np.eye(modulus)
    return np.concatenate([unit[pairs[:, 0]], unit[pairs[:, 1]]], axis=1)


def sums(modulus: int, pairs: Integers) -> Integers:
    """a + b mod p, shape `(n,)`.

    Raises:
        InvalidInput: see `one_hot`.
    """
    return np.asarray(_checked(modulus, pairs).sum(axis=1) % modulus)


def _checked(modulus: int, pairs: Integers) -> Integers:
    pairs = number_array("pairs", pairs)
    if pairs.dtype.kind == "f":
        raise InvalidInput(f"pairs must be whole numbers; they are {pairs.tolist()}")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or np.any((pairs < 0) | (pairs >= modulus)):
        raise InvalidInput(f"pairs must be (n, 2) of 0 to {modulus - 1}; they are {pairs.tolist()}")
    return pairs


def quadratic_net(modulus: int, width: int) -> TwoLayer:
    """f_c(a, b) = sum_m w_mc (u_ma + v_mb)^2, of degree 3.

    Raises:
        InvalidInput: p is no odd number from 3 on, width is not positive.
    """
    check_odd(modulus)
    return TwoLayer(width, 2 * modulus, "square", modulus)


def check_odd(modulus: int) -> None:
    """`InvalidInput` unless p is an odd number from 3 on."""
    check_whole("modulus", modulus, 3)
    if modulus % 2 == 0:
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

    Raises:
        InvalidInput: see `is_true`.
    """
    own = is_true(scores, classes)
    return np.asarray(scores[own] - np.where(own, -np.inf, scores).max(axis=1))


def classes_ahead(scores: Floats, classes: Integers) -> Floats:
    """How many classes are ahead of the true one, 0 where it is first, shape `(n,)`.

    Raises:
        InvalidInput: see `is_true`.
    """
    own = is_true(scores, classes)
    return np.asarray((scores > scores[own][:, None]).sum(axis=1), dtype=np.float64)


def is_true(scores: Floats, classes: Integers) -> Flags:
    """Where scores `(n, K)` are those of the true class.

    Raises:
        InvalidInput: scores are NaN or of fewer than two classes; classes are not `(n,)` of 0 to
            K - 1.
    """
    if scores.ndim != 2 or scores.shape[1] < 2 or np.any(np.isnan(scores)):
        raise InvalidInput(f"scores have shape {scores.shape}; they must be (n, K >= 2), none NaN")
    count, most = scores.shape
    classes = number_array("classes", classes)
    if not np.array_equal(classes, np.round(classes)):
        raise InvalidInput(f"classes must be whole numbers; they are {classes!r}")
    if classes.shape != (count,) or np.any((classes < 0) | (classes >= most)):
        raise InvalidInput(f"classes must be {count} of 0 to {most - 1}; they are {classes!r}")
    return np.asarray(np.arange(scores.shape[1]) == classes[:, None])
