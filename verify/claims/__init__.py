"""Claims: one folder a family of theorems. A new file with a `CLAIM` is a new claim.

Nothing else is edited. Claims from elsewhere join by `--module` or by an entry point: see
`verify.user_modules`; `verify.catalogue` knows all of them.
"""

from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import MappingProxyType
from typing import Any

from theory.errors import InvalidInput
from verify.language.claim import Claim

ORDER = ("kernel-svm", "kkt", "frozen-direction", "norm-law", "sharp-transition")
"""The order of the report; claims not named here follow in order of their ids."""


@cache
def suite_claims() -> MappingProxyType[str, Claim[Any, Any]]:
    """Every claim of this package by id, from `CLAIM` or `CLAIMS` of its modules.

    Raises:
        InvalidInput: two claims have one id.
    """
    names = sorted(info.name for info in walk_packages(__path__, f"{__name__}."))
    found: dict[str, Claim[Any, Any]] = {}
    for module in map(import_module, names):
        own = [module.CLAIM] if hasattr(module, "CLAIM") else getattr(module, "CLAIMS", ())
        for claim in own:
            if claim.id in found:
                raise InvalidInput(f"claim {claim.id!r} of {module.__name__} exists already")
            found[claim.id] = claim
    rank = {name: k for k, name in enumerate(ORDER)}
    ordered = sorted(found, key=lambda name: (rank.get(name, len(ORDER)), name))
    return MappingProxyType({name: found[name] for name in ordered})
