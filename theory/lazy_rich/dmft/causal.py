"""The mean field theory by one causal sweep: step t needs only what came before it.

A population of samples is carried along. Each has the fields u of a sample that is not trained on,
which are Gaussian and driven by the average response of the weights, and the fields h of one that
is trained on, which remember its own pushes. All order parameters are averages over the
population; nothing is iterated.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 4-6, 26-29 and 41-52.
"""

import torch

from theory.backend import Array
from theory.errors import NumericalFailure
from theory.lazy_rich.dmft.mean_field import MeanField
from theory.lazy_rich.dmft.noise import factor, whitened_normals
from theory.lazy_rich.dmft.order_parameters import (
    MeanFieldSolution,
    OrderParameters,
    population_loss,
    training_loss,
)

DEPENDENT = 1e-12
"""A push that leaves less than this share of itself outside the span of the earlier ones depends on
them linearly: the rest is rounding, and no direction."""

CACHED = 2**14
"""Samples whose derivatives are pushed at a time: memory is slower than arithmetic here."""


def causal_sweep(
    problem: MeanField,
    samples: int = 1024,
    runs: int = 1,
    seed: int = 0,
    device: str = "cpu",
) -> MeanFieldSolution:
    """Solve the mean field theory for the steps 0 to T.

    Time grows like runs * samples * N^2 T^3 / 6 multiplications, memory like
    runs * samples * N^2 T^2 / 2 numbers.

    Args:
        samples: the population, even and at least twice 1 + N + N T; its Monte Carlo error falls
            like its square root.
        runs: independent populations.

    Raises:
        InvalidInput: too few samples.
        NumericalFailure: a sample's fields overflowed: the step is too large for them.
    """
    width, steps = problem.width, problem.steps
    noise = whitened_normals(runs, 1 + width * (steps + 1), samples, seed, device)
    start = factor(torch.as_tensor(problem.start())).to(noise) @ noise[:, : 1 + width]
    target, drive = start[:, 0], noise[:, 1 + width :].unflatten(1, (steps, width))
    untrained = noise.new_zeros(runs, steps + 1, width, samples)
    trained, pushes = torch.zeros_like(untrained), torch.zeros_like(drive)
    untrained[:, 0] = start[:, 1:]

    weight_response = noise.new_zeros(runs, steps + 1, width, steps, width)
    gradient_response = noise.new_zeros(runs, steps, width, steps, width)
    pull = noise.new_zeros(runs, steps, width)
    basis = _Basis(drive)
    together = max(CACHED // samples, 1)
    sensitivities = [_Sensitivity(problem, part) for part in target.split(together)]
    for t in range(steps + 1):
        echo = _apply(weight_response[:, t, :, :t], pushes[:, :t])
        trained[:, t] = untrained[:, t] + problem.memory_gain * echo
        if t == steps:
            break
        residual = problem.residual(trained[:, t], untrained[:, 0], target)
        slope = problem.slope(trained[:, t])
        pushes[:, t] = residual[:, None] * slope / problem.output_scale
        told = (weight_response[:, t, :, :t], residual, slope)
        parts = zip(sensitivities, *(each.split(together) for each in told), strict=True)
        found = [sensitivity.advance(t, *part) for sensitivity, *part in parts]
        response, direct = (torch.cat(each) for each in zip(*found, strict=True))
        gradient_response[:, t, :, : t + 1] = response
        pull[:, t] = problem.terms.pull * direct
        memory = _compose(response, weight_response[:, : t + 1, :, :t])
        weight_response[:, t + 1, :, :t] = weight_response[:, t, :, :t] + problem.step * memory
        weight_response[:, t + 1, :, t] = torch.eye(width).to(noise)
        force = problem.noise_scale * basis.coloured(pushes[:, t])
        force += _apply(response, untrained[:, : t + 1]) + pull[:, t, :, None] * target[:, None]
        untrained[:, t + 1] = untrained[:, t] + problem.step * force
    if not bool(torch.isfinite(trained).all()):
        raise NumericalFailure(
            f"the fields of some samples overflow within {steps} steps of {problem.step:g} at "
            f"sample_ratio {problem.sample_ratio:g}"
        )
    flat = untrained.flatten(1, 2)
    covariance = (flat @ flat.mT / samples).reshape(runs, steps + 1, width, steps + 1, width)
    overlap = (untrained * target[:, None, None]).mean(-1)
    push = pushes.flatten(1, 2)
    order = OrderParameters(
        covariance,
        overlap,
        (push @ push.mT / samples).reshape(gradient_response.shape),
        weight_response,
        gradient_response,
        pull,
    )
    exact = population_loss(problem, covariance, overlap)
    return MeanFieldSolution(
        order, training_loss(problem, trained, untrained, target, exact), exact
    )


def _apply(operator: Array, history: Array) -> Array:
    """sum_s operator(s) history(s): `(runs, N, t, N)` on `(runs, t, N, S)` to `(runs, N, S)`."""
    return operator.flatten(2) @ history.flatten(1, 2)


def _compose(operator: Array, others: Array) -> Array:
    """sum_r operator(r) others(r, s): `(runs, N, t, N)` on `(runs, t, N, s, N)`."""
    product = operator.flatten(2) @ others.flatten(1, 2).flatten(2)
    return product.unflatten(2, others.shape[3:])


class _Basis:
    """Orthonormal variables q_k of the population, in whose span the pushes so far lie.

    Pushes g(t) = sum_k r_k(t) q_k have the covariance sum_k r_k(t) r_k(s), and so has
    sum_k r_k(t) z_k of independent noise z: no factor of the covariance is needed, which becomes
    singular as training ends.
    """

    def __init__(self, drive: Array) -> None:
        self.drive = drive.flatten(1, 2)
        self.vectors = torch.zeros_like(self.drive)
        self.count = 0

    def coloured(self, pushes: Array) -> Array:
        """Noise with the covariance of the pushes, shape `(runs, N, S)` as they have."""
        return torch.stack([self._next(push) for push in pushes.unbind(1)], 1)

    def _next(self, push: Array) -> Array:
        k, samples = self.count, push.shape[-1]
        past, rest = self.vectors[:, :k], push[:, None]
        shares = push.new_zeros(len(push), 1, k)
        for _ in range(2):  # once more for what rounding left
            found = rest @ past.mT / samples
            rest = rest - found @ past
            shares = shares + found
        size = (rest**2).mean(-1, keepdim=True).sqrt()
        resolved = size > DEPENDENT * (push[:, None] ** 2).mean(-1, keepdim=True).sqrt()
        size = torch.where(resolved, size, 0.0)
        self.vectors[:, k] = torch.where(resolved, rest / size.clamp_min(1e-300), 0.0)[:, 0]
        self.count += 1
        return (shares @ self.drive[:, :k])[:, 0] + size[:, 0] * self.drive[:, k]


class _Sensitivity:
    """dg(t)/du(s) and dg(t)/dh_* of every sample, built up step by step."""

    def __init__(self, problem: MeanField, target: Array) -> None:
        runs, samples = target.shape
        steps, width = problem.steps, problem.width
        self.problem, self.target = problem, target
        # one table for each s: rows (t, i) from t = s on, columns (j, sample)
        self.tables = [
            target.new_zeros(runs, (steps - s) * width, samples * width) for s in range(steps)
        ]
        self.direct = target.new_zeros(runs, steps * width, samples)
        self.unit = torch.eye(width).to(target)[..., None].expand(runs, width, width, samples)
        self.first_slope: Array = None

    def advance(
        self, t: int, weight_response: Array, residual: Array, slope: Array
    ) -> tuple[Array, Array]:
        """Averages of dg(t)/du(s), `(runs, N, t+1, N)`, and of dg(t)/dh_*, `(runs, N)`.

        Args:
            weight_response: Rw(t, s) for s < t, shape `(runs, N, t, N)`.
            residual: of the trained samples at t, `(runs, S)`.
            slope: likewise, `(runs, N, S)`.
        """
        problem, width, gain = self.problem, self.problem.width, self.problem.memory_gain
        fields = self.target.new_empty(t + 1, *self.unit.shape)
        fields[t] = self.unit
        for s, table in enumerate(self.tables[:t]):
            echo = gain * weight_response[:, :, s:].flatten(2)
            torch.bmm(echo, table[:, : (t - s) * width], out=fields[s].view(len(echo), width, -1))
        changes = self._push_change(fields, residual[:, None], slope[:, :, None])
        if problem.centred:
            if t == 0:
                self.first_slope = slope
            # the offset f(h(0)) is moved by u(0) as well
            changes[0] += slope[:, :, None] * self.first_slope[:, None] / width
        for s, table in enumerate(self.tables[: t + 1]):
            table[:, (t - s) * width : (t - s + 1) * width] = changes[s].flatten(2)

        echo = gain * weight_response.flatten(2) @ self.direct[:, : t * width]
        direct = self._push_change(echo, residual, slope)
        direct += self.target[:, None] * slope / problem.output_scale
        self.direct[:, t * width : (t + 1) * width] = direct
        return changes.mean(-1).permute(1, 2, 0, 3), direct.mean(-1)

    def _push_change(self, fields: Array, residual: Array, slope: Array) -> Array:
        """dg_i = sum_j (dg_i/dh_j) dh_j; neurons are on the axis where `slope` has them."""
        problem, neurons = self.problem, 1 - slope.ndim
        changes = slope * fields
        summed = changes.sum(neurons, keepdim=True) / problem.width
        straight = problem.curvature / problem.output_scale * residual.unsqueeze(neurons)
        return torch.mul(straight, fields, out=changes).addcmul_(slope, summed, value=-1.0)
