"""How the simulated venue is driven: times, order of arrival, quiet runs, memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.venues.admission import Ids
from adapters.venues.settings import Resting, Size, VenueSettings
from adapters.venues.simulated import NEVER, SimulatedVenue
from adapters.venues.tables import Lane
from domain.events import OrderAccepted, OrderFilled
from domain.instrument import instrument
from domain.terms import TickKind, TimeInForce
from domain.ticks import Ticks, concat, table
from tests.adapters.venues.drive import ONE, cancel, order, sendable


def prints(pxs: list[int], i: int = 0) -> Ticks:
    ns = np.arange(len(pxs)) * 10
    return table(TickKind.TRADE, i, ns, ns, pxs, 100, 0, 0)


def drained(venue: SimulatedVenue, until: int) -> list[object]:
    out = []
    while (r := venue.report(until)) is not None:
        out.append(r)
    return out


def test_next_ns_names_what_comes_first() -> None:
    venue = SimulatedVenue(ONE, VenueSettings(latency_out_ns=5, latency_back_ns=7), 1)
    assert venue.next_ns() == NEVER
    venue.submit(sendable(order("a", 1, limit=50, tif=TimeInForce.GTD, expire=100, ns=10)))
    assert venue.next_ns() == 15
    assert venue.report(14) is None
    assert venue.report(15) is None
    assert venue.next_ns() == 22
    assert isinstance(venue.report(22), OrderAccepted)
    assert venue.next_ns() == 100
    venue.submit(sendable(cancel("b", "a", ns=30)))
    assert [r.ns for r in drained(venue, 60)] == [42]
    assert venue.next_ns() == NEVER


@given(st.lists(st.integers(0, 20), min_size=2, max_size=30), st.integers(0, 2**32))
def test_with_jitter_no_message_overtakes_another(gaps: list[int], seed: int) -> None:
    venue = SimulatedVenue(ONE, VenueSettings(latency_out_ns=5, jitter_out_ns=50, latency_back_ns=5, jitter_back_ns=50), seed)
    sent = np.cumsum(gaps).tolist()
    for k, ns in enumerate(sent):
        venue.submit(sendable(order(f"a-{k}", 1, limit=50, ns=ns)))
    got = drained(venue, sent[-1] + 1000)
    assert [r.cl_ord_id for r in got] == [f"a-{k}" for k in range(len(sent))]
    assert [r.ns for r in got] == sorted(r.ns for r in got)
    assert all(ns + 5 <= r.event_ns <= sent[-1] + 55 and r.event_ns + 5 <= r.ns for ns, r in zip(sent, got, strict=True))


def test_other_seeds_give_other_times() -> None:
    def times(seed: int) -> list[int]:
        venue = SimulatedVenue(ONE, VenueSettings(jitter_out_ns=1000), seed)
        for k in range(20):
            venue.submit(sendable(order(f"a-{k}", 1, limit=50, ns=10_000 * k)))
        return [r.ns for r in drained(venue, 10**9)]

    assert times(1) == times(1)
    assert times(1) != times(2)


@pytest.mark.parametrize("n", [12, 5000])
def test_nothing_working_means_nothing_to_stop_for(n: int) -> None:
    ticks = prints([100] * n)
    venue = SimulatedVenue(ONE, VenueSettings(), 1)
    assert venue.next_match(ticks, 3, n) == n


@pytest.mark.parametrize("n", [12, 5000])
def test_a_quiet_run_ends_at_the_tick_that_matters(n: int) -> None:
    pxs = [100] * n
    pxs[n - 3] = 94
    ticks = prints(pxs)
    venue = SimulatedVenue(ONE, VenueSettings(), 1)
    venue.advance(ticks, 0, 1)
    venue.submit(sendable(order("a", 1, limit=95, ns=0)))
    assert len(drained(venue, 0)) == 1
    assert venue.next_match(ticks, 1, n) == n - 3
    assert venue.next_match(ticks, 5, n - 4) == n - 4
    venue.advance(ticks, 1, n - 2)
    (fill,) = drained(venue, NEVER - 1)
    assert isinstance(fill, OrderFilled)
    assert (fill.last_px, fill.event_ns) == (95, 10 * (n - 3))
    assert venue.next_match(ticks, n - 2, n) == n


def test_orders_of_other_instruments_do_not_stop_a_run() -> None:
    two = (instrument("ONE"), instrument("OTHER"))
    ticks = concat([prints([100] * 40, 1), prints([90] * 40, 0)])
    ticks.cols[2:4] = np.arange(80)
    venue = SimulatedVenue(two, VenueSettings(), 1)
    venue.submit(sendable(order("a", 1, limit=95, ns=0)))
    drained(venue, 0)
    assert venue.next_match(ticks, 0, 80) == 40


@pytest.mark.parametrize("n", [12, 5000])
def test_an_empty_side_does_not_stop_a_run(n: int) -> None:
    ns = np.arange(n)
    ticks = table(TickKind.QUOTE, 0, ns, ns, 90, 5, 0, 0)
    venue = SimulatedVenue(ONE, VenueSettings(), 1)
    venue.submit(sendable(order("a", 1, limit=95, ns=0)))
    drained(venue, 0)
    assert venue.next_match(ticks, 0, n) == n


@pytest.mark.parametrize("n", [8, 40])
def test_ticks_before_the_first_one_handed_over_are_not_known(n: int) -> None:
    two = (instrument("ONE"), instrument("OTHER"))
    ticks = concat([prints([90] * n, 0), prints([100] * n, 1)])
    ticks.cols[2:4] = 0
    venue = SimulatedVenue(two, VenueSettings(), 1)
    venue.advance(ticks, n, n + 1)
    venue.submit(sendable(order("a", 1, ns=0)))
    venue.submit(sendable(order("b", 1, ns=0, i=1)))
    assert [r.cl_ord_id for r in drained(venue, 0) if isinstance(r, OrderFilled)] == ["b"]


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=1, max_size=40), st.integers(1, 4), st.data())
def test_a_lane_finds_the_first_entry_beyond_its_bounds(entries: list[tuple[int, int]], stretch: int, data: st.DataObject) -> None:
    low = np.repeat([a for a, _ in entries], 50 * stretch)
    high = low + np.repeat([b for _, b in entries], 50 * stretch)
    index = list(range(0, 2 * len(low), 2))
    start, below, above = data.draw(st.integers(0, 2 * len(low))), data.draw(st.integers(-7, 3)), data.draw(st.integers(-1, 9))
    hits = [i for i, a, b in zip(index, low.tolist(), high.tolist(), strict=True) if i >= start and (a <= below or b >= above)]
    assert Lane(index, low, high).first(start, below, above) == min(hits, default=NEVER)


@pytest.mark.parametrize(
    "settings", [VenueSettings(), VenueSettings(latency_out_ns=15), VenueSettings(liquidity=Size.DISPLAYED, resting=Resting.TOUCH)]
)
def test_memory_does_not_grow_with_the_number_of_orders(settings: VenueSettings) -> None:
    n = 20_000
    ticks = prints([100, 101] * (n // 2))
    venue = SimulatedVenue(ONE, settings, 1)
    largest = 0
    for k in range(1, n):
        drained(venue, 10 * k)
        venue.next_match(ticks, k, k + 1)
        venue.advance(ticks, k, k + 1)
        venue.submit(sendable(order(f"m-{k}", 1, ns=10 * k)))
        venue.submit(sendable(order(f"l-{k}", 1, limit=50, tif=TimeInForce.GTD, expire=10**12, ns=10 * k)))
        venue.submit(sendable(cancel(f"c-{k}", f"l-{k}", ns=10 * k)))
        largest = max(largest, len(venue._live), len(venue._expiries), len(venue._due), len(venue._arrivals))
    assert largest < 1000
    assert len(venue._dead._young) + len(venue._dead._old) <= 16_384


def test_the_last_ids_are_remembered() -> None:
    ids = Ids()
    for k in range(100_000):
        ids.add(f"{k}")
        assert ids.known(f"{max(0, k - 8000)}")
    assert not ids.known("1000")
