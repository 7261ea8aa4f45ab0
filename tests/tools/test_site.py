"""What the site is told beside its configuration."""

import json
from pathlib import Path

import pytest

from tools.site.links import ROOT, elsewhere, within_site
from tools.site.mathematics import with_mathml
from tools.site.navigation import expanded
from tools.site.notebooks import of_notebook
from tools.site.offline import loading_from_elsewhere, with_own_files
from tools.site.reference import reference_pages


def test_links_to_files_beside_the_documentation_lead_to_their_pages() -> None:
    assert within_site("[a](docs/faq.md#x)", "README.md", "overview.md") == "[a](faq.md#x)"
    quartic = within_site("[a](../examples/quartic.py)", "docs/own-net.md", "own-net.md")
    assert quartic == "[a](examples/quartic.py.md)"
    up = within_site("[a](../../README.md)", "docs/families/relu.md", "families/relu.md")
    assert up == "[a](../overview.md)"


@pytest.mark.parametrize("link", ["[a](https://b.c/d.md)", "[a](#here)", "[a](nowhere.md)"])
def test_other_links_stay(link: str) -> None:
    assert within_site(link, "README.md", "overview.md") == link


def test_pages_made_of_files_exist() -> None:
    assert "examples/quartic.py.md" in elsewhere()
    assert all((ROOT / origin).is_file() for origin in elsewhere().values())


def test_formulas_become_mathml_and_code_stays() -> None:
    text = with_mathml("so $a^2$ and `$b$`\n\n```math\n\\frac{1}{2}\n```\n\n```sh\n$ c $\n```\n")
    assert "<msup>" in text
    assert 'display="inline"' in text
    assert '<div class="formula"><math display="block">' in text
    assert "`$b$`" in text
    assert "```sh\n$ c $\n```" in text


def test_a_formula_between_dollars_alone_is_a_block() -> None:
    text = with_mathml("a\n\n$$x\n= 1$$\n\nb $$ c")
    assert text.startswith('a\n\n<div class="formula"><math display="block">')
    assert text.endswith("\n\nb $$ c")


def test_a_notebook_is_its_words_and_its_code() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# T\n", "words"]},
        {"cell_type": "code", "source": ["a = 1\n", "a"]},
    ]
    page = of_notebook(json.dumps({"cells": cells}), "examples/t.ipynb")
    assert page.startswith("# T\nwords\n\nA notebook")
    assert page.endswith("```python\na = 1\na\n```\n\n")


def test_a_formula_beyond_the_converter_is_an_error() -> None:
    with pytest.raises(ValueError, match="no MathML for"):
        with_mathml("```math\n\\arg x\n```")


def test_a_folder_of_the_navigation_is_its_pages_index_first() -> None:
    pages = ["a.md", "f/b.md", "f/README.md", "f/g/c.md"]
    inside = ["f/README.md", "f/b.md", "f/g/c.md"]
    assert expanded([{"F": ["f/*"]}, "a.md"], pages) == [{"F": inside}, "a.md"]


def test_every_package_of_theory_has_a_page() -> None:
    pages = reference_pages(ROOT)
    packages = {path.parent.name for path in ROOT.glob("theory/*/__init__.py")}
    assert {f"reference/theory.{name}.md" for name in packages} <= set(pages)
    assert "[`theory.flow`](theory.flow.md) | Exact gradient flow" in pages["reference/index.md"]


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://a.b/c.js"></script>',
        "<link rel=stylesheet href=//a.b/c.css>",
        '<img alt="" src="http://a.b/c.png">',
    ],
)
def test_what_would_be_loaded_from_elsewhere_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.html").write_text(text)
    (tmp_path / "other.html").write_text('<a href="https://a.b">a</a><img src="c.png">')
    (found,) = loading_from_elsewhere(tmp_path)
    assert found.startswith("page.html: <")


def test_the_shim_of_the_theme_is_the_own_one() -> None:
    html = '<script src="https://unpkg.com/iframe-worker/shim"></script>'
    assert with_own_files(html, "f/a.html") == '<script src="../assets/iframe-worker.js"></script>'
    assert (ROOT / "docs" / "assets" / "iframe-worker.js").is_file()
