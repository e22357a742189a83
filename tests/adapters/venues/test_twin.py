"""The simulated venue held against its naive twin and against itself."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.venues.settings import Size
from domain.events import OrderFilled, OrderReplaced, OrderSubmitted
from domain.terms import TickKind
from tests.adapters.venues.drive import Scenario, play, play_twin, tiny_blocks
from tests.adapters.venues.scenarios import SETTINGS, TWO, messages, scenarios, ticks

CUTS = st.frozensets(st.integers(1, 44))


@given(scenarios(), CUTS, CUTS)
@settings(max_examples=200)
def test_every_report_equals_the_twins_whatever_the_cuts(s: Scenario, cuts: frozenset[int], stops: frozenset[int]) -> None:
    expected = play_twin(s)
    assert play(s) == expected
    assert play(s, frozenset(range(len(s.ticks)))) == expected
    with tiny_blocks():
        assert play(s) == expected
        assert play(s, cuts, stops) == expected


@given(scenarios())
def test_reports_arrive_in_order_and_after_they_happened(s: Scenario) -> None:
    got = [r for _, r in play(s)]
    assert [r.ns for r in got] == sorted(r.ns for r in got)
    assert [r.event_ns for r in got] == sorted(r.event_ns for r in got)
    assert all(r.ns >= r.event_ns + s.settings.latency_back_ns for r in got)
    execs = [r.exec_id for r in got if isinstance(r, OrderFilled)]
    assert len(set(execs)) == len(execs)


@given(scenarios())
def test_fills_never_exceed_the_order(s: Scenario) -> None:
    wanted: dict[str, int] = defaultdict(int)
    for m in [m for group in [*s.sends.values(), *s.answers.values()] for m in group]:
        if isinstance(m, OrderSubmitted):
            wanted[m.cl_ord_id] = max(wanted[m.cl_ord_id], m.order_qty)  # an id may be sent twice; the venue takes the one that arrives first
    filled: dict[str, int] = defaultdict(int)
    for _, r in play(s):
        if isinstance(r, OrderReplaced):
            wanted[r.cl_ord_id] = r.order_qty
            filled[r.cl_ord_id] = filled[r.orig_cl_ord_id]
        elif isinstance(r, OrderFilled):
            filled[r.cl_ord_id] += r.last_qty
            assert r.last_qty > 0
            assert filled[r.cl_ord_id] <= wanted[r.cl_ord_id]


@given(st.data())
def test_fills_never_exceed_what_the_prints_of_their_moment_showed(data: st.DataObject) -> None:
    tape = data.draw(ticks(40, (TickKind.TRADE,), 1))
    flow = data.draw(messages(10, 1))
    sends = {data.draw(st.integers(0, len(tape) - 1)): [m] for m in flow}
    shown: dict[int, int] = defaultdict(int)
    for t in tape:
        shown[t.ns] += t.qty
    s = Scenario(tape, sends, settings=data.draw(SETTINGS.filter(lambda v: v.liquidity == Size.DISPLAYED)), instruments=TWO)
    for _, r in play(s):
        if isinstance(r, OrderFilled):
            shown[r.event_ns] -= r.last_qty
    assert min(shown.values()) >= 0
