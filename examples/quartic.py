"""A net of one's own: a sum of two quartics, written in torch with its degree and nothing else."""

from theory import HomogeneousNet


class Quartic(HomogeneousNet):
    """f(u, v; x) = sum_k (u_k^4 - v_k^4) x_k."""

    degree = 4

    def forward(self, theta, inputs):
        u, v = theta.chunk(2)
        return inputs @ (u**4 - v**4)
