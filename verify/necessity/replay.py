"""Judging a saved pair again: does the conclusion still fail for the violating instance alone?"""

from theory.errors import InvalidInput, NumericalFailure
from verify.instances import CONCLUSIONS, Violation
from verify.necessity.conclusions import FAILURE, judge_pair
from verify.replay import Replay


def replay_violation(pair: Violation) -> Replay:
    """Exit status 0 where it fails without the assumption and holds with it, else 1; 3 undecided.

    Raises:
        InvalidInput: the pair names no conclusion.
    """
    if pair.conclusion is None:
        allowed = ", ".join(CONCLUSIONS)
        raise InvalidInput(f'"conclusion" is missing; one of {allowed} is to be judged')
    head = f"{pair.conclusion} without the assumption: {pair.assumption}"
    try:
        judged = judge_pair(pair, pair.conclusion)
    except NumericalFailure as failure:
        return Replay("inconclusive", 3, (head, f"numerical failure: {failure}"))
    lines = [head]
    for name, outcome in (("violating", judged.violating), ("restored", judged.restored)):
        lines += [
            f"  {name:<9} {part.name}: {part.value:.6g}, granted {part.granted:.6g} "
            f"(ratio {part.severity:.3g})"
            for part in outcome.parts
        ]
    if judged.needed:
        lines.append("verdict: needed; fails without the assumption, holds with it")
        return Replay("falsified", 0, tuple(lines))
    reason = "holds without it as well" if judged.valid else "fails with it as well"
    lines.append(f"verdict: not shown to be needed; {reason} (a failure exceeds {FAILURE:g})")
    return Replay("holds", 1, tuple(lines))
