"""f(theta + step) - f(theta) by the rules of differences, operation by operation.

With a' = a + da: (ab)' - ab = da b' + a db, a linear operation carries da, a power has a finite
geometric sum. Nothing cancels, and a polynomial net needs no quadrature: the price is that of one
forward pass, where eight nodes take eight.
"""

from collections.abc import Callable
from typing import Any, Final

from theory.nets.operations import Untraceable, operation_name

_LINEAR: Final = {
    "alias", "detach", "clone", "lift_fresh_copy", "view", "_unsafe_view", "reshape", "unsqueeze",
    "squeeze", "permute", "t", "transpose", "expand", "slice", "select", "sum", "mean", "neg",
    "cat", "stack", "view_copy", "unsqueeze_copy", "squeeze_copy", "permute_copy", "t_copy",
    "transpose_copy", "expand_copy", "slice_copy", "select_copy", "alias_copy", "detach_copy",
    "_to_copy", "constant_pad_nd", "cumsum", "flip", "roll", "diagonal", "diagonal_copy",
    "split", "split_with_sizes", "split_copy", "split_with_sizes_copy", "unbind", "unbind_copy",
    "as_strided", "tril", "triu", "avg_pool2d", "_adaptive_avg_pool2d",
}  # fmt: skip
_BILINEAR: Final = {"mul", "mm", "mv", "bmm", "dot"}


def growth(forward: Callable[..., Any], theta: Any, inputs: Any) -> Callable[..., Any]:
    """The difference as a torch function of theta and step `(P,)`; tensors give the shapes.

    Raises:
        Untraceable: an operation has no rule here, or the operations depend on values.
    """
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    def of_theta(point: Any) -> Any:
        return forward(point, inputs)

    graph = make_fx(torch.func.functionalize(of_theta, remove="mutations"))(theta)
    graph.graph.eliminate_dead_code()
    for node in graph.graph.nodes:
        if node.op == "call_function" and not _has_rule(node):
            raise Untraceable(f"no rule for the difference of {node.target}")

    def grown(point: Any, step: Any) -> Any:
        return _followed(graph, point, step)

    return grown


def _has_rule(node: Any) -> bool:
    import operator

    known = {*_LINEAR, *_BILINEAR, "add", "sub", "div", "pow", "relu", "convolution"}
    fixed = not node.all_input_nodes
    return fixed or node.target is operator.getitem or operation_name(node.target) in known


def _followed(graph: Any, point: Any, step: Any) -> Any:
    """Values and differences side by side; what does not depend on theta has difference None."""
    import torch
    from torch.fx.node import map_arg

    values: dict[Any, Any] = {}
    grown: dict[Any, Any] = {}
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            values[node], grown[node] = point, step
        elif node.op == "get_attr":
            values[node], grown[node] = getattr(graph, node.target), None
        elif node.op == "output":
            found = grown[node.args[0]]
            return torch.zeros_like(values[node.args[0]]) if found is None else found
        else:
            args, kwargs = map_arg((node.args, dict(node.kwargs)), values.__getitem__)
            values[node] = node.target(*args, **kwargs)
            moved = any(grown[source] is not None for source in node.all_input_nodes)
            grown[node] = _difference(node, values, grown) if moved else None
    raise Untraceable("no output")


def _difference(node: Any, values: dict[Any, Any], grown: dict[Any, Any]) -> Any:
    import operator

    import torch
    from torch.fx.node import map_arg

    name, target = operation_name(node.target), node.target
    if target is operator.getitem:
        return grown[node.args[0]][node.args[1]]

    def steps(source: Any) -> Any:
        return torch.zeros_like(values[source]) if grown[source] is None else grown[source]

    def applied(args: Any) -> Any:
        return target(*args, **dict(node.kwargs))

    if name in _LINEAR or name in {"add", "sub"}:
        plain = [a for a in node.args[:2] if isinstance(a, (int, float))]
        if name in {"add", "sub"} and plain:  # a + 1
            rest = next(a for a in node.args[:2] if a not in plain)
            return steps(rest) if name == "add" or rest is node.args[0] else -steps(rest)
        return applied(map_arg(node.args, steps))
    first, second, *rest = (*node.args, None) if len(node.args) == 1 else node.args
    tail = map_arg(rest, values.__getitem__)
    if name == "relu":
        x, dx = values[first], grown[first]
        return torch.where(x > 0, torch.maximum(dx, -x), torch.relu(x + dx))
    if name == "pow" and isinstance(second, (int, float)) and second in range(1, 9):
        x, dx = values[first], grown[first]
        return dx * _geometric(x, x + dx, int(second))
    if name == "div":
        return _quotient(applied, first, second, values, grown)
    if name == "convolution" and rest[0] is not None:
        raise Untraceable("no rule for the difference of a bias in a convolution")
    if name not in _BILINEAR and name != "convolution":
        raise Untraceable(f"no rule for the difference of {target}")
    if not hasattr(second, "op"):
        return applied((grown[first], second, *tail))
    terms = []
    if grown[first] is not None:
        whole = values[second] if grown[second] is None else values[second] + grown[second]
        terms.append(applied((grown[first], whole, *tail)))
    if grown[second] is not None:
        terms.append(applied((values[first], grown[second], *tail)))
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]


def _quotient(
    applied: Callable[..., Any],
    first: Any,
    second: Any,
    values: dict[Any, Any],
    grown: dict[Any, Any],
) -> Any:
    """a'/b' - a/b = (da - (a/b) db) / b'."""
    if not hasattr(second, "op"):
        return applied((grown[first], second))
    if grown[second] is None:
        return applied((grown[first], values[second]))
    lost = (
        values[first] / values[second] * grown[second]
        if hasattr(first, "op")
        else (first / values[second] * grown[second])
    )
    gained = grown[first] if hasattr(first, "op") and grown[first] is not None else 0.0
    return (gained - lost) / (values[second] + grown[second])


def _geometric(a: Any, b: Any, exponent: int) -> Any:
    """(b^k - a^k) / (b - a) = sum_j a^j b^(k-1-j)."""
    total, power = 1.0 if exponent == 1 else a + b, a
    for _ in range(exponent - 2):
        power = power * a
        total = total * b + power
    return total
