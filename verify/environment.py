"""Provenance: which versions, machine and commit a result came from."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("theory-verify", "numpy", "scipy", "torch", "hypothesis", "cvxpy", "joblib")


def versions() -> dict[str, Any]:
    """Of Python and of the packages that numbers depend on."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def describe_environment() -> dict[str, Any]:
    """Versions, processor, cores and the commit of this code (None outside a checkout)."""
    return {
        **versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "commit": revision_of(Path(__file__).parent),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def revision_of(folder: Path) -> str | None:
    """The commit that a folder is at, "-dirty" where it was changed; None outside a repository."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
