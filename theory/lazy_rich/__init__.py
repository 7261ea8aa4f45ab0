"""The lazy-to-rich theory of grokking without weight decay, on polynomial regression.

Source: Kumar, Bordelon, Gershman, Pehlevan, "Grokking as the Transition from Lazy to Rich Training
Dynamics" (ICLR 2024). The loss is the mean of (f - y)^2 without 1/2, inputs are N(0, I/D), and time
is the flow time of its preprint: dt = 2 lr / D for a learning rate lr N / alpha^2.
"""

from theory.lazy_rich.committee import Committee
from theory.lazy_rich.linearised import Linearisation
from theory.lazy_rich.quadratic_form import Decomposition, QuadraticForm
from theory.lazy_rich.setting import Setting
from theory.lazy_rich.training import Moment, Training, gradient_descent

__all__ = [
    "Committee",
    "Decomposition",
    "Linearisation",
    "Moment",
    "QuadraticForm",
    "Setting",
    "Training",
    "gradient_descent",
]
