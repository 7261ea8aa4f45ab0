"""How many laws the flows of U V' have: as many as U'U - V'V has entries, unless it is too wide."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from theory.conservation import (
    conserved_count,
    generated_algebra,
    missing_dimensions,
    pseudo_orthogonal,
)
from verify.language import Claim, Law, Measurement, Quantity, choice, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.conservation import WIDTHS, Product, products

Count = Callable[[Product], float]


@dataclass(frozen=True, eq=False)
class Counted:
    """The product, and what its orbits lack of all dimensions."""

    product: Product
    laws: int


def measure(product: Product, more: int = 0, by_basis: bool = False) -> Counted:
    """By commutators, or by the basis of so(n, m); in a wrong world with a hidden unit more."""
    found = pseudo_orthogonal if by_basis else generated_algebra
    algebra = found(product.rows, product.columns)
    stack = replace(product, width=product.width + more).stack
    return Counted(product, missing_dimensions(algebra, stack))


def by_orbits(product: Product) -> float:
    return conserved_count(product.rows, product.columns, product.width)


def symmetric(product: Product) -> float:
    return product.width * (product.width + 1) / 2


def of_orbits_alone(product: Product) -> float:
    total = product.rows + product.columns
    return total * (2 * product.width - total + 1) / 2


@dataclass(frozen=True)
class Theory:
    """count + more of them, times factor."""

    count: Count = choice(
        by_orbits,
        always_symmetric=(symmetric, "r (r+1) / 2 for every width"),
        always_wide=(of_orbits_alone, "N (2r - N + 1) / 2 for every width"),
        skew=(lambda p: p.width * (p.width - 1) / 2, "r (r-1) / 2"),
        each_unit=(lambda p: p.width, "one for each hidden unit, as with ReLU"),
        all_pairs=(lambda p: p.width**2, "r^2"),
    )
    more: int = stated(0)


@dataclass(frozen=True)
class Symmetric(Theory):
    """The same with r (r+1) / 2 for every width."""

    count: Count = choice(
        symmetric,
        skew=(lambda p: p.width * (p.width - 1) / 2, "r (r-1) / 2"),
        each_unit=(lambda p: p.width, "one for each hidden unit"),
        all_pairs=(lambda p: p.width**2, "r^2"),
        inputs=(lambda p: p.width * p.columns, "r m"),
        outputs=(lambda p: p.width * p.rows, "r n"),
    )


def laws(measured: Counted, theory: Theory) -> Iterator[Law]:
    predicted = theory.count(measured.product) + theory.more
    yield equals("number of laws", Quantity.of(measured.laws, 0.0), predicted, 0.5)


COUNT = Measurement(
    "orbits",
    Product,
    WIDTHS,
    products,
    measure,
    in_words("two linear layers", "full rank", "kept by the flows of all losses"),
    sabotaged={"a hidden unit more than told": lambda product: measure(product, more=1)},
    independent=lambda product: measure(product, by_basis=True),
)
CLAIMS = (
    Claim(
        id="conservation-count",
        title="Flows of U V' keep r (r+1) / 2 quantities, fewer for r > n + m",
        statement=(
            r"\tfrac12 r (r+1) \text{ for } r \le N = n + m, \quad"
            r" \tfrac12 N (2r - N + 1) \text{ for } r > N"
        ),
        source=source_of("conservation-count"),
        measurement=COUNT,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "1/2 between whole numbers, which ranks of normal matrices of up to 96 columns are",
        ),
    ),
    Claim(
        id="conservation-count-of-balance",
        title="As often read: flows of U V' keep r (r+1) / 2 quantities, the entries of U'U - V'V",
        statement=r"\tfrac12 r (r+1) \text{ for every } r",
        source=source_of("conservation-count-of-balance"),
        measurement=COUNT,
        theory=Symmetric(),
        laws=laws,
        tolerances=("1/2 between whole numbers",),
        expected="falsified",
    ),
)
