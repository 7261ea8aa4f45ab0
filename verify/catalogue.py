"""Every claim that is known: the suite's, those of installed packages, and users' modules."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.claims import suite_claims
from verify.instances import COMMON, Instance, instance_from_json
from verify.language.claim import AnyClaim, Claim
from verify.registry import registry
from verify.user_modules import installed_claims, joined, load_claims

FEW = 12
"""Claims that a message still lists."""


def all_claims() -> dict[str, AnyClaim]:
    """Every claim of this package, then those of installed packages, by id.

    Raises:
        InvalidInput: an entry point of the group "theory_verify.claims" is unusable.
    """
    return joined(suite_claims(), installed_claims())


def claim_named(name: str) -> AnyClaim:
    """The claim of that id; `InvalidInput` names similar ones otherwise.

    One in a file of its name is loaded alone: all of them take seconds.
    """
    if (alone := _in_its_file(name)) is not None:
        return alone
    (claim,) = select(all_claims(), [name])
    return claim


def _in_its_file(name: str) -> AnyClaim | None:
    entry = registry().claims.get(name)
    if entry is None:
        return None
    module = f"verify.claims.{entry.family}.{name.replace('-', '_')}"
    try:
        claim = getattr(import_module(module), "CLAIM", None)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            return None
        raise
    return claim if isinstance(claim, Claim) and claim.id == name else None


def claim_of(module: str | None, name: str) -> AnyClaim:
    """One claim of a user's module, or of those that are known without one."""
    if module is None:
        return claim_named(name)
    (claim,) = select({claim.id: claim for claim in load_claims(module)}, [name])
    return claim


def claims_with(modules: Sequence[str]) -> dict[str, AnyClaim]:
    """The suite's claims and those of users' modules, by id.

    Raises:
        InvalidInput: a module cannot be loaded or has no claims, or an id is taken.
    """
    found = [claim for module in dict.fromkeys(modules) for claim in load_claims(module)]
    return joined(all_claims(), found)


def select(claims: Mapping[str, AnyClaim], names: Iterable[str]) -> tuple[AnyClaim, ...]:
    """The claims of those ids, each once; `InvalidInput` names similar ones otherwise."""
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in claims:
            raise InvalidInput(f"claim is {name!r}; {_known(name, list(claims))}")
    return tuple(claims[name] for name in names)


def _known(name: str, claims: Sequence[str]) -> str:
    """What it may have been meant to be, in words."""
    if near := get_close_matches(name, claims, n=3):
        return f"did you mean {' or '.join(near)}?"
    if len(claims) <= FEW:
        return f"known are {', '.join(claims)}"
    return f"'theory-verify list' shows the {len(claims)} that are known"


def instance_of(claim: AnyClaim, data: Mapping[str, Any], folder: Path | None = None) -> Instance:
    """The instance in parsed JSON: a net with its data, or whatever a claim's own kind reads.

    Raises:
        InvalidInput: it cannot be read.
    """
    if issubclass(claim.kind, COMMON) or not hasattr(claim.kind, "from_json"):
        return instance_from_json(data, folder)
    try:
        own: Instance = claim.kind.from_json({key: data[key] for key in data if key != "claim"})
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(
            f"instance is no {claim.kind.__name__}; its from_json raises {type(error).__name__}: "
            f"{' '.join(str(error).split())}"
        ) from error
    return own
