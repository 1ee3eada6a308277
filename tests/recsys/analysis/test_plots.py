"""The plots of the analysis."""

from xml.etree import ElementTree

from recsys.analysis.plots import draw_plots, sparkline
from tests.recsys.analysis.hand_shop import hand_events
from tests.recsys.analysis.test_analysis import analyzed


def test_every_plot_is_svg():
    plots = draw_plots(analyzed(hand_events(), min_viewed=1))
    assert set(plots) == {"activity", "funnel", "by_category", "by_price", "session_sizes",
                          "session_hours", "orders"}  # fmt: skip
    for svg in plots.values():
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_a_log_of_ratings_has_no_funnel_to_draw():
    plots = draw_plots(analyzed(hand_events().assign(event="rating")))
    assert set(plots) == {"activity", "session_sizes", "session_hours", "orders"}


def test_a_sparkline_says_its_numbers_and_survives_zeros():
    assert 'aria-label="0, 2, 4"' in sparkline([0, 2, 4])
    assert sparkline([0, 0]).count("<rect") == 2
