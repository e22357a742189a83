"""The report is one safe page whose size does not follow the session's."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from adapters.reports import Column, Figure, Line, Mark, Panel, Report, Table, render, spread, thinned
from adapters.reports.model import MOST_MARKS, MOST_POINTS

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'\u2028"


def a_report(points: int = 10, marks: int = 3, text: str = "fine") -> Report:
    line = Line("price", 2, range(0, points * 1000, 1000), [10_000 + i % 7 for i in range(points)])
    made = [Mark("fill", 1, i * 1000, 10_001, text) for i in range(marks)]
    return Report(
        f"Session {text}", text, [Figure("Equity", text, text, "good")], [Panel(text, line, made, {"fill": marks}, text)],
        [Table(text, [Column(text), Column("n", number=True)], [[text, "1"]], 1), Table("empty", [], [], 0, text)], [(text, text)], [(text, text)],
    )  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    return parser.seen


def data(page: str) -> list[dict[str, object]]:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_text_from_a_session_cannot_become_markup() -> None:
    plain, evil = render(a_report()), render(a_report(text=EVIL))
    assert [t for t, _ in tags(evil)] == [t for t, _ in tags(plain)]
    assert "<img" not in evil
    assert data(evil)[0]["title"] == EVIL


def test_the_page_needs_nothing_from_anywhere() -> None:
    page = render(a_report())
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert not [a for _, a in tags(page) if "src" in a or (a.get("href") or "#")[0] != "#"]


def test_charts_can_be_reached_and_understood_without_eyes_or_mouse() -> None:
    plot = next(a for t, a in tags(render(a_report())) if a.get("class") == "plot")
    assert plot["tabindex"] == "0"
    assert plot["aria-label"] == "fine: lowest 100.00, highest 100.06, last 100.02 fine"


def test_size_is_bounded_and_the_cut_is_said() -> None:
    page = render(a_report(points=300_000, marks=50_000))
    assert len(page) < 1_000_000
    assert f"Fills: {MOST_MARKS:,} of 50,000 drawn" in page
    (chart,) = data(page)
    assert len(chart["t"]) <= MOST_POINTS  # type: ignore[arg-type]
    assert len(chart["marks"]) == MOST_MARKS  # type: ignore[arg-type]


def test_a_report_without_ticks_is_still_a_page() -> None:
    page = render(Report("empty", "", [], [Panel("SPY", Line("price", 2, [], []))], [], []))
    assert "SPY: no data" in page


def test_the_same_report_is_the_same_page() -> None:
    assert render(a_report()) == render(a_report())


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=300), st.integers(4, 50))
def test_thinning_keeps_the_extremes_and_the_ends(values: list[int], most: int) -> None:
    line = Line("x", 0, range(len(values)), values)
    thin = thinned(line, most)
    assert len(thin.values) <= max(most, 4)
    assert (min(thin.values), max(thin.values)) == (min(values), max(values))
    assert (thin.values[0], thin.values[-1]) == (values[0], values[-1])
    assert list(thin.times_ns) == sorted(thin.times_ns)
    assert all(values[t] == v for t, v in zip(thin.times_ns, thin.values, strict=True))


@given(st.integers(0, 300), st.integers(1, 50))
def test_spreading_keeps_order_and_bound(n: int, most: int) -> None:
    found = spread(range(n), most)
    assert len(found) == min(n, most)
    assert list(found) == sorted(set(found))
