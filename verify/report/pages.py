"""What the templates of every page are rendered with."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from verify.report import words


def environment() -> Environment:
    """Templates beside this file, escaped; a name that nothing defines is an error."""
    made = Environment(
        loader=PackageLoader("verify.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters.update(number=words.number, heading=words.heading, typeset=words.typeset)
    return made
