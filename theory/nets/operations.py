"""Torch operations in numpy: the line of code that each becomes in a `theory.nets.program`.

Shapes are known, so that what torch does to shapes alone costs nothing or one `reshape`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from theory.backend import Floats


class Untraceable(Exception):
    """The net cannot be written as one straight line of operations; why."""


@dataclass(frozen=True)
class Piece:
    """Code of what fills an array from `start` to `stop` along an axis."""

    axis: int
    start: int
    stop: int
    code: str


@dataclass(frozen=True)
class Shown:
    """An argument: its code, its value for the example, and whether it is the same for all.

    Where it is another array in another shape, `source` is that array; where it is zero but for
    some `pieces`, those are they, ascending.
    """

    code: str
    value: Any
    constant: bool
    source: "Shown | None" = None
    pieces: tuple[Piece, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def vanishes(self) -> bool:
        """Zero whatever the arguments."""
        return self.constant and not bool(self.value.any())


@dataclass(frozen=True)
class Line:
    """Code of an expression, whose braces name objects in `scope`; or a constant.

    `source` and `pieces` as in `Shown`.
    """

    code: str = ""
    scope: dict[str, Any] = field(default_factory=dict)
    constant: Floats | None = None
    source: Shown | None = None
    pieces: tuple[Piece, ...] = ()


_IDENTITIES: Final = {
    "alias", "detach", "clone", "lift_fresh", "lift_fresh_copy", "contiguous", "alias_copy",
    "view_of", "detach_copy",
}  # fmt: skip
_SHAPES: Final = {
    "view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "view_copy", "unsqueeze_copy",
    "squeeze_copy", "_reshape_copy", "_reshape_alias",
}  # fmt: skip
_CREATIONS: Final = {
    "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full",
    "_new_zeros_with_same_feature_meta", "new_empty", "empty_like", "new_empty_strided",
}  # fmt: skip
_UNARY: Final = {
    "neg": "-{0}",
    "exp": "np.exp({0})",
    "log": "np.log({0})",
    "sqrt": "np.sqrt({0})",
    "abs": "np.abs({0})",
    "sign": "np.sign({0})",
    "tanh": "np.tanh({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "reciprocal": "1.0 / {0}",
    "relu": "np.maximum({0}, 0.0)",
    "square": "{0} * {0}",
}
_BINARY: Final = {"maximum": "np.maximum({0}, {1})", "minimum": "np.minimum({0}, {1})"}
_SPLITS: Final = {"split", "split_copy", "split_with_sizes", "split_with_sizes_copy"}
_COMPARISONS: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_LINEAR: Final = {"mul", "mm", "bmm", "mv", "dot", "convolution"}
"""Zero where one of the first two arguments is."""


_POLYNOMIAL: Final = {
    "neg", "square", "mul", "add", "sub", "mm", "bmm", "mv", "addmm", "dot", "permute",
    "permute_copy", "t", "t_copy", "transpose", "transpose_copy", "expand", "expand_copy", "slice",
    "slice_copy", "select", "select_copy", "sum", "cat", "convolution", *_SPLITS, *_SHAPES,
    *_IDENTITIES, *_CREATIONS,
}  # fmt: skip


def is_polynomial(target: Any, args: Sequence[Any]) -> bool:
    """Whether an operation makes polynomials of polynomials; of others that is not asked."""
    import operator

    name = operation_name(target)
    if name == "pow":
        exponent = args[1]
        return isinstance(exponent, (int, float)) and exponent >= 0 and exponent % 1 == 0
    return target is operator.getitem or name in _POLYNOMIAL


def is_creation(target: Any) -> bool:
    """Whether the result depends on the shape of its argument only."""
    return operation_name(target) in _CREATIONS


def line_of(target: Any, value: Any, args: Any, kwargs: dict[str, Any]) -> Line | None:
    """The operation in numpy, or None where it is left to torch; `value` is its example's."""
    import operator

    name = operation_name(target)
    if target is operator.getitem:
        return Line(f"{args[0].code}[{args[1]}]")
    shape = tuple(value.shape) if hasattr(value, "shape") else ()
    if name in _LINEAR and any(isinstance(a, Shown) and a.vanishes for a in args[:2]):
        return Line(constant=np.zeros_like(value.numpy()))
    if name in _IDENTITIES or (name == "_to_copy" and args[0].value.dtype == value.dtype):
        return Line(args[0].code)
    if name == "_to_copy" and str(value.dtype) == "torch.float64":
        return Line(f"{args[0].code}.astype(np.float64)")
    if name in _SHAPES:
        return _reshaped(args[0], shape)
    if name in _UNARY and not kwargs:
        return Line(_UNARY[name].format(args[0].code))
    if name in _BINARY:
        return Line(_BINARY[name].format(_code(args[0]), _code(args[1])))
    if name in _SPLITS:
        return _split(args, kwargs, value)
    if name == "convolution":
        return _convolved(target, args, shape)
    if name == "convolution_backward":
        return _convolved_back(target, args, value)
    writer = _WRITERS.get(name)
    if writer is None and name in _COMPARISONS:
        return Line(f"{_code(args[0])} {_COMPARISONS[name]} {_code(args[1])}")
    return None if writer is None else writer(args, kwargs, shape)


