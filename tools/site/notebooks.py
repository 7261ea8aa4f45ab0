"""Notebooks as pages: their words and their code; what they print is made where they are run."""

import json


def of_notebook(text: str, origin: str) -> str:
    """The Markdown of a notebook.

    Args:
        text: the notebook, as JSON.
        origin: its path in the repository.
    """
    parts = [_cell(cell) for cell in json.loads(text)["cells"]]
    where = f"A notebook of the repository, `{origin}`; it is run by a test."
    return "\n\n".join([parts[0], where, *parts[1:], ""])


def _cell(cell: dict[str, object]) -> str:
    source = "".join(map(str, cell["source"] if isinstance(cell["source"], list) else []))
    return source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
