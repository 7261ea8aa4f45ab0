"""The notebooks run from top to bottom, and are kept without what they print."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if "outputs" in cell]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs(notebook: Path) -> None:
    assert cells(notebook)
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells(notebook))


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    monkeypatch.syspath_prepend(str(tmp_path / "examples"))
    before = set(sys.modules)
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        for number, cell in enumerate(cells(notebook)):
            exec(compile("".join(cell["source"]), f"{notebook.name}:{number}", "exec"), names)
    finally:
        for name in {"saxe_sigmoid"} & (set(sys.modules) - before):
            del sys.modules[name]
