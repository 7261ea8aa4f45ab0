"""Experiments on theory: claims about it, instances drawn to break them, a judge, reports.

`verify.diagnose` measures a training run of one's own: `verify.diagnose.diagnose(...)`.
"""

from importlib import import_module
from typing import Any

__all__ = ["diagnose"]


def __getattr__(name: str) -> Any:
    """Packages of the public surface, imported when they are first asked for: they need torch."""
    if name in __all__:
        return import_module(f"verify.{name}")
    raise AttributeError(f"module 'verify' has no attribute {name!r}")
