"""The plugin in a repository of its own: claims as items, and silence where there are none."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = "verify.pytest_plugin"

TEST = "def test_nothing():\n    pass\n"

CLAIMS = """
from dataclasses import replace
from hypothesis import strategies as st
from theory.errors import IntegrationFailed
from verify.language import Basis, Claim, Measurement, Rival, below, in_words

class Number(int):
    claim = None
    def to_json(self): return {"value": int(self)}
    @classmethod
    def from_json(cls, data): return cls(data["value"])

def fail(number):
    raise IntegrationFailed("stuck")

MEASURED = Measurement(
    "numbers", Number, ("all",), lambda families, sizes: st.integers(1, 40).map(Number), float,
    in_words("a"), {"larger": lambda number: 1e9},
)
TRUE = Claim(
    id="small", title="Numbers are small", statement="n", source="nobody", measurement=MEASURED,
    theory=100.0, laws=lambda value, limit: [below("value", value, limit, Basis.DERIVED)],
    further_rivals=(Rival("lower", "at most 2", 2.0),), tolerances=("exact",),
)
STUCK = replace(MEASURED, id="stuck", measure=fail)
BROKEN = replace(MEASURED, id="broken", measure=lambda number: 1 / 0)
CLAIMS = [
    TRUE,
    replace(TRUE, id="smaller", theory=3.0),
    replace(TRUE, id="lenient", further_rivals=(Rival("higher", "at most 200", 200.0),)),
    replace(TRUE, id="stuck", measurement=STUCK),
    replace(TRUE, id="refuted", theory=3.0, expected="falsified"),
    replace(TRUE, id="broken", measurement=BROKEN),
]
"""

PLUGIN = [] if entry_points(group="pytest11", name="theory_verify") else ["-p", MODULE]
"""Where the package is installed, its entry point brings the plugin; given twice it is an error."""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository(tmp_path: Path) -> Run:
    """`repository(configuration, *arguments)`: pytest in a repository with that configuration."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_nothing.py").write_text(TEST)
    (tmp_path / "my_claims.py").write_text(CLAIMS)

    def run(configuration: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        head = "[tool.pytest.ini_options]\nclaims_examples = '12'\nfilterwarnings = ['error']\n"
        (tmp_path / "pyproject.toml").write_text(head + configuration)
        command = [sys.executable, "-m", "pytest", *PLUGIN, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


def test_claims_are_items_and_fail_with_what_a_reader_needs(
    repository: Run, tmp_path: Path
) -> None:
    ran = repository('testpaths = ["tests"]\nclaims = ["my_claims"]\n', "-v")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    outcomes = {
        line.split()[0]: line.split()[1]
        for line in ran.stdout.splitlines()
        if "::" in line and line.endswith("%]")
    }
    assert outcomes == {
        "tests/test_nothing.py::test_nothing": "PASSED",
        "pyproject.toml::small": "PASSED",
        "pyproject.toml::smaller": "FAILED",
        "pyproject.toml::lenient": "FAILED",
        "pyproject.toml::stuck": "FAILED",
        "pyproject.toml::refuted": "PASSED",
        "pyproject.toml::broken": "FAILED",
    }
    assert "smaller: falsified, expected holds (Numbers are small)" in ran.stdout
    assert "worst bound: value: 4" in ran.stdout or "worst bound: value: 3" in ran.stdout
    assert "rival not rejected: higher (at most 200)" in ran.stdout
    assert "stuck: inconclusive, expected holds" in ran.stdout
    assert "integrator did not finish: stuck" in ran.stdout
    assert "it raised ZeroDivisionError: division by zero (my_claims.py, line " in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    (replay,) = {
        line.split("replay with ")[1]
        for line in ran.stdout.splitlines()
        if "replay with" in line and "smaller" in line
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    replayed = subprocess.run(
        [sys.executable, *replay.split()[1:]],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert replayed.returncode == 1, replayed.stderr
    assert replayed.stdout.endswith("verdict: falsified\n")


@pytest.mark.slow
def test_one_claim_by_module_and_id_and_by_node_id(repository: Run) -> None:
    configuration = 'claims = ["my_claims.py:small", "my_claims:refuted"]\n'
    ran = repository(configuration, "-q")
    assert (ran.returncode, "3 passed" in ran.stdout) == (0, True), ran.stdout
    ran = repository(configuration, "-q", "pyproject.toml::refuted")
    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout
    ran = repository(configuration, "-q", "tests")
    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout
    ran = repository(configuration, "-q", "-k", "small", "-p", "no:cacheprovider")
    assert (ran.returncode, "1 passed, 2 deselected" in ran.stdout) == (0, True), ran.stdout


@pytest.mark.slow
def test_claim_of_the_suite_is_collected(repository: Run) -> None:
    ran = repository('claims = ["kernel-svm"]\n', "--collect-only", "-q")
    assert ran.returncode == 0
    assert "pyproject.toml::kernel-svm" in ran.stdout.splitlines()


@pytest.mark.parametrize("examples", ["9" * 5000, "0", "-1", "many", "²"])
def test_number_of_examples_that_is_none_is_refused_by_name(examples: str, repository: Run) -> None:
    ran = repository('claims = ["kkt"]\n', "-o", f"claims_examples={examples}")
    assert ran.returncode == 2
    assert f"claims_examples is '{examples[:40]}'" in ran.stdout
    assert "it must be a whole number above 0, of at most 9 digits" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ('claims = ["riemann"]', "claim is 'riemann'; 'theory-verify list' shows the "),
        ('claims = ["my_claims:riemann"]', "claim is 'riemann'; 'theory-verify list' shows the "),
        ('claims = ["no.py"]', "there is no such file"),
        ('claims = ["no.such:x"]', "nothing of that name can be imported"),
        ('claims = ["tests/test_nothing.py"]', "it defines neither CLAIM nor CLAIMS"),
        ('claims = ["kkt"]\nclaims_profile = "slow"', "profile is 'slow'; allowed are quick"),
    ],
)
def test_bad_configuration_is_an_error_of_collection(
    configuration: str, words: str, repository: Run
) -> None:
    ran = repository(configuration + "\n")
    assert ran.returncode == 2
    assert words in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


def test_repository_without_claims_notices_nothing(repository: Run) -> None:
    """No item, and nothing heavy is imported."""
    ran = repository("", "-q", "-p", "no:hypothesispytest")
    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout
    script = "import sys, verify.pytest_plugin; print({'theory', 'numpy'} & set(sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert told.stdout == "set()\n"
