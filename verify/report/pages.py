"""What the templates of every page are rendered with."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from verify.report import words


@cache
def environment() -> Environment:
    """Templates beside this file, escaped; a name that nothing defines is an error."""
    made = Environment(
        loader=PackageLoader("verify.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
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
