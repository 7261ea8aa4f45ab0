"""Reading JSON files: byte order marks, keys that stand twice, numbers that nobody can read."""

import json
from pathlib import Path

import pytest

from theory.errors import InvalidInput
from verify.instances import read_json


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "data.json"
    path.write_text(text, encoding=encoding)
    return path


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    data = {"name": "Lambda \u03bb", "numbers": [1, 2.5]}
    assert read_json(written(tmp_path, json.dumps(data), "utf-8-sig")) == data
    assert read_json(written(tmp_path, json.dumps(data))) == data


@pytest.mark.parametrize(
    "text", ['{"labels": [1], "labels": [2]}', '{"net": {"labels": 1, "b": 2, "labels": 1}}']
)
def test_a_key_that_stands_twice_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"data\.json: 'labels' stands twice in one object"):
        read_json(written(tmp_path, text))


@pytest.mark.parametrize("text", ['{"a": ' + 5000 * "9" + "}", "[" * 100_000, "{", ""])
def test_what_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"data\.json: not valid JSON"):
        read_json(written(tmp_path, text))
