"""Two users' files whose neighbours have the same name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from verify.user_modules import load_file


def test_each_file_has_neighbours_of_its_own(write: Callable[..., Path], tmp_path: Path) -> None:
    loaded: list[Any] = []
    for number, folder in enumerate(("one", "other")):
        (tmp_path / folder).mkdir()
        write(f"{folder}/beside.py", f"NUMBER = {number}\n")
        write(f"{folder}/own.py", f"from beside import NUMBER  # of {folder}\n")
        loaded.append(load_file(str(tmp_path / folder / "own.py")))
    assert [module.NUMBER for module in loaded] == [0, 1]
