"""Machine code on disk is that of the sources at hand."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import config
from numba.core.errors import TypingError

from theory import compiled as module
from theory.backend import Floats
from theory.compiled import filling, machine_code, summing
from theory.flow.dual_steps import run


def test_other_sources_have_other_machine_code(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    caller, callee, plain = tmp_path / "caller.py", folder / "callee.py", folder / "plain.py"
    compiled = "from theory.compiled import compiled\n"
    caller.write_text(compiled + "from inner.callee import f\n")
    callee.write_text(compiled + "def f(): return 1\n")
    first = machine_code.__wrapped__(tmp_path)
    plain.write_text("def g(): return 1\n")
    assert machine_code.__wrapped__(tmp_path) == first
    callee.write_text(compiled + "def f(): return 2\n")
    assert machine_code.__wrapped__(tmp_path) != first


def test_what_compiled_files_import_is_built_into_their_machine_code(tmp_path: Path) -> None:
    """A constant of another file is frozen when a function is compiled."""
    constants, package = tmp_path / "constants.py", tmp_path / "nets" / "__init__.py"
    package.parent.mkdir()
    (tmp_path / "caller.py").write_text(
        "from theory.compiled import compiled\n"
        "from theory.constants import FLOOR\n"
        "from theory.nets import Net\n"
    )
    folders = set()
    for value in (1, 2):
        constants.write_text(f"FLOOR = {value}\n")
        for name in ("Net", "Other"):
            package.write_text(f"class {name}: ...\n")
            folders.add(machine_code.__wrapped__(tmp_path))
    assert len(folders) == 4


def test_compiled_functions_keep_their_code_there() -> None:
    folder = machine_code(Path(module.__file__).parent)
    assert Path(run.stats.cache_path).is_relative_to(folder)
    assert str(folder) != config.CACHE_DIR


@filling
def fill(rows: Floats, sums: Floats) -> None:
    for row in range(len(rows)):
        add(rows[row], sums[row : row + 1])


@summing
def add(numbers: Floats, total: Floats) -> None:
    found = 0.0
    for i in range(numbers.size):
        found += numbers[i]
    total[0] = found


def test_what_fills_arrays_keeps_none_of_them() -> None:
    rows, sums = np.random.default_rng(0).standard_normal((7, 1001)), np.empty(7)
    before = sys.getrefcount(rows), sys.getrefcount(sums)
    for _ in range(3):
        fill(rows, sums)
    assert (sys.getrefcount(rows), sys.getrefcount(sums)) == before
    np.testing.assert_allclose(sums, [sum(row) for row in rows.tolist()], rtol=1e-12)


def test_what_fills_arrays_cannot_make_or_return_any() -> None:
    """It would be freed by nobody, or while in use."""

    def made(numbers: Floats) -> None:
        numbers[:] = np.zeros(numbers.size)

    def part(numbers: Floats) -> Floats:
        return numbers[1:]

    for function in (made, part):
        with pytest.raises(TypingError, match="array"):
            filling(function)(np.ones(3))  # type: ignore[type-var]


GENERATOR = """
from theory.compiled import compiled, linked

@compiled
def counted(most):
    for number in range(most):
        yield number

steps = linked(counted)

@compiled
def total(most):
    found = 0
    for number in steps(most):
        found += number
    return found
"""


def test_loops_over_generators_can_be_compiled_after_an_interruption(tmp_path: Path) -> None:
    """The generator is on disk, and not yet what calls it."""
    (tmp_path / "numbers_counted.py").write_text(GENERATOR)
    paths = os.pathsep.join([str(tmp_path), str(Path(module.__file__).parents[1])])
    here = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "code"), "PYTHONPATH": paths}
    for line, answer in (("list(counted(4))", "[0, 1, 2, 3]"), ("total(4)", "6")) * 2:
        code = f"from numbers_counted import *; print({line})"
        told = subprocess.run(
            [sys.executable, "-c", code], env=here, capture_output=True, text=True
        )
        assert (told.stdout.strip(), told.stderr) == (answer, "")
