"""What a lying venue tells us: each fault by table, determinism however it is driven, and what was traded against what was told."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.venues.config import FaultsConfig, SimulatedVenueConfig
from adapters.venues.faults import Fault, FaultSettings
from adapters.venues.lying import LyingVenue
from adapters.venues.simulated import NEVER, SimulatedVenue
from domain.events import OrderAccepted, OrderFilled, OrderRejected, QuoteUpdated, VenueConnected, VenueLost
from domain.order import Order
from domain.value import value_of
from tests.adapters.venues.drive import ONE, PLAIN, Scenario, cancel, order, play, tiny_blocks
from tests.adapters.venues.scenarios import scenarios

BID, ASK = 99, 101
STEP = 10


def market(n: int = 12) -> list[Any]:
    """The same quote again and again, every ten nanoseconds."""
    return [QuoteUpdated(STEP * (i + 1), 0, STEP * (i + 1), 0, BID, 1000, ASK, 1000) for i in range(n)]


def told(sends: dict[int, list[Any]], **faults: Any) -> tuple[list[Any], LyingVenue]:
    """What a venue with these faults tells us about what is sent."""
    venue = LyingVenue(ONE, PLAIN, 7, FaultSettings(**faults))
    return [r for _, r in play(Scenario(market(), sends), venue=venue)], venue


def brief(reports: list[Any]) -> list[tuple[Any, ...]]:
    """Type, id and time of each report; exec_id, quantity and price of a fill."""
    return [
        (type(r).__name__, getattr(r, "cl_ord_id", ""), r.ns, *((r.exec_id, r.last_qty, r.last_px) if isinstance(r, OrderFilled) else ()))
        for r in reports
    ]


ACCEPT_A, FILL_A = ("OrderAccepted", "a", 10), ("OrderFilled", "a", 10, "X1", 10, ASK)
ACCEPT_B, FILL_B = ("OrderAccepted", "b", 30), ("OrderFilled", "b", 30, "X2", 10, BID)
TRUTH = [ACCEPT_A, FILL_A, ACCEPT_B, FILL_B]

CASES: list[tuple[str, dict[str, Any], list[tuple[Any, ...]]]] = [
    ("nothing", {}, TRUTH),
    ("drop", {"script": ((Fault.DROP, 2),)}, [ACCEPT_A, ACCEPT_B, FILL_B]),
    ("delay", {"script": ((Fault.DELAY, 2),), "delay_ns": 25}, [ACCEPT_A, ACCEPT_B, FILL_B, ("OrderFilled", "a", 35, "X1", 10, ASK)]),
    ("duplicate", {"script": ((Fault.DUPLICATE, 2),)}, [ACCEPT_A, FILL_A, FILL_A, ACCEPT_B, FILL_B]),
    ("reorder", {"script": ((Fault.REORDER, 1),)}, [FILL_A, ACCEPT_A, ACCEPT_B, FILL_B]),
    (
        "reorder across orders", {"script": ((Fault.REORDER, 2),), "delay_ns": 100},
        [ACCEPT_A, ACCEPT_B, ("OrderFilled", "a", 30, "X1", 10, ASK), FILL_B],
    ),
    (
        "reorder waits no longer than the delay", {"script": ((Fault.REORDER, 2),), "delay_ns": 5},
        [ACCEPT_A, ("OrderFilled", "a", 15, "X1", 10, ASK), ACCEPT_B, FILL_B],
    ),
    ("twice", {"script": ((Fault.TWICE, 1),)}, [ACCEPT_A, FILL_A, ("OrderFilled", "a", 10, "L1", 10, ASK), ACCEPT_B, FILL_B]),
    ("phantom", {"script": ((Fault.PHANTOM, 2),)}, [ACCEPT_A, FILL_A, ACCEPT_B, ("OrderFilled", "b", 30, "L1", 10, BID), FILL_B]),
    ("overfill", {"script": ((Fault.OVERFILL, 1),)}, [ACCEPT_A, ("OrderFilled", "a", 10, "X1", 20, ASK), ACCEPT_B, FILL_B]),
    ("late reject", {"script": ((Fault.LATE_REJECT, 1),)}, [ACCEPT_A, FILL_A, ("OrderRejected", "a", 10), ACCEPT_B, FILL_B]),
    ("lose", {"script": ((Fault.LOSE, 2),), "lost_ns": 5}, [ACCEPT_A, ("VenueLost", "", 10), ("VenueConnected", "", 15), ACCEPT_B, FILL_B]),
    ("lose for longer", {"script": ((Fault.LOSE, 2),), "lost_ns": 21}, [ACCEPT_A, ("VenueLost", "", 10), ("VenueConnected", "", 31)]),
    ("a rate of all", {"rates": ((Fault.DROP, 1_000_000),)}, []),
    ("delay then duplicate", {"script": ((Fault.DELAY, 4), (Fault.DUPLICATE, 4)), "delay_ns": 7}, [*TRUTH[:3], *[("OrderFilled", "b", 37, "X2", 10, BID)] * 2]),
]  # fmt: skip


@pytest.mark.parametrize(("faults", "expected"), [pytest.param(f, e, id=name) for name, f, e in CASES])
def test_each_fault_does_what_it_says(faults: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    """Given two market orders, when one report goes wrong, then exactly that is told."""
    reports, _ = told({0: [order("a", 1)], 2: [order("b", -1)]}, **faults)
    assert brief(reports) == expected


def test_a_wrong_quantity_is_another_one_on_the_lot_grid() -> None:
    """Given fills of ten lots, when all quantities are wrong, then none is ten and all lie between one and twenty."""
    reports, venue = told({0: [order(f"a{k}", 1) for k in range(60)]}, rates=((Fault.WRONG_QTY, 1_000_000),))
    qtys = {r.last_qty for r in reports if isinstance(r, OrderFilled)}
    assert 10 not in qtys
    assert qtys <= set(range(1, 21))
    assert len(qtys) > 10
    assert venue.done == {Fault.WRONG_QTY: 60}


def test_a_wrong_quantity_of_one_lot_is_two() -> None:
    """Given a fill of one lot, when its quantity is wrong, then two are told."""
    reports, _ = told({0: [order("a", 1, 1)]}, script=((Fault.WRONG_QTY, 1),))
    assert reports[1].last_qty == 2


def test_a_wrong_price_is_off_by_at_most_the_ticks_it_may_be() -> None:
    """Given fills at the ask, when all prices are wrong by up to three ticks, then each is off, on both sides."""
    reports, _ = told({0: [order(f"a{k}", 1) for k in range(60)]}, rates=((Fault.WRONG_PX, 1_000_000),), wrong_ticks=3)
    assert {r.last_px - ASK for r in reports if isinstance(r, OrderFilled)} == {-3, -2, -1, 1, 2, 3}


def test_what_is_sent_while_the_session_is_lost_goes_nowhere() -> None:
    """Given a session lost from 10 to 31, when orders are sent at 30 and 40, then only the second one trades."""
    reports, venue = told({0: [order("a", 1)], 2: [order("b", -1)], 3: [order("c", -1)]}, script=((Fault.LOSE, 2),), lost_ns=21)
    assert [r.cl_ord_id for r in reports if isinstance(r, OrderFilled)] == ["c"]
    assert venue.true.qty == [0]  # a was filled, and nobody told us
    assert venue.told.qty == [-10]
    assert venue.lost == 2


def test_a_fill_on_its_way_when_the_session_breaks_is_missing_too() -> None:
    """Given a delayed fill, when the session is lost at the time it would come, then it is never told."""
    reports, _ = told(
        {0: [order("a", 1)], 2: [order("b", -1)]}, script=((Fault.DELAY, 2), (Fault.LOSE, 3)), delay_ns=25, lost_ns=50
    )  # fmt: skip
    assert brief(reports) == [ACCEPT_A, ("VenueLost", "", 30), ("VenueConnected", "", 80)]


def test_a_session_that_others_say_is_lost_stays_so_until_they_say_otherwise() -> None:
    """Given a venue that was told to be lost, when orders are sent, then nothing is answered until it is connected."""
    venue = LyingVenue(ONE, PLAIN, 7, FaultSettings())
    venue.lose(5)
    venue.submit(order("a", 1, limit=50, ns=6))
    assert venue.report(100) is None
    venue.connect(200)
    venue.submit(order("b", 1, limit=50, ns=200))
    found = venue.report(300)
    assert isinstance(found, OrderAccepted)
    assert found.cl_ord_id == "b"


def test_a_phantom_on_a_limit_order_is_at_its_limit_and_the_order_still_works() -> None:
    """Given a resting order, when its fill is invented, then the venue still cancels it."""
    reports, venue = told({0: [order("a", 1, limit=90)], 2: [cancel("b", "a")]}, script=((Fault.PHANTOM, 1),))
    assert brief(reports) == [ACCEPT_A, ("OrderFilled", "a", 10, "L1", 10, 90), ("OrderCanceled", "b", 30)]
    assert (venue.true.qty, venue.told.qty) == ([0], [10])


def test_a_fill_and_a_late_reject_leave_the_fill_standing() -> None:
    """Given a fill and then a rejection of the same order, when the order folds both, then it is filled."""
    sent = order("a", 1)
    reports, _ = told({0: [sent]}, script=((Fault.LATE_REJECT, 1),))
    assert isinstance(reports[2], OrderRejected)
    folded = Order(sent)
    folded.fill(reports[1].exec_id, reports[1].last_qty, reports[1].last_px)
    assert folded.cum_qty == 10


def test_the_next_time_is_that_of_whatever_is_on_its_way() -> None:
    """Given a delayed report, when the venue is asked, then it is busy until that time."""
    venue = LyingVenue(ONE, PLAIN, 7, FaultSettings(script=((Fault.DELAY, 1),), delay_ns=40))
    assert not venue.busy
    assert venue.next_ns() == NEVER
    venue.submit(order("a", 1, limit=50, ns=10))
    assert (venue.busy, venue.next_ns()) == (True, 10)
    assert venue.report(20) is None
    assert (venue.busy, venue.next_ns()) == (True, 50)
    assert venue.report(49) is None
    assert isinstance(venue.report(50), OrderAccepted)
    assert not venue.busy


FAULTS = st.builds(
    FaultSettings,
    rates=st.lists(st.tuples(st.sampled_from(Fault), st.sampled_from([50_000, 300_000, 1_000_000])), max_size=4, unique_by=lambda r: r[0]).map(tuple),
    script=st.lists(st.tuples(st.sampled_from(Fault), st.integers(1, 6)), max_size=4).map(tuple),
    delay_ns=st.integers(1, 30),
    lost_ns=st.integers(1, 30),
    wrong_ticks=st.integers(1, 5),
)


def lying(s: Scenario, faults: FaultSettings) -> LyingVenue:
    return LyingVenue(s.instruments, s.settings, s.seed, faults)


@given(scenarios())
def test_without_faults_it_is_the_simulated_venue(s: Scenario) -> None:
    """Given any scenario, when there is no fault, then every report is that of the simulated venue."""
    venue = lying(s, FaultSettings())
    assert play(s, venue=venue) == play(s)
    assert (venue.true.qty, venue.true.cost) == (venue.told.qty, venue.told.cost)


@given(scenarios(), FAULTS, st.frozensets(st.integers(1, 44)), st.frozensets(st.integers(1, 44)))
def test_the_same_seed_tells_the_same_however_it_is_driven(s: Scenario, faults: FaultSettings, cuts: frozenset[int], stops: frozenset[int]) -> None:
    """Given any faults, when tables and runs are cut elsewhere, then the same is told, and in order of time."""
    whole = play(s, venue=lying(s, faults))
    with tiny_blocks():
        assert play(s, cuts, stops, venue=lying(s, faults)) == whole
    times = [r.ns for _, r in whole]
    assert times == sorted(times)


@given(scenarios(), FAULTS)
def test_the_ledgers_hold_what_was_traded_and_what_was_told(s: Scenario, faults: FaultSettings) -> None:
    """Given any faults but a lost session, when all is told, then `told` adds up the fills we got and `true` those of an honest venue."""
    quiet = changed(s, answers={})  # answers would differ, and with them what trades
    kept = FaultSettings(
        tuple(r for r in faults.rates if r[0] is not Fault.LOSE), tuple(f for f in faults.script if f[0] is not Fault.LOSE), faults.delay_ns
    )
    venue = lying(quiet, kept)
    got = play(quiet, venue=venue)
    orders = {m.cl_ord_id: (m.instrument, m.side) for ms in reversed(quiet.sends.values()) for m in reversed(ms) if hasattr(m, "side")}
    for messages in quiet.sends.values():
        for m in messages:
            if not hasattr(m, "side") and m.orig_cl_ord_id in orders:
                orders.setdefault(m.cl_ord_id, orders[m.orig_cl_ord_id])
    if len({m.cl_ord_id for ms in quiet.sends.values() for m in ms}) < sum(map(len, quiet.sends.values())):
        return  # an id that is used twice names no one order
    assert added(quiet, orders, got) == (venue.told.qty, venue.told.cost)
    assert added(quiet, orders, play(quiet)) == (venue.true.qty, venue.true.cost)
    if not venue.done:
        assert venue.true.qty == venue.told.qty


def added(s: Scenario, orders: dict[str, tuple[int, int]], got: list[tuple[int, Any]]) -> tuple[list[int], list[int]]:
    """Quantity and cost by instrument of all fills."""
    qty, cost = [0] * len(s.instruments), [0] * len(s.instruments)
    for _, fill in got:
        if isinstance(fill, OrderFilled):
            i, side = orders[fill.cl_ord_id]
            qty[i] += side * fill.last_qty
            cost[i] += value_of(s.instruments[i], fill.last_px, side * fill.last_qty) + fill.fee_amt
    return qty, cost


def test_one_more_fault_changes_no_other() -> None:
    """Given dropped reports by chance, when prices are made wrong as well, then the same reports are dropped."""
    sends = {0: [order(f"a{k}", 1) for k in range(40)]}
    one, _ = told(sends, rates=((Fault.DROP, 300_000),))
    both, _ = told(sends, rates=((Fault.DROP, 300_000), (Fault.WRONG_PX, 1_000_000)))
    assert [(type(r), r.cl_ord_id) for r in one] == [(type(r), r.cl_ord_id) for r in both]


def test_every_venue_of_the_session_is_lost_by_name() -> None:
    """Given instruments of one venue, when the session breaks, then it is said once for that name."""
    reports, _ = told({0: [order("a", 1)]}, script=((Fault.LOSE, 1),), lost_ns=5)
    assert [type(r) for r in reports] == [VenueLost, VenueConnected]
    assert {r.venue for r in reports} == {"SIM"}


def test_the_configuration_makes_the_venue_it_describes() -> None:
    """Given a table of faults or none, when the venue is made, then it lies or does not."""
    assert isinstance(SimulatedVenueConfig().venue(ONE, 1), SimulatedVenue)
    config = SimulatedVenueConfig.model_validate({"faults": {"drop": "0.01", "delay_by": "2s", "script": [{"fault": "lose", "at": 3}]}})
    assert isinstance(config.venue(ONE, 1), LyingVenue)
    assert config.faults is not None
    assert config.faults.settings() == FaultSettings(((Fault.DROP, 10_000),), ((Fault.LOSE, 3),), 2 * 10**9)
    assert SimulatedVenueConfig.model_validate(config.model_dump(mode="json")) == config
    assert "faults" not in SimulatedVenueConfig().model_dump(mode="json")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"drop": "1.5"}, "is a part of the reports"),
        ({"drop": "-0.1"}, "is a part of the reports"),
        ({"vanish": "0.1"}, "Extra inputs"),
        ({"script": [{"fault": "vanish", "at": 1}]}, "wrong_qty"),
        ({"script": [{"fault": "drop", "at": 0}]}, "greater than or equal to 1"),
        ({"delay_by": "0s"}, "longer than 0"),
    ],
)  # fmt: skip
def test_a_table_that_means_nothing_is_refused(table: dict[str, Any], said: str) -> None:
    """Given a mistake in the table, when it is read, then it is named."""
    with pytest.raises(ValueError, match=said):
        FaultsConfig.model_validate(table)
