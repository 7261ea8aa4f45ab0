"""A torch function of fixed shapes as a straight line of numpy calls.

The function is run once and the torch operations it consists of are written down (`make_fx`); what
depends on no argument is computed then and there. Of a net of forty parameters a torch operation
is nine tenths overhead, and the transforms of `torch.func` take ten times as long again: numpy has
a third of torch's overhead and none of theirs. An operation without a numpy twin is torch's own.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from theory.backend import Floats
from theory.nets.operations import (
    Line,
    Shown,
    Untraceable,
    is_creation,
    is_polynomial,
    line_of,
    operation_name,
    torch_call,
)

Program = Callable[..., Any]
"""Takes arrays of the shapes it was traced with; returns an array, or a tuple of them."""

_VARIABLE: Final = re.compile(r"\bv\d+\b")

_RESHAPED_IN_PLACE: Final = ("squeeze", "unsqueeze", "t", "transpose")
"""Left over by the transforms, on intermediate results that nothing else reads."""

_IMPURE: Final = ("nondeterministic_seeded", "nondeterministic_bitwise")


def traced(function: Callable[..., Any], examples: Sequence[Floats]) -> Program:
    """`function` of torch tensors shaped like the `examples`, as a function of numpy arrays.

    Raises:
        Untraceable: the operations depend on values, are random, or leave float64.
        Exception: whatever `function` itself raises, or torch in tracing it.
    """
    import torch

    tensors = [torch.from_numpy(np.array(example)) for example in examples]
    graph = _graph(function, tensors)
    with torch.no_grad():
        return _Writer(graph, tensors).program()


def polynomial(function: Callable[..., Any], examples: Sequence[Floats]) -> bool:
    """Whether each operation of `function` makes polynomials of its arguments; raises as above."""
    import torch

    graph = _graph(function, [torch.from_numpy(np.array(example)) for example in examples])
    varying: set[Any] = set()
    for node in graph.graph.nodes:
        if node.op == "placeholder" or varying.intersection(node.all_input_nodes):
            varying.add(node)
    calls = [node for node in varying if node.op == "call_function"]
    return all(is_polynomial(node.target, node.args) for node in calls)


def _graph(function: Callable[..., Any], tensors: Sequence[Any]) -> Any:
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    graph = make_fx(torch.func.functionalize(function, remove="mutations_and_views"))(*tensors)
    graph.graph.eliminate_dead_code()
    return graph


class _Writer:
    """Follows the graph with the example's values, and writes what is not constant."""

    def __init__(self, graph: Any, examples: Sequence[Any]) -> None:
        self.graph = graph
        self.examples = list(examples)
        self.values: dict[Any, Any] = {}
        self.names: dict[Any, str] = {}  # of what depends on the arguments
        self.scope: dict[str, Any] = {"np": np}
        self.lines_of: dict[Any, Line] = {}
        self.lines: list[str] = []
        self.written: dict[str, str] = {}
        self.arguments: list[str] = []

    def program(self) -> Program:
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self.examples[len(self.arguments)]
                self.names[node] = f"a{len(self.arguments)}"
                self.arguments.append(self.names[node])
            elif node.op == "get_attr":
                self.values[node] = getattr(self.graph, node.target).detach()
            elif node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                return self._compiled(node.args[0])
            else:
                raise Untraceable(f"{node.op} {node.target}")
        raise Untraceable("no output")

    def _call(self, node: Any) -> None:
        import torch

        args, kwargs = self._evaluated(node.args), self._evaluated(dict(node.kwargs))
        if getattr(getattr(node.target, "_schema", None), "is_mutable", False):
            if operation_name(node.target) not in _RESHAPED_IN_PLACE:
                raise Untraceable(f"{node.target} writes into its argument")
            args = (args[0].clone(), *args[1:])
        value = node.target(*args, **kwargs)
        self.values[node] = value
        for tag in getattr(node.target, "tags", ()):
            if tag.name in _IMPURE:
                raise Untraceable(f"{node.target} is random")
        known = not any(argument in self.names for argument in node.all_input_nodes)
        if known or is_creation(node.target):
            return
        if isinstance(value, torch.Tensor) and value.dtype in (torch.float32, torch.float16):
            raise Untraceable(f"{node.target} leaves float64")
        line = line_of(node.target, value, self._shown(node.args), self._shown(dict(node.kwargs)))
        if isinstance(line, Line):
            if line.constant is not None:
                self.values[node] = torch.from_numpy(line.constant)
                return
            self.lines_of[node] = line
            self._write(node, line.code, line.scope)
            return
        call = torch_call(node.target, value)
        given = f"{self._list(node.args)}, {self._list(dict(node.kwargs))}"
        self._write(node, f"{{call}}({given})", {"call": call})

    def _evaluated(self, argument: Any) -> Any:
        from torch.fx.node import map_arg

        return map_arg(argument, lambda node: self.values[node])

    def _shown(self, argument: Any) -> Any:
        """Nodes as `Shown`."""
        from torch.fx.node import map_arg

        def shown(node: Any) -> Shown:
            line, constant = self.lines_of.get(node, Line()), node not in self.names
            return Shown(self._code(node), self.values[node], constant, line.source, line.pieces)

        return map_arg(argument, shown)

    def _code(self, node: Any) -> str:
        if node in self.names:
            return self.names[node]
        return self._held(_as_numpy(self.values[node]))

    def _held(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def _list(self, argument: Any) -> str:
        import torch.fx

        if isinstance(argument, torch.fx.Node):
            return self._code(argument)
        if isinstance(argument, (list, tuple)):
            return "[" + ", ".join(self._list(a) for a in argument) + "]"
        if isinstance(argument, dict):
            return "{" + ", ".join(f"{k!r}: {self._list(v)}" for k, v in argument.items()) + "}"
        if isinstance(argument, (int, float, str, bool)) or argument is None:
            return repr(argument) if np.isfinite(_number(argument)) else self._held(argument)
        return self._held(argument)

    def _write(self, node: Any, code: str, scope: dict[str, Any]) -> None:
        for key, value in scope.items():
            code = code.replace(f"{{{key}}}", self._held(value))
        if code.isidentifier():
            self.names[node] = code
            return
        if code not in self.written:
            self.written[code] = f"v{len(self.lines)}"
            self.lines.append(f"{self.written[code]} = {code}")
        self.names[node] = self.written[code]

    def _compiled(self, outputs: Any) -> Program:
        several = isinstance(outputs, (list, tuple))
        codes = [self._code(node) for node in (outputs if several else [outputs])]
        returned = f"({', '.join(codes)},)" if several else codes[0]
        body = "\n    ".join([*_needed(self.lines, returned), f"return {returned}"])
        source = f"def program({', '.join(self.arguments)}):\n    {body}\n"
        exec(compile(source, "<traced net>", "exec"), self.scope)
        program: Program = self.scope["program"]
        return program


def _needed(lines: Sequence[str], returned: str) -> list[str]:
    """Without the lines on which nothing that is returned depends."""
    kept, used = [], set(_VARIABLE.findall(returned))
    for line in reversed(lines):
        name, code = line.split(" = ", 1)
        if name in used:
            kept.append(line)
            used.update(_VARIABLE.findall(code))
    return kept[::-1]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _as_numpy(value: Any) -> Any:
    import torch

    return value.detach().numpy() if isinstance(value, torch.Tensor) else value
