"""The flow theta' = -lambda theta + (1/n) sum_i y_i e^(-q_i) grad f_i by general-purpose solvers.

Raw coordinates and time, as one writes it first; inputs are signed, Z = diag(y) X. Times are
divided by t_g, which changes nothing for solvers that adapt their steps. The explicit ones are
helped twice: a first step of `first_step`, and exponents cut at 60. Without, a trial step overflows
and they stop.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.benchmarks.instances import AT, MAX_STEPS, Solve
from theory.backend import Floats
from theory.flow import reference_flow
from theory.nets import Diagonal, HomogeneousNet, TwoLayer
from theory.problem import Problem, Regime

CEILING = 60.0
NO_DIGITS = "gives up: raw coordinates hold no digits of the margins beyond alpha = 1000"


def signed_inputs(problems: Sequence[Problem]) -> Floats:
    return np.array([p.labels[:, None] * p.inputs for p in problems])


def lsoda(problems: Sequence[Problem], regime: Regime) -> Solve:
    """SciPy's LSODA with the analytic Jacobian, one instance after the other."""

    def solve(rtol: float) -> Floats:
        return np.array(
            [
                p.row_labels * p.row_net.outputs(reference_flow(p, regime, AT, rtol=rtol), p.inputs)
                for p in problems
            ]
        )

    return solve


def diffrax_tsit5(problems: Sequence[Problem], regime: Regime) -> Solve:
    """Tsit5 in diffrax, compiled and vectorised over instances, each with its own steps."""
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install -e '.[bench]'")
    diffrax = pytest.importorskip("diffrax", reason="diffrax is not installed")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    decay, unit = float(np.exp(regime.log_lambda)), _unit(regime)
    outputs = _outputs(problems[0].net)
    starts = jnp.asarray(np.array([_start(p, regime) for p in problems]))
    tasks = jnp.asarray(np.array([p.inputs for p in problems]))
    labels = jnp.asarray(np.array([p.labels for p in problems]))

    def field(_time, theta, task):  # type: ignore[no-untyped-def]
        inputs, labels = task
        reached, pulled = jax.vjp(lambda point: outputs(point, inputs), theta)
        force = labels * jnp.exp(jnp.minimum(-labels * reached, CEILING)) / len(labels)
        return unit * (pulled(force)[0] - decay * theta)

    def one(start, inputs, labels, rtol):  # type: ignore[no-untyped-def]
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Tsit5(),
            t0=0.0,
            t1=max(AT),
            dt0=first_step(problems, regime),
            y0=start,
            args=(inputs, labels),
            saveat=diffrax.SaveAt(ts=jnp.asarray(AT)),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol),
            max_steps=MAX_STEPS,
            throw=False,
        )
        margins = jax.vmap(lambda theta: labels * outputs(theta, inputs))(found.ys)
        return margins, found.result == diffrax.RESULTS.successful

    batch = jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))

    def solve(rtol: float) -> Floats:
        margins, done = batch(starts, tasks, labels, rtol)
        if not bool(done.all()):
            raise RuntimeError(f"diffrax Tsit5 needs more than {MAX_STEPS} steps")
        return np.asarray(margins)

    return solve


def _outputs(net: HomogeneousNet):  # type: ignore[no-untyped-def]
    """f(theta; x), shape `(n,)`, for jax."""
    if isinstance(net, TwoLayer) and net.activation == "square" and net.output_dim == 1:
        width, input_dim = net.width, net.input_dim

        def two_layers(theta, inputs):  # type: ignore[no-untyped-def]
            return (inputs @ theta[width:].reshape(width, input_dim).T) ** 2 @ theta[:width]

        return two_layers
    if isinstance(net, Diagonal) and net.degree == 2:
        size = net.input_dim
        return lambda theta, inputs: inputs @ (theta[:size] ** 2 - theta[size:] ** 2)
    return pytest.skip(f"{net} is not written down for jax")


def torchdiffeq_dopri5(problems: Sequence[Problem], regime: Regime) -> Solve:
    """dopri5 in torchdiffeq: one batch, whose instances share their steps."""
    torch = pytest.importorskip("torch")
    torchdiffeq = pytest.importorskip("torchdiffeq", reason="torchdiffeq is not installed")
    decay, unit = float(np.exp(regime.log_lambda)), _unit(regime)
    inputs = torch.tensor(signed_inputs(problems))
    start = torch.tensor(np.array([_start(p, regime) for p in problems]))
    times = torch.tensor([0.0, *AT], dtype=torch.float64)

    def margins(theta):  # type: ignore[no-untyped-def]
        u, v = theta.chunk(2, dim=-1)
        return (inputs @ (u * u - v * v)[..., None])[..., 0]

    def field(_time, theta):  # type: ignore[no-untyped-def]
        u, v = theta.chunk(2, dim=-1)
        force = torch.exp((-margins(theta)).clamp(max=CEILING)) / inputs.shape[1]
        pull = 2.0 * (force[:, None, :] @ inputs)[:, 0, :]
        return unit * (torch.cat([pull * u, -pull * v], dim=-1) - decay * theta)

    def solve(rtol: float) -> Floats:
        with torch.no_grad():
            found = torchdiffeq.odeint(
                field,
                start,
                times,
                rtol=rtol,
                atol=rtol,
                method="dopri5",
                options={"max_num_steps": MAX_STEPS, "first_step": first_step(problems, regime)},
            )
            return np.stack([margins(theta).numpy() for theta in found[1:]], axis=1)

    return solve


def first_step(problems: Sequence[Problem], regime: Regime) -> float:
    """A hundredth of the fastest time scale at the start, in units of t_g."""
    stretched = [np.linalg.norm(p.net.jacobian(_start(p, regime), p.inputs), 2) for p in problems]
    fastest = float(max(stretched)) ** 2
    return 0.01 * problems[0].samples / (fastest * _unit(regime))


def _unit(regime: Regime) -> float:
    """t_g."""
    return float(regime.log_alpha / np.exp(regime.log_lambda))


def _start(problem: Problem, regime: Regime) -> Floats:
    return np.asarray(np.exp(regime.log_alpha) * problem.anchor)
