"""The middle sample size: it is said to grok to full generalisation, and does not."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

from theory.errors import NumericalFailure
from theory.lazy_rich import QuadraticForm, Setting, Training, gradient_descent
from theory.lazy_rich.hard_tasks import least_norm_form
from verify.claims.lazy_rich.plain_descent import Descent, plain_descent
from verify.instances.committee import CommitteeInstance
from verify.language import (
    Basis,
    Claim,
    Law,
    Measurement,
    Quantity,
    Rival,
    below,
    choice,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.committee_training import goldilocks_instances

FITTED = 1e-3
"""Share of its start that the training loss has fallen below at the end."""
ROUNDING = 1e-11
"""Of a share of the test loss that is left, by the other route of descent."""


class Machine(Enum):
    """What is fitted to the samples."""

    NETWORK = "network"
    REGRESSION = "kernel regression with K0"


@dataclass(frozen=True)
class Theory:
    """With P = samples * D the test loss falls below a share of its start."""

    samples: int = stated(3, two_a_dimension=(2, "2 D samples do"), one_a_dimension=(1, "D do"))
    share: float = stated(0.1, hundredth=(0.01, "3 D samples come to a hundredth"))
    machine: Machine = choice(
        Machine.NETWORK,
        kernel_regression=(Machine.REGRESSION, "3 D samples are enough for kernel regression"),
    )


@dataclass(frozen=True, eq=False)
class Measured:
    """Test losses over their start once the training data are fitted, as many as are asked for."""

    setting: Setting
    descent: Descent
    labels_of: float = 1.0
    known: dict[tuple[Machine, int], float] = field(default_factory=dict)

    def left(self, machine: Machine, samples: int) -> Quantity:
        """With so many samples a dimension.

        Raises:
            NumericalFailure: the training loss of the network is not yet fitted.
        """
        if (machine, samples) not in self.known:
            one = replace(self.setting, samples=samples * self.setting.input_dim)
            form = self._learned(one) if machine is Machine.NETWORK else _regression(one)
            target = one.target()
            loss = (form - target).mean_square().total / target.mean_square().total
            self.known[machine, samples] = float(loss)
        return Quantity.of(self.known[machine, samples], ROUNDING)

    def _learned(self, setting: Setting) -> QuadraticForm:
        training = Training.of([setting])
        training = replace(training, targets=self.labels_of * training.targets)
        first, last = self.descent(training, [0, setting.steps])
        left = float(last.train_loss[0] / first.train_loss[0])
        if left > FITTED:
            raise NumericalFailure(f"training loss at {left:.2g} of its start, not yet fitted")
        learned = last.committee.form() - training.committee.form()
        return QuadraticForm(learned.linear[0], learned.quadratic[0])


def _regression(setting: Setting) -> QuadraticForm:
    return least_norm_form(setting.inputs(), setting.labels(), setting.curvature)


def measured_by(descent: Descent, instance: CommitteeInstance, labels_of: float = 1.0) -> Measured:
    measured = Measured(instance.setting, descent, labels_of)
    measured.left(Machine.NETWORK, 3)
    return measured


def laws(measured: Measured, theory: Theory) -> Iterator[Law]:
    left = measured.left(theory.machine, theory.samples)
    yield below("test loss over its start", left, theory.share, Basis.MEASURED)


CLAIM = Claim(
    id="goldilocks-middle",
    title="Three samples a dimension grok to full generalisation",
    statement=r"P = 3D: \quad L_{\mathrm{test}}(\infty) \le \tfrac{1}{10} L_{\mathrm{test}}(0)",
    source=source_of("goldilocks-middle"),
    measurement=Measurement(
        id="goldilocks-middle",
        kind=CommitteeInstance,
        families=("gaussian",),
        instances=lambda _families, _sizes: goldilocks_instances(),
        measure=partial(measured_by, gradient_descent),
        assumptions=in_words(
            "alpha = 1, eps = 1/2, centred predictor, N from D + 1 to 3 D",
            "the training loss is below a thousandth of its start",
        ),
        sabotaged={"labels twice as large": partial(measured_by, gradient_descent, labels_of=2.0)},
        independent=partial(measured_by, plain_descent),
        thrift=3,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("a tenth of the initial test loss; the exact test loss, but for rounding",),
    further_rivals=(
        Rival("half", "D samples come to half of the start", Theory(samples=1, share=0.5)),
    ),
    expected="falsified",
)
