"""Numbers, times, instances and reasons in words."""

import json
import re
from math import ceil, floor, isfinite, log10
from typing import Any

from markupsafe import Markup, escape

from verify import alone
from verify.language.law import Check
from verify.rates import scatter_in_words

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"

EXIT_STATUS = {
    0: "every verdict is the expected one and every rival is rejected",
    1: "some verdict is not the expected one, or some rival survived",
    3: "nothing failed, but something is inconclusive",
}


def slug(identifier: str) -> str:
    """A claim's id as a file name and an anchor can hold it."""
    return re.sub(r"[^\w.-]", "-", identifier)


def superscript(exponent: int) -> str:
    """An exponent as plain text: no font, mark-up or SVG positioning needed."""
    return str(exponent).translate(_SUPERSCRIPTS)


def number(value: float | None, digits: int = 3) -> str:
    """A number to read: 0.0123, 12, 1.77·10⁻⁸."""
    if value is None:
        return NOTHING
    if not isfinite(value):
        return "not a number" if value != value else "∞" if value > 0 else _MINUS + "∞"
    if value == 0:
        return "0"
    exponent = floor(log10(abs(value)))
    if -4 <= exponent < 6:
        text = f"{value:.{digits}g}"
        if "e" in text:
            text = f"{value:.0f}"
        return text.replace("-", _MINUS)
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}·10{superscript(int(power))}".replace("-", _MINUS)


def share(value: float | None) -> str:
    """A ratio to a bound, never rounded up to the bound itself."""
    digits = 3
    while value is not None and value < 1 and number(value, digits) == "1" and digits < 16:
        digits += 1
    return number(value, digits)


def typeset(text: str) -> str:
    """Words from elsewhere, with 1.8e-08 in them written as number() would."""
    return re.sub(r"(\d)e([-+]\d+)\b", lambda m: f"{m[1]}·10{superscript(int(m[2]))}", text)


_GREEK = {
    name: chr(code)
    for name, code in (
        *(("alpha", 0x3B1), ("beta", 0x3B2), ("gamma", 0x3B3), ("delta", 0x3B4)),
        *(("epsilon", 0x3B5), ("eps", 0x3B5), ("eta", 0x3B7), ("theta", 0x3B8), ("kappa", 0x3BA)),
        *(
            ("lambda", 0x3BB),
            ("mu", 0x3BC),
            ("nu", 0x3BD),
            ("rho", 0x3C1),
            ("sigma", 0x3C3),
            ("tau", 0x3C4),
        ),
    )
}
_LETTERS = re.compile(rf"(?<!\w)(?<!\w-)({'|'.join(_GREEK)})(?![A-Za-z0-9])(?!-\w)")


def symbols(text: str) -> str:
    """Words from elsewhere, with alpha as α and log10 as log₁₀."""
    return _LETTERS.sub(lambda match: _GREEK[match[1]], text).replace("log10 ", "log₁₀ ")


def heading(text: str) -> Markup:
    """`symbols`, with t_g and e^(-lambda t) set below and above the line."""
    marked = str(escape(symbols(text)))
    marked = re.sub(r"\^(?:\(([^()^]*)\)|(-?\w+))", _above, marked)
    marked = re.sub(r"\b([A-Za-zα-ω])_(?:\(([^()_]*)\)|(\w{1,3})\b)", _below, marked)
    return Markup(marked)


def _above(match: re.Match[str]) -> str:
    return f"<sup>{(match[1] or match[2] or '').replace('-', _MINUS)}</sup>"


def _below(match: re.Match[str]) -> str:
    return f"{match[1]}<sub>{match[2] or match[3] or ''}</sub>"


def decimals(value: float | None, tolerance: float | None) -> str:
    """A fitted number with two decimals more than its tolerance can tell."""
    if value is None or not isfinite(value) or not tolerance or tolerance <= 0:
        return number(value, 4)
    if not 1e-12 < tolerance < 1e6 or abs(value) >= 1e6:
        return number(value, 4)
    places = max(0, 2 + ceil(-log10(tolerance) - 1e-9))
    return f"{value:.{places}f}".replace("-", _MINUS)


def duration(seconds: float | None) -> str:
    """8.3 s, 2 min 48 s, 3 h 5 min."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """1 claim, 2 claims."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def ratio(worst: dict[str, Any] | None) -> float | None:
    """How much of its bound the worst value takes, its numerical error granted."""
    if worst is None or worst["value"] is None or worst["bound"] is None:
        return None
    return alone.ratio(Check(worst["value"], worst["bound"], worst.get("error") or 0.0))


_NOT_DESCRIBED = {"net", "anchor", "inputs", "labels", "model", "claim"}


def instance_name(instance: dict[str, Any]) -> str:
    """An instance in one line, whatever its kind: the model, then its numbers."""
    labels = instance.get("labels")
    described: dict[str, Any] = {
        **_model(instance),
        **({} if labels is None else {"samples": len(labels)}),
        **{key: value for key, value in instance.items() if key not in _NOT_DESCRIBED},
    }
    regime = described.pop("regime", {})
    flat = {**described, **regime}
    kind = str(flat.pop("kind", "?")).replace("_", " ")
    return ", ".join([kind, *(f"{key.replace('_', ' ')} {_plain(flat[key])}" for key in flat)])


