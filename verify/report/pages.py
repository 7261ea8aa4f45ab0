"""What the templates of every page are rendered with."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from verify.report import words


def templates_of(package: str) -> Environment:
    """Templates of a package, escaped; a name that nothing defines is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


@cache
def environment() -> Environment:
    """Templates beside this file, with the words that they set."""
    made = templates_of("verify.report")
    filters = (
        words.number,
        words.heading,
        words.typeset,
        words.share,
        words.counterexample,
        words.decimals,
        words.duration,
        words.instance_name,
        words.instance_json,
    )
    made.filters.update({function.__name__: function for function in filters})
    made.globals["counted"] = words.counted
    return made
