"""Hooks of MkDocs: pages made from files beside docs/, links between them, formulas as MathML."""

import re
from pathlib import Path
from typing import Any, Final

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from tools.site.links import ROOT, elsewhere, within_site
from tools.site.mathematics import with_mathml
from tools.site.navigation import expanded
from tools.site.notebooks import of_notebook
from tools.site.offline import loading_from_elsewhere, with_own_files
from tools.site.reference import reference_pages

_COMMENT: Final = re.compile(r"\A(?:<!--.*?-->\s*)+", re.DOTALL)


def on_config(config: Any) -> Any:
    """Name the pages of folders that the navigation gives as `folder/*`."""
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    config.nav = expanded(config.nav, [*pages, *elsewhere(), *reference_pages(ROOT)])
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """Add the README, the examples and the reference, none of which lie in docs/."""
    pages = {page: (ROOT / origin).read_text("utf-8") for page, origin in elsewhere().items()}
    shown = {page: _shown(elsewhere()[page], text) for page, text in pages.items()}
    for page, text in (shown | reference_pages(ROOT)).items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Formulas and links of a page, before it is converted."""
    del config, files
    uri = page.file.src_uri
    origin = elsewhere().get(uri, f"docs/{uri}")
    # a comment in front would hide the heading that names the page
    return with_mathml(within_site(_COMMENT.sub("", markdown), origin, uri))


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """The page with nothing of other hosts in it."""
    del config
    return with_own_files(output, page.file.dest_uri)


def on_post_template(output: str, *, template_name: str, config: Any) -> str:
    """Likewise of 404.html."""
    del config
    return with_own_files(output, template_name)


def on_post_build(*, config: Any) -> None:
    """End the build where a page would load anything from another host."""
    found = loading_from_elsewhere(Path(config.site_dir))
    if found:
        raise PluginError("the site would load from elsewhere:\n" + "\n".join(found))


def _shown(origin: str, text: str) -> str:
    """A file as a page: Markdown as it is, anything else as code."""
    path = Path(origin)
    if path.suffix == ".md":
        return text
    if path.suffix == ".ipynb":
        return of_notebook(text, origin)
    language = {".py": "python", ".json": "json"}[path.suffix]
    return f"# {path.name}\n\n```{language} title={origin!r}\n{text}```\n"