def _model(instance: dict[str, Any]) -> dict[str, Any]:
    return {"kind": instance["model"]} if "model" in instance else dict(instance.get("net") or {})


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value))
    return str(value).replace("_", " ")


def instance_json(instance: dict[str, Any]) -> str:
    """JSON with one line for each key: short enough to read, whole enough to save."""
    lines = (f"  {json.dumps(str(key))}: {json.dumps(value)}" for key, value in instance.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def summary(results: dict[str, Any]) -> str:
    """The run in one paragraph."""
    claims = results["claims"]
    if not claims:
        return "No claim was run."
    rivals = [rival for claim in claims for rival in claim["rivals"]]
    rejected = sum(rival["rejected"] for rival in rivals)
    examples = sum(claim["examples"] for claim in claims)
    return (
        f"{_verdicts(claims)} {_rejections(rejected, len(rivals))} "
        f"Measured on {counted(examples, 'random instance')} in {duration(results['seconds'])}, "
        f"profile {results['profile']}, seed {results['seed']}."
    )


def _verdicts(claims: list[dict[str, Any]]) -> str:
    """Of 6 claims 4 hold, 1 is falsified as expected and 1 is inconclusive."""
    total = len(claims)
    verdicts = [(claim["verdict"], claim["verdict"] == claim["expected"]) for claim in claims]
    words = (
        ("holds", True, "holds", "hold"),
        ("falsified", True, "is falsified as expected", "are falsified as expected"),
        (
            "falsified",
            False,
            "is falsified against expectation",
            "are falsified against expectation",
        ),
        ("holds", False, "holds against expectation", "hold against expectation"),
        ("inconclusive", False, "is inconclusive", "are inconclusive"),
    )
    parts = [
        f"{count} {one if count == 1 else many}"
        for verdict, expected, one, many in words
        if (count := verdicts.count((verdict, expected)))
    ]
    listed = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    if len(parts) == 1 and verdicts.count(verdicts[0]) == total > 1:
        return f"All {listed.replace(str(total), f'{total} claims', 1)}."
    return f"Of {counted(total, 'claim')}, {listed}."


def _rejections(rejected: int, total: int) -> str:
    if total == 0:
        return "There are no rivals."
    if rejected == total:
        return (
            f"All {total} rival statements are rejected." if total > 1 else "Its rival is rejected."
        )
    survived = total - rejected
    return (
        f"{rejected} of {total} rival statements are rejected; "
        f"{counted(survived, 'rival survives', 'rivals survive')}."
    )


def counterexample(entry: dict[str, Any]) -> str:
    """What the saved instance of a falsified claim is."""
    if entry.get("alone", True):
        return "Counterexample"
    return "Instance whose rate is furthest off"


def reasons(claim: dict[str, Any]) -> list[str]:
    """Why the verdict is what it is, from the counts and judgements alone."""
    listed = _bound_reasons(claim) + _rate_reasons(claim)
    if claim["verdict"] == "inconclusive":
        listed += [f"It does not hold yet: {told}." for told in claim.get("shortfalls", ())]
    if claim["verdict"] != claim["expected"]:
        listed.append(f"Expected by its author: {claim['expected']}.")
    listed += [
        f"Rival “{rival['id']}” survived: this evidence does not tell it from the claim."
        for rival in claim["rivals"]
        if not rival["rejected"]
    ]
    return listed


def _bound_reasons(claim: dict[str, Any]) -> list[str]:
    refuted, decided, undecided = claim["refuted"], claim["decided"], claim["inconclusive"]
    examples = counted(claim["examples"], "instance")
    listed = []
    if refuted:
        verb = "exceeds" if refuted == 1 else "exceed"
        listed.append(f"{refuted} of {examples} {verb} a bound by more than the numerical error.")
    elif decided:
        listed.append(f"Every bound is kept on the {decided} decided of {examples}.")
    else:
        listed.append(f"None of {examples} could be decided.")
    if undecided:
        listed.append(
            f"{counted(undecided, 'instance')} undecided: not measured, or the numerical error "
            "covers the bound."
        )
    return listed


def _rate_reasons(claim: dict[str, Any]) -> list[str]:
    rates = claim["rates"]
    kept = sum(rate["judgement"] == "kept" for rate in rates)
    listed = []
    if kept:
        every = "Every rate" if kept == len(rates) else f"{kept} of {len(rates)} rates"
        verb = "lies" if kept in (1, len(rates)) else "lie"
        listed.append(f"{every} {verb} within tolerance of the prediction.")
    listed += [_rate_reason(rate) for rate in rates if rate["judgement"] != "kept"]
    return listed


def _rate_reason(rate: dict[str, Any]) -> str:
    tolerance = rate["tolerance"]
    fitted, low, high = (decimals(rate[key], tolerance) for key in ("fitted", "low", "high"))
    predicted = f"{number(rate['predicted'], 4)} ± {number(tolerance)}"
    judged = "is refuted" if rate["judgement"] == "refuted" else "stays undecided"
    return (
        f"The rate “{rate['quantity']}” {judged}: {fitted} in [{low}, {high}] from "
        f"{counted(rate['samples'], 'instance')}, predicted {predicted}"
        f"{scatter_in_words(rate['far'], rate['samples'])}."
    )
