"""Machine code on disk is that of the sources at hand."""

from pathlib import Path

from numba import config

from theory.flow import compiled as module
from theory.flow.compiled import machine_code
from theory.flow.dual_steps import run


def test_other_sources_have_other_machine_code(tmp_path: Path) -> None:
    caller, callee = tmp_path / "caller.py", tmp_path / "callee.py"
    caller.write_text("from callee import f\n")
    callee.write_text("def f(): return 1\n")
    first = machine_code.__wrapped__(tmp_path)
    assert machine_code.__wrapped__(tmp_path) == first
    callee.write_text("def f(): return 2\n")
    assert machine_code.__wrapped__(tmp_path) != first


def test_compiled_functions_keep_their_code_there() -> None:
    folder = machine_code(Path(module.__file__).parent)
    assert Path(run.stats.cache_path).is_relative_to(folder)
    assert str(folder) != config.CACHE_DIR
