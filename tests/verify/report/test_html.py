"""The page is well formed, whole and self-contained, whatever the results."""

import copy
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

from theory.errors import InvalidInput
from verify.catalogue import all_claims
from verify.events import RunFinished, RunStarted
from verify.mathml import formulas, split_at_quads
from verify.registry import registry
from verify.report.digest import digest
from verify.report.html import MOST_LISTED, HtmlReport, render
from verify.report.plots import ladder_plot, log_ticks, tick_label
from verify.report.words import (
    decimals,
    duration,
    heading,
    instance_name,
    number,
    ratio,
    share,
    summary,
    typeset,
)

INSTANCE = {
    "net": {"kind": "two_layer", "width": 4, "input_dim": 2, "activation": "relu_cubed"},
    "anchor": [0.5, 0.5],
    "inputs": [[1.0, -1.0]],
    "labels": [1.0],
    "loss": "logistic",
    "regime": {"log10_alpha": 12.0, "log10_lambda": -24.0},
    "c": 0.3,
    "claim": "law",
}

RATE = {
    "quantity": "order in 1/log alpha",
    "predicted": 1.0,
    "fitted": 1.004,
    "low": 0.99,
    "high": 1.02,
    "samples": 8,
    "far": 0.0,
    "tolerance": 0.05,
    "judgement": "kept",
}

CLAIM: dict[str, Any] = {
    "id": "law",
    "title": "A law",
    "statement": r"\frac{a}{b} \to \log\alpha, \quad \min_{t \in [0, 1]} \|\theta\|",
    "source": "Somebody, Theorem 1",
    "assumptions": ["smoothness", "c > 0"],
    "tolerances": ["5 %: logarithmic corrections"],
    "verdict": "holds",
    "expected": "holds",
    "examples": 4,
    "decided": 4,
    "discarded": 0,
    "inconclusive": 0,
    "refuted": 0,
    "seconds": 1.25,
    "outcomes": {"measured": 4},
    "worst": {"name": "gap", "value": 0.4, "bound": 1.0, "error": 1e-9, "instance": INSTANCE},
    "bounds": [{"name": "gap", "checked": 4, "largest_ratio": 0.4, "median_ratio": 0.1}],
    "rates": [RATE],
    "rivals": [
        {
            "id": "no-log",
            "description": "without the logarithm",
            "rejected": True,
            "examples_needed": 2,
            "reason": "gap: 3, allowed 1.2e-08",
        }
    ],
    "ladders": [
        {
            "quantity": "gap of |theta| in $x_1$",
            "x_label": "log10 alpha",
            "series": [
                {"x": [10, 100, 1000], "y": [1e-2 / k, 1e-3 / k, 1e-4 / k], "example": k}
                | {"predicted": [1e-2 / k, 1e-3 / k, 1.1e-4 / k]}
                for k in range(1, 5)
            ],
        }
    ],
    "findings": [],
    "instances": [
        {
            "instance": INSTANCE,
            "outcome": "measured",
            "message": "",
            "severity": 0.4,
            "seconds": 0.3,
        }
    ]
    * 4,
    "counterexample": None,
}

RESULTS: dict[str, Any] = {
    "schema": 1,
    "seed": 0,
    "profile": "quick",
    "command": "python -m verify run --seed 0",
    "seconds": 167.6,
    "exit_status": 0,
    "environment": {
        "python": "3.11.7",
        "platform": "Linux",
        "machine": "x86_64",
        "cores": 2,
        "packages": {"numpy": "2.4.6", "theory-verify": None},
        "commit": None,
    },
    "claims": [CLAIM],
}


def run_of(*changes: dict[str, Any], exit_status: int = 0) -> dict[str, Any]:
    """Results with one claim for each set of changes."""
    claims = [
        {**copy.deepcopy(CLAIM), "id": f"law-{k}", **change} for k, change in enumerate(changes)
    ]
    return {**RESULTS, "claims": claims, "exit_status": exit_status}


FALSIFIED = {
    "verdict": "falsified",
    "refuted": 1,
    "rates": [RATE, {**RATE, "fitted": 3.0, "low": 2.9, "high": 3.1, "judgement": "refuted"}],
    "rivals": [
        {
            "id": "stubborn",
            "description": "also wrong",
            "rejected": False,
            "examples_needed": None,
            "reason": "",
        }
    ],
    "counterexample": {
        "instance": "counterexamples/law.json",
        "command": "python -m verify replay counterexamples/law.json",
        "severity": 113.0,
        "shrunk": True,
    },
}

