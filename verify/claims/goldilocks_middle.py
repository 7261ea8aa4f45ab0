"""The middle sample size: it is said to grok to full generalisation, and does not."""

from dataclasses import dataclass, replace

from theory.errors import NumericalFailure
from theory.lazy_rich import Setting, Training, gradient_descent
from theory.lazy_rich.hard_tasks import least_norm_form
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.claims.enough_samples import relative_loss
from verify.instances.committee import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_training import goldilocks_instances

FITTED = 1e-3
"""Share of its start that the training loss has fallen below at the end."""


@dataclass(frozen=True)
class Theory:
    """With P = samples * D the test loss falls below a share of its start.

    Attributes:
        machine: the "network", or kernel "regression" with K0.
    """

    samples: int = 3
    share: float = 0.1
    machine: str = "network"


@dataclass(frozen=True)
class Measured:
    """Test losses over their start once the training data are fitted, by P / D."""

    network: dict[int, float]
    regression: dict[int, float]


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    network, regression = {}, {}
    for multiple in (1, 2, 3):
        one = replace(setting, samples=multiple * setting.input_dim)
        network[multiple] = _final(one)
        form = least_norm_form(one.inputs(), one.labels(), one.curvature)
        regression[multiple] = relative_loss(one, form)
    return Measured(network, regression)


def _final(setting: Setting) -> float:
    training = Training.of([setting])
    first, last = gradient_descent(training, [0, setting.steps])
    left = float(last.train_loss[0] / first.train_loss[0])
    if left > FITTED:
        raise NumericalFailure(f"the training loss is at {left:.2g} of its start, not yet fitted")
    form = last.committee.form() - training.committee.form()
    target = setting.target().mean_square().total
    return float((form - setting.target()).mean_square().total[0] / target)


def assertions(measured: Measured, theory: Theory) -> Assertions:
    losses = measured.network if theory.machine == "network" else measured.regression
    name = f"test loss over its start, P = {theory.samples} D"
    return Assertions((Bound(name, losses[theory.samples], theory.share),))


_TRUE = Theory()

CLAIM = Claim(
    id="goldilocks-middle",
    title="Three samples a dimension grok to full generalisation",
    statement=r"P = 3D: \quad L_{\mathrm{test}}(\infty) \le \tfrac{1}{10} L_{\mathrm{test}}(0)",
    source=source_of("goldilocks-middle"),
    assumptions=(
        "alpha = 1, eps = 1/2, centred predictor, N from D + 1 to 3 D",
        "the training loss is below a thousandth of its start",
    ),
    instances=lambda families: goldilocks_instances(),
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("two-a-dimension", "2 D samples do", replace(_TRUE, samples=2)),
        Rival("one-a-dimension", "D samples do", replace(_TRUE, samples=1)),
        Rival("half", "D samples come to half of the start", Theory(samples=1, share=0.5)),
        Rival("hundredth", "3 D samples come to a hundredth", replace(_TRUE, share=0.01)),
        Rival(
            "kernel-regression",
            "3 D samples are enough for kernel regression",
            replace(_TRUE, machine="regression"),
        ),
    ),
    tolerances=("a tenth of the initial test loss; the exact test loss, without error",),
    families=("gaussian",),
    kind=CommitteeInstance,
    thrift=3,
    expected="falsified",
)
