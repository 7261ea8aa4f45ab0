"""How large instances are drawn, and which kinds of them: what the profiles of a run differ in."""

from dataclasses import dataclass, replace

from theory.errors import InvalidInput
from verify.instances.kinds import Kind

_WEIGHTS = {Kind.PLAIN: 24, Kind.ONE_SAMPLE: 1}
"""How often a kind is drawn; 3 for those not named. One sample in 46 draws: a run of 24 instances
then has more than one in eight of them with probability 2e-3."""


@dataclass(frozen=True)
class Sizes:
    """Upper limits of what is drawn; the lower ones are the strategies' own.

    Attributes:
        max_samples: n; in matrix completion the matrix decides.
        max_input_dim: d; also the side of a factorization, the dimension of a committee.
        max_parameters: P.
        max_width: of a hidden layer, or of a committee.
        kinds: those that may be drawn, the plain one among them.
    """

    max_samples: int
    max_input_dim: int
    max_parameters: int
    max_width: int
    kinds: tuple[Kind, ...] = tuple(Kind)

    def __post_init__(self) -> None:
        least = {"max_samples": 2, "max_input_dim": 2, "max_parameters": 16, "max_width": 2}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise InvalidInput(
                    f"{name} is {getattr(self, name)}; it must be at least {smallest}"
                )
        if Kind.PLAIN not in self.kinds:
            raise InvalidInput(f"kinds is {self.kinds}; it must hold {Kind.PLAIN}")

    def without(self, *kinds: Kind) -> "Sizes":
        """The same sizes with fewer kinds, for what a theorem excludes."""
        return replace(self, kinds=tuple(kind for kind in self.kinds if kind not in kinds))

    def among(self, *kinds: Kind) -> tuple[Kind, ...]:
        """Those of these kinds that may be drawn, plain ones first, each as often as it is due."""
        possible = [kind for kind in Kind if kind in self.kinds and kind in (Kind.PLAIN, *kinds)]
        return tuple(kind for kind in possible for _ in range(_WEIGHTS.get(kind, 3)))


QUICK = Sizes(max_samples=8, max_input_dim=8, max_parameters=60, max_width=8)
STANDARD = Sizes(max_samples=12, max_input_dim=12, max_parameters=100, max_width=12)
DEEP = Sizes(max_samples=20, max_input_dim=20, max_parameters=200, max_width=20)

SIZES = {"quick": QUICK, "standard": STANDARD, "deep": DEEP}
"""By the name of the profile."""


def sizes_named(profile: str) -> Sizes:
    """The sizes of a profile; `InvalidInput` lists the known ones otherwise."""
    if profile not in SIZES:
        raise InvalidInput(f"profile is {profile!r}; sizes are known of {', '.join(SIZES)}")
    return SIZES[profile]
