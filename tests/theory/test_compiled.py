"""Machine code on disk is that of the sources at hand."""

from pathlib import Path

from numba import config

from theory import compiled as module
from theory.compiled import machine_code
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


def test_compiled_functions_keep_their_code_there() -> None:
    folder = machine_code(Path(module.__file__).parent)
    assert Path(run.stats.cache_path).is_relative_to(folder)
    assert str(folder) != config.CACHE_DIR
