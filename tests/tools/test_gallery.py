"""The gallery shows figures that the code made, as they are told."""

from tools.gallery import FIGURES, PAGE, page, plain, told
from verify.figures import all_figures


def test_the_page_is_that_of_the_figures_beside_it() -> None:
    titles = {name: figure.title for name, figure in all_figures().items()}
    assert PAGE.read_text("utf-8") == page(told(FIGURES), titles)


def test_every_figure_has_a_picture_and_stands_by_what_it_shows() -> None:
    figures = told(FIGURES)
    assert figures
    for figure in figures:
        assert FIGURES.joinpath(f"{figure['name']}.png").is_file()
        assert figure["outcomes"], figure["name"]
        assert all(outcome["rival_rejected"] for outcome in figure["outcomes"]), figure["name"]


def test_words_of_a_caption_are_no_markdown() -> None:
    assert plain("|w|^2 - p a_k^2 * 2.") == r"\|w\|^2 - p a\_k^2 \* 2"
