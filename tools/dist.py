"""Wheel and sdist: built, compared with the repository, installed and tried from another folder.

`tox run -e dist`; `python -m tools.dist FOLDER` does it in a folder that it makes.
"""

import json
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

ONLY_HERE: Final = (".ci/", ".github/", ".gitignore", "reports/")
"""What an sdist does not need; of reports it has the baseline."""


def main(folder: Path) -> None:
    """Everything in turn; the first thing that is wrong ends it."""
    folder.mkdir(parents=True)
    run(sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(ROOT), at=folder)
    (wheel,), (sdist,) = folder.glob("dist/*.whl"), folder.glob("dist/*.tar.gz")
    tracked = tracked_files()
    refuse(left_out(tracked, names_in(wheel), names_in(sdist)))
    venv.create(folder / "fresh", with_pip=True)
    python = folder / "fresh" / "bin" / "python"
    run(str(python), "-m", "pip", "install", "--quiet", str(wheel), at=folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    tried(python.with_name("theory-verify"), folder / "elsewhere", unpacked / "examples")


def tracked_files() -> list[str]:
    """Paths in the repository, of files that git knows."""
    return run("git", "ls-files", at=ROOT).splitlines()


def names_in(archive: Path) -> set[str]:
    """Paths in a wheel, or in an sdist below its one folder."""
    if archive.suffix == ".whl":
        return set(zipfile.ZipFile(archive).namelist())
    with tarfile.open(archive) as opened:
        return {name.partition("/")[2] for name in opened.getnames()}


def left_out(tracked: list[str], wheel: set[str], sdist: set[str]) -> list[str]:
    """Files of the packages that the wheel lacks, and of the repository that the sdist lacks."""
    packages = {name for name in tracked if name.startswith(("theory/", "verify/"))}
    whole = {name for name in tracked if not name.startswith(ONLY_HERE)}
    return [
        *(f"the wheel has no {name}" for name in sorted(packages - wheel)),
        *(f"the sdist has no {name}" for name in sorted(whole - sdist)),
    ]


def tried(command: Path, folder: Path, examples: Path) -> None:
    """What a new user does first, in a folder of their own."""
    folder.mkdir()

    def say(*arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        return run(str(command), *arguments, at=folder, allowed=allowed)

    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    refuse([] if version in say("--version") else [f"--version does not say {version}"])
    registry = tomllib.loads((ROOT / "verify" / "registry.toml").read_text("utf-8"))
    registered = [entry["id"] for entry in registry["claims"]]
    listed = {claim["id"] for claim in json.loads(say("list", "--json"))}
    refuse([f"list has no {name}" for name in registered if name not in listed])
    say("evaluate", str(examples / "instance.json"), "--json")
    say("new", "claim", "my-lemma")
    # two instances are too few for a verdict: 3, inconclusive
    say("run", "--claim", "norm-law", "--examples", "2", allowed=(0, 3))
    made = [folder / "reports" / "latest" / name for name in ("index.html", "results.json")]
    refuse([f"run wrote no {path.name}" for path in made if not path.is_file()])


def refuse(wrong: list[str]) -> None:
    """End where there is anything wrong."""
    if wrong:
        sys.exit("\n".join(wrong))


def run(*command: str, at: Path, allowed: tuple[int, ...] = (0,)) -> str:
    """The output of a command that ends with an allowed status."""
    print("$", *command, flush=True)
    ran = subprocess.run(command, cwd=at, stdout=subprocess.PIPE, text=True)
    if ran.returncode not in allowed:
        sys.exit(f"{ran.stdout}\nended with status {ran.returncode}")
    return ran.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
