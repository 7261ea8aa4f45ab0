"""Claims: one theorem a file. A new file with a `CLAIM` is a new claim; nothing else is edited.

Claims from elsewhere join by `--module` or by an entry point: see `verify.user_modules`.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from theory.errors import InvalidInput
from verify.claims.base import Claim

ORDER = ("kernel-svm", "kkt", "frozen-direction", "norm-law", "sharp-transition")
"""The order of the report; claims not named here follow in order of their ids."""


def all_claims() -> dict[str, Claim[Any, Any]]:
    """Every claim of this package, then those of installed packages, by id.

    Raises:
        InvalidInput: an entry point of the group "theory_verify.claims" is unusable.
    """
    from verify.user_modules import installed_claims, joined

    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
    claims = [module.CLAIM for module in modules if hasattr(module, "CLAIM")]
    rank = {name: k for k, name in enumerate(ORDER)}
    claims.sort(key=lambda claim: (rank.get(claim.id, len(ORDER)), claim.id))
    return joined({claim.id: claim for claim in claims}, installed_claims())


def claim_named(name: str) -> Claim[Any, Any]:
    """The claim of that id; `InvalidInput` lists the known ones otherwise."""
    claims = all_claims()
    if name not in claims:
        raise InvalidInput(f"claim is {name!r}; known are {', '.join(claims)}")
    return claims[name]