INCONCLUSIVE = {
    "verdict": "inconclusive",
    "decided": 0,
    "inconclusive": 4,
    "worst": None,
    "bounds": [],
    "rates": [],
    "ladders": [],
    "rivals": [],
    "outcomes": {"integrator did not finish": 4},
    "instances": [
        {
            "instance": INSTANCE,
            "outcome": "integrator did not finish",
            "message": "step below 1e-300",
            "severity": None,
            "seconds": 0.0,
        }
    ]
    * 4,
}

NULLS = {
    "worst": {**CLAIM["worst"], "bound": 0.0},
    "bounds": [{"name": "gap", "checked": 1, "largest_ratio": None, "median_ratio": None}],
    "instances": [
        {
            "instance": {"net": {"kind": "module", "path": "my_net.py:Net"}},
            "outcome": "measured",
            "message": "",
            "severity": None,
            "seconds": 0.1,
        }
    ],
    "ladders": [
        {"quantity": "empty", "x_label": "x", "series": []},
        {"quantity": "hollow", "x_label": "x", "series": [{"x": [], "y": [], "predicted": []}]},
        {
            "quantity": "zeros",
            "x_label": "x",
            "series": [{"x": [1, 2], "y": [0.0, 0.0], "predicted": [-1e-18, 0.0]}],
        },
        {
            "quantity": "extremes",
            "x_label": "x",
            "series": [{"x": [-1, 2], "y": [1e-300, 0.0], "predicted": [1e300, 5e-324]}],
        },
    ],
}

HOSTILE = "<script>alert('&')</script>\"$x^{"

EVIL = {
    "id": HOSTILE,
    "title": HOSTILE,
    "statement": HOSTILE,
    "source": HOSTILE,
    "assumptions": [HOSTILE],
    "tolerances": [HOSTILE],
    "worst": {**CLAIM["worst"], "name": HOSTILE, "instance": {"net": {"kind": HOSTILE}}},
    "bounds": [{**CLAIM["bounds"][0], "name": HOSTILE}],
    "rates": [{**RATE, "quantity": HOSTILE}],
    "rivals": [{**CLAIM["rivals"][0], "id": HOSTILE, "description": HOSTILE, "reason": HOSTILE}],
    "ladders": [{**CLAIM["ladders"][0], "quantity": HOSTILE, "x_label": HOSTILE}],
    "findings": [
        {
            "title": HOSTILE,
            "detail": HOSTILE,
            "severity": 2.0,
            "instances": 1,
            "instance": {HOSTILE: HOSTILE},
        }
    ],
}

PAGES = {
    "ordinary": RESULTS,
    "empty": {**RESULTS, "claims": []},
    "falsified": run_of(FALSIFIED, exit_status=1),
    "inconclusive": run_of(INCONCLUSIVE, exit_status=3),
    "nulls": run_of(NULLS),
    "hostile": run_of(EVIL),
    "refuted statement": run_of({}, {**FALSIFIED, "expected": "falsified"}),
}

