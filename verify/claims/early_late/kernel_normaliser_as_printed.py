"""The normaliser Z of the kernel theorem as it is printed, which its own proof contradicts."""

from collections.abc import Iterator
from dataclasses import dataclass

from verify.claims.early_late.kernel_phase import KERNEL_PHASE, KernelPhase
from verify.claims.early_late.kernel_svm import growth_against
from verify.language import Claim, Law, stated
from verify.registry import source_of


@dataclass(frozen=True)
class Theory:
    """Z = log(alpha^(scale c) / lambda^decay) gamma^margin_power.

    The proof has 2 (L-1) for `scale`; the print has 1, for every degree L.
    """

    scale: float = stated(
        1.0,
        no_scale=(0.0, "Z = log(1/lambda) / gamma"),
        half_scale=(0.5, "Z = log(alpha^(c/2) / lambda) / gamma"),
    )
    decay: float = stated(1.0, half_decay=(0.5, "Z = log(alpha^c / lambda^(1/2)) / gamma"))
    margin_power: float = stated(
        -1.0,
        margin_times=(1.0, "Z = gamma log(alpha^c / lambda)"),
        margin_squared=(-2.0, "Z = log(alpha^c / lambda) / gamma^2"),
    )


def laws(phase: KernelPhase, theory: Theory) -> Iterator[Law]:
    margin = phase.svm.margin**theory.margin_power
    yield growth_against(
        phase,
        [
            float(
                margin
                * (
                    theory.scale * rung.instance.c * rung.own.log_alpha
                    - theory.decay * rung.own.log_lambda
                )
            )
            for rung in phase.limits
        ],
    )


CLAIM = Claim(
    id="kernel-normaliser-as-printed",
    title="As printed: f / Z tends to the kernel SVM with Z = log(alpha^c / lambda) / gamma",
    statement=(
        r"\frac{f(\theta((1-c)t_g); x)}{Z(\alpha)} \to"
        r" \langle \nabla f(\bar\theta; x), h^*/\|h^*\| \rangle, \quad"
        r" Z(\alpha) = \tfrac1\gamma \log\frac{\alpha^{c}}{\lambda}"
    ),
    source=source_of("kernel-normaliser-as-printed"),
    measurement=KERNEL_PHASE,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "2 %, logarithmic corrections at log10 alpha = 100 to 10000; the true argument "
        "alpha^(2c(L-1)) / lambda makes |eta| grow (2c(L-1) + p) / (c + p) times as fast as this Z",
    ),
    expected="falsified",
)
