"""A plausible statement that is false: the plain normalized margin never decreases either.

So the theorem of margin_monotone.py is often quoted. The two margins differ by at most
log(n) / |theta|^L, and most flows agree with both; the suite finds one that does not.
"""

from dataclasses import replace

from margin_monotone import CLAIM as SMOOTHED
from margin_monotone import Theory

CLAIM = replace(
    SMOOTHED,
    id="plain-margin-monotone",
    title="Without weight decay the normalized margin min q_i / |theta|^L never decreases",
    statement=r"\frac{d}{dt} \frac{\min_i q_i}{\|\theta\|^L} \ge 0",
    source="misquoted from Lyu and Li (ICLR 2020), whose margin is smoothed",
    measurement=replace(SMOOTHED.measurement, id="undecayed-diagonal", families=("diagonal",)),
    theory=Theory(lambda flow: flow.normalized(flow.margins.min(axis=1))),
)