BESIDE = r"(instances|counterexamples)/[\w.-]+\.json$|(results|claims)\.json$"
"""What a page refers to besides itself: files of its own folder."""

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks the balance of tags and collects ids, references and text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._collect(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._collect(attrs)

    def _collect(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "action", "data"):
                self.references.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(params=PAGES)
def results(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PAGES[request.param]


def test_every_page_is_balanced_and_refers_only_to_itself(results: dict[str, Any]) -> None:
    page = Page(render(results))
    assert len(page.ids) == len(set(page.ids))
    within = {reference[1:] for reference in page.references if reference.startswith("#")}
    beside = {reference for reference in page.references if not reference.startswith("#")}
    assert within <= set(page.ids)
    assert all(re.match(BESIDE, reference) for reference in beside)
    assert page.tags.count("script") == 1


def test_nothing_is_fetched_from_the_style(results: dict[str, Any]) -> None:
    source = render(results)
    assert "@import" not in source
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", source))


def test_every_claim_and_rival_is_named(results: dict[str, Any]) -> None:
    text = Page(render(results)).text
    for claim in results["claims"]:
        assert claim["id"] in text
        assert claim["title"] in text
        for rival in claim["rivals"]:
            assert rival["id"] in text


def test_special_characters_stay_text() -> None:
    source = render(PAGES["hostile"])
    assert source.count("<script") == 1
    assert "<script>alert" not in source
    assert Page(source).text.count(HOSTILE) >= 12


def test_the_statement_is_mathml_or_its_source() -> None:
    assert "math" in Page(render(RESULTS)).tags
    unknown = r"\nosuchcommand{x} \frac{1"
    page = Page(render(run_of({"statement": unknown})))
    assert "math" not in page.tags
    assert unknown in page.text


@pytest.mark.parametrize("name", all_claims())
def test_the_statement_of_every_claim_converts(name: str) -> None:
    parts = formulas(all_claims()[name].statement)
    assert parts
    for part in parts:
        assert Page(part).tags[0] == "math"


def test_a_statement_that_cannot_be_typeset_is_refused_with_its_claim() -> None:
    claim = next(iter(all_claims().values()))
    with pytest.raises(InvalidInput, match=rf"claim '{claim.id}': statement .* cannot be typeset"):
        replace(claim, statement=r"\nosuchcommand{x} \frac{1")
    with pytest.raises(InvalidInput, match="it must be LaTeX"):
        replace(claim, statement=" ")


def test_a_failing_run_shows_what_failed() -> None:
    text = Page(render(PAGES["falsified"])).text
    assert "1 is falsified against expectation" in text
    assert "SURVIVED" in text
    assert "python -m verify replay counterexamples/law.json" in text
    assert 'href="counterexamples/law.json"' in render(PAGES["falsified"])
    assert "is refuted: 3.0000 in [2.9000, 3.1000]" in text
    assert "1 of 4 instances exceeds a bound" in text
    named = "Counterexample, shrunk, 113 times what is allowed, in counterexamples/law.json"
    assert named in " ".join(text.split())


def test_an_instance_that_refutes_nothing_alone_is_no_counterexample() -> None:
    """A claim that a rate alone falsifies."""
    found = {**FALSIFIED["counterexample"], "alone": False, "severity": 4.0}
    page = render(run_of({**FALSIFIED, "refuted": 0, "counterexample": found}))
    text = " ".join(Page(page).text.split())
    assert "Instance whose rate is furthest off, shrunk, by 4 tolerances" in text
    assert "the median over all instances does" in text
    assert "Counterexample" not in text


def test_unmeasured_instances_are_listed_with_their_messages() -> None:
    text = Page(render(PAGES["inconclusive"])).text
    assert "Instances that could not be measured" in text
    assert text.count("step below 1·10⁻³⁰⁰") == 4
    assert "None of 4 instances could be decided." in text


def test_refuted_statements_come_last_and_apart() -> None:
    source = render(PAGES["refuted statement"])
    assert source.index('id="theorems"') < source.index('id="claim-law-0"')
    assert source.index('id="claim-law-0"') < source.index('id="refuted-statements"')
    assert source.index('id="refuted-statements"') < source.index('id="claim-law-1"')
    assert "falsified, as expected" in source


def test_findings_and_the_worst_instance_can_be_saved_and_replayed() -> None:
    finding = {
        "title": "odd",
        "detail": "very",
        "severity": 2.0,
        "instances": 3,
        "instance": INSTANCE,
    }
    text = Page(render(run_of({"findings": [finding]}))).text
    assert "Finding: odd" in text
    assert text.count("python -m verify replay instances/law-0-0.json") >= 2
    assert '"regime": {"log10_alpha": 12.0, "log10_lambda": -24.0}' in text


def test_the_same_results_give_the_same_page() -> None:
    assert render(RESULTS) == render(copy.deepcopy(RESULTS))


def test_the_listener_writes_one_whole_file_when_the_run_ends(tmp_path: Path) -> None:
    report = HtmlReport(tmp_path / "new")
    report(RunStarted(("law",), "quick", 0, 1, 4, 1, 0))
    assert list(tmp_path.iterdir()) == []
    finished = RunFinished(cast(Any, None), RESULTS)
    report(finished)
    report(finished)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.html"]
    written = (tmp_path / "new" / "index.html").read_text(encoding="utf-8")
    assert written == render(RESULTS, tmp_path / "new")


def test_plots_follow_the_colours_of_the_page() -> None:
    plot = ladder_plot(CLAIM["ladders"][0], "k")
    assert plot is not None
    assert "var(--plot-measured" in plot.svg
    assert "#0" not in plot.svg.replace("url(#0", "")
    assert 'role="img" aria-labelledby="k-title k-desc"' in plot.svg
    assert "gap of |θ| in $x_1$" in plot.svg


def test_a_wide_positive_x_is_logarithmic() -> None:
    plot = ladder_plot(CLAIM["ladders"][0], "k")
    assert plot is not None
    places = dict(re.findall(r"<text [^>]*?x=\"([\d.]+)\"[^>]*>(10|100|1000)</text>", plot.svg))
    at = {label: float(x) for x, label in places.items()}
    assert at["100"] - at["10"] == pytest.approx(at["1000"] - at["100"], abs=0.1)


def test_nothing_to_draw_is_no_plot() -> None:
    assert [ladder_plot(ladder, "k") is None for ladder in NULLS["ladders"]] == [True] * 3 + [False]


@pytest.mark.parametrize(
    ("low", "high"), [(1e-300, 1e300), (1e-9, 1e-2), (3.0, 250.0), (2.1e-4, 2.3e-4), (1.0, 1.1)]
)
def test_every_logarithmic_axis_has_three_to_nine_ticks_inside(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 3 <= len(ticks) <= 9
    assert all(low * 0.99 <= tick <= high * 1.01 for tick in ticks)
    assert len({tick_label(tick) for tick in ticks}) == len(ticks)


def test_the_thick_course_is_described_by_its_slope() -> None:
    plot = ladder_plot(CLAIM["ladders"][0], "k")
    assert plot is not None
    assert plot.title == "gap of |θ| in $x_1$; thick: slope −1, predicted −0.979"


def test_a_ladder_has_a_band_from_five_instances_on() -> None:
    series = CLAIM["ladders"][0]["series"]
    for count, banded in ((4, False), (5, True)):
        ladder = {**CLAIM["ladders"][0], "series": (series * 2)[:count]}
        plot = ladder_plot(ladder, "k")
        assert plot is not None
        assert ("var(--plot-band" in plot.svg) == banded


def test_the_instance_of_a_refutation_is_the_thick_one() -> None:
    ladder = copy.deepcopy(CLAIM["ladders"][0])
    ladder["series"][3]["y"] = [1e-2, 1e-2, 1e-2]
    plot = ladder_plot(ladder, "k", shown=4)
    assert plot is not None
    assert "slope 0" in plot.title


def test_a_ladder_with_values_below_zero_is_linear() -> None:
    series = [{"x": [1, 2, 3], "y": [-1.0, 0.5, 2.0], "predicted": [-1.1, 0.5, 2.1], "example": 0}]
    plot = ladder_plot({"quantity": "log10 of it", "x_label": "x", "series": series}, "k")
    assert plot is not None
    assert plot.title == "log₁₀ of it; thick: slope 1.5, predicted 1.6"
    labels = re.findall(r"<text[^>]*>([−\d.]+)</text>", plot.svg)
    assert {"−1", "0", "1", "2"} <= set(labels)


def test_a_ladder_of_values_below_zero_alone_is_drawn() -> None:
    series = [{"x": [1, 2], "y": [-2.0, -1.0], "predicted": [-2.1, -1.0], "example": 0}]
    assert ladder_plot({"quantity": "log10", "x_label": "x", "series": series}, "k") is not None


def test_bounds_are_shaded_and_have_no_slope() -> None:
    ladder = {**CLAIM["ladders"][0], "role": "upper bound"}
    plot = ladder_plot(ladder, "k")
    assert plot is not None
    assert plot.title == "gap of |θ| in $x_1$; shaded: within its bound"
    assert plot.svg.count("var(--plot-band") == 2


def test_points_of_a_ladder_lead_to_their_instance() -> None:
    plot = ladder_plot(CLAIM["ladders"][0], "k", links={1: "#claim-law-i1"})
    assert plot is not None
    hits = re.findall(
        r'(<a href="[^"]*">)?<path class="hit" d="([^"]*)"><title>([^<]*)</', plot.svg
    )
    assert [link for link, _, _ in hits] == ['<a href="#claim-law-i1">', "", "", ""]
    assert [path.count("h0") for _, path, _ in hits] == [3] * 4
    assert hits[0][2] == "instance 1: 0.0001 for 0.00011 at 1000"
    # on the dots that are drawn: matplotlib places its markers at the same points
    x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)h0", hits[0][1]).groups())  # type: ignore[union-attr]
    uses = re.findall(r'<use href="[^"]*" x="([\d.]+)" y="([\d.]+)"', plot.svg)
    assert min(abs(float(a) - x) + abs(float(b) - y) for a, b in uses) < 0.2


def test_the_summary_says_what_a_verdict_rests_on() -> None:
    laws = [
        {"name": "gap", "kind": "below", "basis": "derived", "applicable": 4, "decided": 3}
        | {"refuted": 0, "coverage": 0.75, "reasons": [["the error covers the bound", 1]]}
    ]
    bounds = [{**CLAIM["bounds"][0], "basis": "derived", "largest_ratio": 0.6}]
    power = [{"constant": "a", "value": 1.0, "detected": 0.05}]
    measures = {"samples": 3.0, "seed": 8.0}
    instances = [{**CLAIM["instances"][0], "measures": measures}] * 4
    changes = {"laws": laws, "bounds": bounds, "power": power, "instances": instances}
    found = digest({**CLAIM, **changes})
    assert found.sizes == "samples 3"
    assert found.bounds == "1 derived, 1 rate"
    assert found.nearness == "sharp 0.6"
    assert (found.detects, found.covered, found.rejected) == ("5 %", "75 %", 1)
    page = Page(render(run_of(changes)))
    words = ("samples 3", "1 derived, 1 rate", "sharp 0.6", "75 %")
    assert all(word in page.text for word in words)


@pytest.mark.parametrize(
    ("bounds", "refuted", "kind"),
    [
        ([("derived", 0.5)], 0, "sharp"),
        ([("derived", 0.499), ("identity", 1.0)], 0, "fair"),
        ([("measured", 0.049)], 0, "loose"),
        ([("identity", 0.9)], 0, "identity"),
        ([], 0, "rates"),
        ([("derived", 3.0)], 2, "exceeded"),
    ],
)
def test_bounds_are_sharp_loose_or_identities(
    bounds: list[tuple[str, float]], refuted: int, kind: str
) -> None:
    told = [{**CLAIM["bounds"][0], "basis": b, "largest_ratio": r} for b, r in bounds]
    assert digest({**CLAIM, "bounds": told, "refuted": refuted}).kind == kind


def test_close_bounds_of_claims_that_hold_are_listed() -> None:
    bounds = [{**CLAIM["bounds"][0], "basis": "measured", "largest_ratio": 0.87, "close": True}]
    listed = "1 bound that nothing proves came nearer"
    assert listed in Page(render(run_of({"bounds": bounds}))).text
    assert "close</span>" in render(run_of({"bounds": bounds}))
    for other in ({"bounds": CLAIM["bounds"]}, {"bounds": bounds, "verdict": "falsified"}):
        assert listed not in Page(render(run_of(other))).text


def test_every_theory_has_a_box_of_its_symbols() -> None:
    for key, family in registry().families.items():
        assert family.symbols, key
        assert all(symbol and meaning for symbol, meaning in registry().notation_of(key)), key
    source = render(run_of({"id": "kernel-svm"}, {"id": "of-somebody-else"}))
    assert source.count('<details class="notation"') == 1
    box = source[source.index('id="notation-early_late"') :]
    assert "<dt>t<sub>g</sub></dt><dd>log(α) / λ, the grokking time</dd>" in box
    assert source.count('href="#notation-early_late"') == 1


def test_symbols_are_set_as_symbols() -> None:
    assert heading("t_g = log(alpha) / lambda") == "t<sub>g</sub> = log(α) / λ"
    assert heading("|theta| = alpha e^(-lambda t)") == "|θ| = α e<sup>−λ t</sup>"
    assert heading("the L_(2/L) programme, x^2") == "the L<sub>2/L</sub> programme, x<sup>2</sup>"
    assert heading("small-alpha_rate <b>") == "small-alpha_rate &lt;b&gt;"


def test_an_instance_is_named_by_its_numbers() -> None:
    assert instance_name(INSTANCE) == (
        "two layer, width 4, input dim 2, activation relu cubed, samples 1, loss logistic, "
        "c 0.3, log10 alpha 12.0, log10 lambda -24.0"
    )


def test_numbers_link_to_the_instance_behind_them() -> None:
    rates = [{**RATE, "median_example": 2, "furthest_example": 3}]
    bounds = [{**CLAIM["bounds"][0], "example": 1}]
    source = render(run_of({"rates": rates, "bounds": bounds}))
    for index in (0, 1, 2, 3):
        assert f'<a href="#claim-law-0-i{index}"' in source
        assert f'<tr id="claim-law-0-i{index}">' in source
        assert f"python -m verify replay instances/law-0-{index}.json" in source


def test_a_long_list_of_instances_is_cut_but_keeps_the_cited_ones() -> None:
    entries = [
        {**CLAIM["instances"][0], "instance": {**INSTANCE, "name": str(k)}, "severity": 0.1}
        for k in range(MOST_LISTED + 20)
    ]
    worst = {**CLAIM["worst"], "instance": entries[-1]["instance"]}
    source = render(run_of({"instances": entries, "worst": worst}))
    rows = re.findall(r'<tr id="claim-law-0-i(\d+)">', source)
    assert len(rows) < MOST_LISTED + 20
    assert rows[-1] == str(MOST_LISTED + 19)
    assert f"of {MOST_LISTED + 20} are listed" in source


def test_power_is_shown_where_it_was_measured() -> None:
    power = [
        {"constant": "exponent", "value": 2.0, "detected": 0.05},
        {"constant": "prefactor", "value": 1.0, "detected": None},
    ]
    text = Page(render(run_of({"power": power}))).text
    assert "± 5 %" in text
    assert "none up to 50 %" in text
    assert "Power" not in Page(render(RESULTS)).text


def test_the_contents_name_every_claim_with_its_verdict() -> None:
    source = render(run_of({}, FALSIFIED, INCONCLUSIVE))
    contents = source[source.index('id="contents"') : source.index("</nav>")]
    marks = re.findall(r'class="mark (\w+)">.</span> <a href="#(claim-law-\d)"', contents)
    assert marks == [("good", "claim-law-0"), ("bad", "claim-law-1"), ("open", "claim-law-2")]


def test_numbers_are_written_to_be_read() -> None:
    assert [number(x) for x in (None, 0.0, 0.0306, -0.25, 1.77e-8, 123456.0, float("inf"))] == [
        "–",
        "0",
        "0.0306",
        "−0.25",
        "1.77·10⁻⁸",
        "123456",
        "∞",
    ]
    assert share(0.99998) == "0.99998"
    assert share(1.0) == "1"
    assert decimals(1.0000018, 0.001) == "1.00000"
    assert decimals(0.9456, 0.05) == "0.9456"
    assert typeset("0.5, allowed 1.77e-08") == "0.5, allowed 1.77·10⁻⁸"
    assert [duration(s) for s in (8.31, 167.6, 11100.0)] == ["8.3 s", "2 min 48 s", "3 h 5 min"]


def test_the_ratio_to_a_bound_grants_the_numerical_error() -> None:
    assert ratio({"value": 0.5, "error": 0.1, "bound": 0.8}) == pytest.approx(0.5)
    assert ratio({"value": 0.1, "error": 0.2, "bound": 0.8}) == 0.0
    assert ratio({"value": 0.1, "error": 0.0, "bound": 0.0}) == float("inf")
    assert ratio(None) is None


def test_the_summary_counts_claims_and_rivals() -> None:
    assert summary(RESULTS).startswith("Of 1 claim, 1 holds. Its rival is rejected.")
    assert summary(run_of({}, {})).startswith("All 2 claims hold. All 2 rival statements")
    mixed = summary(run_of({}, FALSIFIED, INCONCLUSIVE))
    assert mixed.startswith(
        "Of 3 claims, 1 holds, 1 is falsified against expectation and 1 is inconclusive. "
        "1 of 2 rival statements are rejected; 1 rival survives."
    )


def test_statements_split_only_outside_braces() -> None:
    assert split_at_quads(r"a, \quad \frac{b \quad c}{d} \qquad e") == [
        "a,",
        r"\frac{b \quad c}{d}",
        "e",
    ]
