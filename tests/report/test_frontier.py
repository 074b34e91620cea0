import re
from xml.etree import ElementTree

import pytest

from tinybert.report.frontier import HEIGHT, LEFT, WIDTH, frontier_plot
from tinybert.report.page import search_page


def candidate(trial, size_mb, drop, latency_ms=None, frontier=True):
    return {
        "trial": trial,
        "size_mb": size_mb,
        "latency_ms": latency_ms,
        "drop": drop,
        "frontier": frontier,
        "distance": 0.01,
        "share": 0.33,
        "settings": {},
    }


CANDIDATES = [
    candidate(0, 4.0, 0.02),
    candidate(1, 5.0, 0.01),
    candidate(2, 6.0, 0.03, None, False),
]


def circles(svg):
    """Class and place of each point."""
    tree = ElementTree.fromstring(svg)
    return {
        (group.get("class"), float(circle.get("cx")), float(circle.get("cy")))
        for group in tree.iter("g")
        for circle in group.iter("circle")
    }


def test_points_are_where_their_figures_say():
    found = sorted(circles(frontier_plot({"candidates": CANDIDATES}, {"size_mb": 5.0}, 1)))
    (_, beaten_x, beaten_y), (_, best_x, best_y), (_, first_x, first_y) = sorted(found)
    assert [kind for kind, _, _ in found] == ["beaten", "best", "frontier"]
    assert LEFT <= first_x < best_x < beaten_x <= LEFT + WIDTH
    assert HEIGHT >= best_y > first_y > beaten_y >= 0  # a smaller drop is further down
    assert best_x - first_x == pytest.approx(beaten_x - best_x, abs=0.2)


def test_bounds_are_lines():
    svg = frontier_plot({"candidates": CANDIDATES}, {"size_mb": 5.0, "drop": 0.01})
    across, up = re.findall(r'<line x1="([\d.]+)" x2="([\d.]+)" y1="([\d.]+)" y2="([\d.]+)"/>', svg)
    ((_, x, y),) = {each for each in circles(svg) if str(each[1]) == across[0]}
    assert across[0] == across[1] == str(x)
    assert up[2] == up[3] == str(y)


def test_a_latency_alone_is_what_is_shown():
    slow = [candidate(0, 4.0, 0.1, 3.0), candidate(1, 4.0, 0.1, 2.0)]
    assert "expected ms" in frontier_plot({"candidates": slow}, {"latency_ms": 2.5})
    assert "MB of all files" in frontier_plot(
        {"candidates": slow}, {"size_mb": 5, "latency_ms": 2.5}
    )


def test_a_drop_that_is_not_known_gives_way_to_the_distance():
    svg = frontier_plot({"candidates": [candidate(0, 4.0, None)]}, {"size_mb": 5.0})
    assert "distance from the teacher" in svg


def test_nothing_is_drawn_of_nothing():
    assert frontier_plot({"candidates": []}, {"size_mb": 5.0}) == ""


def test_a_page_of_a_search_at_work_is_read_again():
    page = search_page({"trials": 3, "seconds": 90, "candidates": CANDIDATES}, {"size_mb": 5.0}, 1)
    assert '<meta http-equiv="refresh" content="' in page
    assert page.count("<circle") == 3
    search = {"trials": 3, "seconds": 90, "candidates": CANDIDATES}
    assert "refresh" not in search_page(search, {"size_mb": 5.0}, 1, ended=True)
