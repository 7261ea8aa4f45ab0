"""What a wheel and an sdist are asked to hold."""

import io
import tarfile
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

from tools.dist import ROOT, left_out, names_in


def test_names_of_a_wheel_and_of_an_sdist_are_those_of_the_repository(tmp_path: Path) -> None:
    wheel, sdist = tmp_path / "a-1.whl", tmp_path / "a-1.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("verify/registry.toml", "")
    with tarfile.open(sdist, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a-1/docs/faq.md"), io.BytesIO())
    assert names_in(wheel) == {"verify/registry.toml"}
    assert names_in(sdist) == {"docs/faq.md"}


def test_what_is_left_out_is_named() -> None:
    tracked = ["theory/py.typed", "docs/faq.md", ".ci/run", "reports/baseline.json"]
    assert left_out(tracked, {"theory/py.typed"}, {"theory/py.typed", "docs/faq.md"}) == []
    assert left_out(tracked, set(), {"theory/py.typed"}) == [
        "the wheel has no theory/py.typed",
        "the sdist has no docs/faq.md",
    ]


def test_the_manifest_names_every_folder_of_the_repository_that_an_sdist_has() -> None:
    grafted = {
        line.split()[1]
        for line in (ROOT / "MANIFEST.in").read_text().splitlines()
        if line.startswith("graft")
    }
    assert grafted >= {"docs", "examples", "tests", "tools"}
    assert all((ROOT / name).is_dir() for name in grafted)


def test_files_beside_the_code_are_package_data() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package in ("theory", "verify"):
        names = [
            str(path.relative_to(ROOT / package))
            for path in (ROOT / package).rglob("*")
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
        ]
        patterns = setup["package-data"][package]
        assert names
        assert [n for n in names if not any(fnmatch(n, p) for p in patterns)] == []
