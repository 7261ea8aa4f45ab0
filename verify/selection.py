"""Which claims a command is about: by id, family, paper or subject, or all of a module."""

from collections.abc import Iterable
from dataclasses import dataclass

from theory.errors import InvalidInput
from verify.catalogue import claims_with, select
from verify.language.claim import AnyClaim
from verify.registry import registry
from verify.user_modules import load_claims


@dataclass(frozen=True)
class Selection:
    """What was asked for; whatever any of it names is chosen.

    Attributes:
        ids: of claims, those of `modules` among them.
        families, papers: keys of the registry.
        tags: subject words of the registry.
        modules: files or dotted names with claims of the user's own.
    """

    ids: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def known(self) -> dict[str, AnyClaim]:
        """Everything that could be named."""
        return claims_with(self.modules)

    @property
    def claims(self) -> tuple[AnyClaim, ...]:
        """Those that are named, each once; else all of the modules; without these all.

        Raises:
            InvalidInput: a name that nothing has; the message lists those that there are.
        """
        known = self.known
        if named := self._named():
            return select(known, named)
        own = [claim.id for module in self.modules for claim in load_claims(module)]
        return select(known, own or known)

    @property
    def names_some(self) -> bool:
        return bool(self.ids or self.families or self.papers or self.tags)

    def _named(self) -> list[str]:
        known = registry()
        entries = known.claims.values()
        cited = {source.paper for entry in entries for source in entry.sources}
        _check("family", self.families, known.families)
        _check("paper", self.papers, (key for key in known.papers if key in cited))
        _check("tag", self.tags, sorted({tag for e in entries for tag in known.tags_of(e.id)}))
        found = [
            entry.id
            for entry in entries
            if entry.family in self.families
            or any(source.paper in self.papers for source in entry.sources)
            or any(tag in self.tags for tag in known.tags_of(entry.id))
        ]
        return [*self.ids, *found]


def _check(name: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    listed = list(allowed)
    for word in given:
        if word not in listed:
            raise InvalidInput(f"{name} is {word!r}; known are {', '.join(listed)}")
