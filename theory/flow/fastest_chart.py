"""The fastest route to a chart: compiled for the package's own nets, else traced, else plain."""

from theory.flow.chart import Chart
from theory.flow.compiled_chart import CompiledChart, compiled_chart
from theory.flow.traced_chart import traced_chart

Fastest = CompiledChart | Chart


def fastest_chart(chart: Chart) -> Fastest:
    """The same right-hand side and Jacobian, to rounding."""
    return compiled_chart(chart) or traced_chart(chart) or chart