def torch_call(target: Any, example: Any) -> Callable[..., Any]:
    """The operation itself on numpy arrays, for what has no numpy twin here."""
    import torch

    def tensor(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value) if value.flags.writeable else torch.tensor(value)
        if isinstance(value, np.generic):
            return torch.tensor(value)
        return [tensor(entry) for entry in value] if isinstance(value, list) else value

    def array(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [array(entry) for entry in value]
        return value.numpy() if isinstance(value, torch.Tensor) else value

    def call(args: list[Any], kwargs: dict[str, Any]) -> Any:
        with torch.no_grad():
            result = target(*map(tensor, args), **{k: tensor(v) for k, v in kwargs.items()})
        return array(result)

    return call


def operation_name(target: Any) -> str:
    """ "mul" of `aten.mul.Tensor`, and of `aten.mul_.Tensor`, whose results are the same."""
    name = str(target)
    return name.split(".")[1].removesuffix("_") if name.startswith("aten.") else ""


def _code(argument: Any) -> str:
    return argument.code if isinstance(argument, Shown) else repr(argument)


def _reshaped(argument: Shown, shape: tuple[int, ...]) -> Line:
    source = argument.source or argument
    if source.shape == shape:
        return Line(source.code)
    return Line(f"{source.code}.reshape({shape})", source=source)


def _product(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    a, b = args
    if b in (1, 1.0) and not isinstance(b, Shown):
        return Line(a.code)
    for one, other in ((a, b), (b, a)):
        both = isinstance(one, Shown) and isinstance(other, Shown)
        if both and one.constant and other.shape == shape and bool((one.value == 1).all()):
            return Line(other.code)
    return Line(f"{_code(a)} * {_code(b)}")


def _sum(sign: str) -> "Writer":
    def write(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line | None:
        a, b = args
        if kwargs.get("alpha", 1) != 1:
            return None
        if isinstance(b, Shown) and b.vanishes and a.shape == shape:
            return Line(a.code)
        if sign == "+" and isinstance(b, Shown) and a.vanishes and b.shape == shape:
            return Line(b.code)
        pieces = _side_by_side(a, b, shape) if sign == "+" else ()
        if pieces and _covers(pieces, shape):
            codes = ", ".join(piece.code for piece in pieces)
            return Line(f"np.concatenate(({codes}), {pieces[0].axis})", pieces=pieces)
        return Line(f"{_code(a)} {sign} {_code(b)}", pieces=pieces)

    return write


def _side_by_side(a: Any, b: Any, shape: tuple[int, ...]) -> tuple[Piece, ...]:
    """Pieces of a sum of arrays that are zero where the other is not."""
    if not all(isinstance(term, Shown) and term.pieces and term.shape == shape for term in (a, b)):
        return ()
    pieces = sorted([*a.pieces, *b.pieces], key=lambda piece: piece.start)
    one_axis = len({piece.axis for piece in pieces}) == 1
    apart = all(before.stop <= after.start for before, after in pairwise(pieces))
    return tuple(pieces) if one_axis and apart else ()


def _covers(pieces: Sequence[Piece], shape: tuple[int, ...]) -> bool:
    joined = all(before.stop == after.start for before, after in pairwise(pieces))
    return joined and pieces[0].start == 0 and pieces[-1].stop == shape[pieces[0].axis]


def _quotient(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line | None:
    return None if kwargs else Line(f"{_code(args[0])} / {_code(args[1])}")


def _power(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line | None:
    base, exponent = args
    if isinstance(exponent, Shown) or not isinstance(base, Shown):
        return None
    if exponent == 0:
        return Line(constant=np.ones(shape))
    if exponent in (1, 2, 3):
        return Line(" * ".join([base.code] * int(exponent)))
    return Line(f"{base.code} ** {exponent!r}")


def _matrix_product(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    a, b = args
    if len(a.shape) == 3 and a.shape[2] == 1:  # outer products
        return Line(f"{a.code} * {b.code}")
    call = "np.matmul" if len(a.shape) == 3 else "np.dot"
    return Line(f"{call}({a.code}, {b.code})")


def _affine(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line | None:
    if kwargs:
        return None
    return Line(f"{_code(args[0])} + np.dot({args[1].code}, {args[2].code})")


def _permuted(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    axes = [axis % len(shape) for axis in args[1]]
    if axes == sorted(axes):
        return Line(args[0].code)
    return Line(f"{args[0].code}.transpose({tuple(axes)})")


def _transposed(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    axes = list(range(len(shape)))
    first, second = (args[1] % len(shape), args[2] % len(shape)) if len(args) > 1 else (0, -1)
    if axes:
        axes[first], axes[second] = axes[second], axes[first]
    return _permuted((args[0], axes), kwargs, shape)


def _expanded(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    if args[0].shape == shape:
        return Line(args[0].code)
    if np.prod(shape) <= SMALL:  # `broadcast_to` takes several times as long
        zeros = np.zeros(shape, args[0].value.numpy().dtype)  # of an index they are whole
        return Line(f"{args[0].code} + {{zeros}}", {"zeros": zeros})
    return Line(f"np.broadcast_to({args[0].code}, {shape})")


SMALL: Final = 1000


def _sliced(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    source, (axis, start, stop, step) = args[0], _cut(args[1:], len(shape))
    if source.shape == shape and step == 1:
        return Line(source.code)
    before = ":, " * axis
    return Line(f"{source.code}[{before}{start}:{stop}{'' if step == 1 else f':{step}'}]")


def _split(args: Any, kwargs: Any, parts: Sequence[Any]) -> Line:
    """A tuple of views, as of the parameters of a module in one vector."""
    axis = (args[2] if len(args) > 2 else kwargs.get("dim", 0)) % len(args[0].shape)
    codes, start = [], 0
    for part in parts:
        stop = start + part.shape[axis]
        codes.append(f"{args[0].code}[{':, ' * axis}{start}:{stop}]")
        start = stop
    return Line(f"({', '.join(codes)},)")


def _cut(given: Sequence[Any], rank: int) -> tuple[int, int, str, int]:
    """Axis, first index, code of the index behind the last, and step."""
    defaults: tuple[Any, ...] = (0, None, None, 1)
    axis, start, stop, step = (*given, *defaults[len(given) :])
    ends = stop is None or stop >= 2**62
    return int(axis) % rank, int(start or 0), "" if ends else str(stop), int(step)


def _selected(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    source, axis, index = args
    return Line(f"{source.code}[{':, ' * (axis % len(source.shape))}{index}]")


def _unsliced(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    gradient, _, *cut = args
    axis, start, stop, step = _cut(cut, len(shape))
    index = (slice(None),) * axis + (slice(start, int(stop) if stop else None, step),)
    scope = {"put": _put, "shape": shape, "index": index}
    piece = Piece(axis, start, int(stop) if stop else shape[axis], gradient.code)
    pieces = (piece,) if step == 1 and start >= 0 and piece.stop >= 0 else ()
    return Line(f"{{put}}({gradient.code}, {{shape}}, {{index}})", scope, pieces=pieces)


def _unselected(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    gradient, _, axis, index = args
    where = (slice(None),) * (axis % len(shape)) + (index,)
    scope = {"put": _put, "shape": shape, "index": where}
    return Line(f"{{put}}({gradient.code}, {{shape}}, {{index}})", scope)


def _put(values: Floats, shape: tuple[int, ...], index: tuple[Any, ...]) -> Floats:
    whole = np.zeros(shape)
    whole[index] = values
    return whole


def _summed(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line | None:
    if kwargs:
        return None
    axes = args[1] if len(args) > 1 and args[1] else list(range(len(args[0].shape)))
    kept = bool(args[2]) if len(args) > 2 else False
    axes = tuple(axis % len(args[0].shape) for axis in axes) if args[0].shape else ()
    return Line(f"np.add.reduce({args[0].code}, {axes}, keepdims={kept})")


def _joined(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    axis = args[1] if len(args) > 1 else 0
    codes = ", ".join(part.code for part in args[0])
    return Line(f"np.concatenate(({codes},), {axis})")


def _thresholded(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    gradient, point, threshold = args
    return Line(f"{_code(gradient)} * ({_code(point)} > {threshold})")


def _chosen(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    return Line(f"np.where({_code(args[0])}, {_code(args[1])}, {_code(args[2])})")


def _masked(args: Any, kwargs: Any, shape: tuple[int, ...]) -> Line:
    return Line(f"np.where({_code(args[1])}, {_code(args[2])}, {_code(args[0])})")


def _convolved(target: Any, args: Any, shape: tuple[int, ...]) -> Line | None:
    """With known images, or a known kernel, as a matrix product where the matrix is small."""
    for k in (0, 1):
        if args[1 - k].constant and args[2] is None and not args[k].constant:
            known = args[1 - k].value

            def of(basis: Any, k: int = k, known: Any = known) -> Any:
                return target(*((basis, known) if k == 0 else (known, basis)), *args[2:])

            return _as_matrix(of, args[k], shape)
    return None


def _convolved_back(target: Any, args: Any, value: Any) -> Line | None:
    """Of known images, the gradient of the kernel."""
    gradient, images, kernel, mask = args[0], args[1], args[2], args[-1]
    if list(mask) != [False, True, False] or not images.constant or gradient.constant:
        return None

    def of(basis: Any) -> Any:
        return target(basis, images.value, kernel.value, *args[3:])[1]

    line = _as_matrix(of, gradient, tuple(value[1].shape))
    return None if line is None else Line(f"(None, {line.code}, None)", line.scope)


_LARGEST_MATRIX: Final = 20_000
"""Its product takes as long as the overhead of one operation of torch."""


def _as_matrix(of: Callable[..., Any], argument: Shown, shape: tuple[int, ...]) -> Line | None:
    import torch

    size = argument.value.numel()
    if size * int(np.prod(shape)) > _LARGEST_MATRIX:
        return None
    units = torch.eye(size, dtype=torch.float64).reshape(size, *argument.shape)
    matrix = np.stack([of(unit).reshape(-1).numpy() for unit in units])
    code = f"np.dot({argument.code}.reshape({size}), {{matrix}}).reshape({shape})"
    return Line(code, {"matrix": matrix})


Writer = Callable[[Any, Any, tuple[int, ...]], Line | None]

_WRITERS: Final[dict[str, Writer]] = {
    "mul": _product,
    "add": _sum("+"),
    "sub": _sum("-"),
    "div": _quotient,
    "pow": _power,
    "mm": _matrix_product,
    "bmm": _matrix_product,
    "mv": _matrix_product,
    "addmm": _affine,
    "dot": _matrix_product,
    "permute": _permuted,
    "permute_copy": _permuted,
    "t": _transposed,
    "t_copy": _transposed,
    "transpose": _transposed,
    "transpose_copy": _transposed,
    "expand": _expanded,
    "expand_copy": _expanded,
    "slice": _sliced,
    "slice_copy": _sliced,
    "select": _selected,
    "select_copy": _selected,
    "slice_backward": _unsliced,
    "select_backward": _unselected,
    "sum": _summed,
    "cat": _joined,
    "threshold_backward": _thresholded,
    "where": _chosen,
    "masked_fill": _masked,
}
