"""Plots as text."""

from recsys.svg import new_figure, plain, to_svg


def _drawn() -> str:
    figure, axes = new_figure(3, 2)
    axes.plot([1, 2], [3, 4], label="a")
    axes.set_title(plain("cost in $ and $"))
    return to_svg(figure)


def test_the_same_plot_gives_the_same_text_that_begins_at_its_tag():
    assert _drawn() == _drawn()
    assert _drawn().startswith("<svg")


def test_a_dollar_is_no_formula():
    assert "cost in $ and $" in _drawn()
