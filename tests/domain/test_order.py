"""One order under everything a venue may report, in the order it should and in the order it should not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import instrument
from domain.order import Order, OrderEvent, evolve
from domain.position import Position
from domain.terms import OrdStatus, Side, TimeInForce
from tests.domain.reports import (
    Venue,
    accept,
    ask_cancel,
    ask_replace,
    bust,
    cancel,
    correct,
    expire,
    fill,
    pend,
    refuse,
    reject,
    replace,
    restate,
    submit,
    trigger,
    unknown,
)  # fmt: skip

S = OrdStatus
GTC = TimeInForce.GTC


def after(*events: OrderEvent, tif: TimeInForce = TimeInForce.DAY, side: Side = Side.BUY) -> Order:
    order = Order(submit(tif=tif, side=side))
    for event in events:
        evolve(order, event)
    return order


def facts(order: Order) -> tuple[object, ...]:
    return (order.status, order.cl_ord_id, order.order_qty, order.cum_qty, order.cost, order.leaves_qty, order.worst_leaves)


@pytest.mark.parametrize(
    ("events", "status", "cum", "leaves", "worst"),
    [
        ([], S.PENDING_NEW, 0, 100, 100),
        ([pend(S.PENDING_NEW, "X")], S.PENDING_NEW, 0, 100, 100),
        ([accept()], S.NEW, 0, 100, 100),
        ([accept(), fill("a", 40)], S.PARTIALLY_FILLED, 40, 60, 60),
        ([fill("a", 40), accept()], S.PARTIALLY_FILLED, 40, 60, 60),
        ([accept(), fill("a", 100)], S.FILLED, 100, 0, 0),
        ([reject()], S.REJECTED, 0, 0, 0),
        ([accept(), reject()], S.REJECTED, 0, 0, 0),
        ([accept(), fill("a", 40), cancel()], S.CANCELED, 40, 0, 0),
        ([accept(), expire()], S.EXPIRED, 0, 0, 0),
        # unknown: worst case until the venue answers
        ([unknown()], S.UNKNOWN, 0, 100, 100),
        ([accept(), fill("a", 40), unknown()], S.UNKNOWN, 40, 60, 60),
        ([unknown(), accept()], S.NEW, 0, 100, 100),
        ([unknown(), fill("a", 100)], S.FILLED, 100, 0, 0),
        ([unknown(), cancel()], S.CANCELED, 0, 0, 0),
        ([unknown(), replace(80)], S.NEW, 0, 80, 80),
        ([unknown(), restate(80)], S.NEW, 0, 80, 80),
        ([accept(), unknown(), expire(done_for_day=True), restate(80)], S.NEW, 0, 80, 80),
        ([unknown(), reject()], S.REJECTED, 0, 0, 0),
        ([unknown(), pend(S.PENDING_NEW, "X")], S.PENDING_NEW, 0, 100, 100),
        ([ask_cancel(), unknown(), refuse()], S.UNKNOWN, 0, 100, 100),
        ([fill("a", 100), unknown()], S.FILLED, 100, 0, 0),
        ([cancel(), unknown()], S.CANCELED, 0, 0, 0),
        # requests of ours do not move the venue's word
        ([accept(), ask_cancel()], S.NEW, 0, 100, 100),
        ([accept(), ask_replace(150)], S.NEW, 0, 100, 150),
        ([accept(), ask_replace(50)], S.NEW, 0, 100, 100),
        ([accept(), ask_replace(150), refuse()], S.NEW, 0, 100, 100),
        ([accept(), ask_replace(150), replace(150)], S.NEW, 0, 150, 150),
        ([accept(), fill("a", 100), ask_replace(150)], S.FILLED, 100, 0, 50),
        ([accept(), ask_replace(150), ask_replace(200, "Z", "Y"), refuse("Z")], S.NEW, 0, 100, 150),
        ([accept(), ask_replace(150), ask_replace(200, "Z", "Y"), refuse("Y")], S.NEW, 0, 100, 200),
        # pending words
        ([accept(), ask_cancel(), pend(S.PENDING_CANCEL, "Y")], S.PENDING_CANCEL, 0, 100, 100),
        ([accept(), ask_cancel(), pend(S.PENDING_CANCEL, "Y"), fill("a", 100)], S.PENDING_CANCEL, 100, 0, 0),
        ([accept(), ask_cancel(), pend(S.PENDING_CANCEL, "Y"), fill("a", 100), refuse()], S.FILLED, 100, 0, 0),
        ([accept(), ask_cancel(), refuse(), pend(S.PENDING_CANCEL, "Y")], S.NEW, 0, 100, 100),
        ([accept(), ask_replace(150), replace(150), pend(S.PENDING_REPLACE, "Y", "X")], S.NEW, 0, 150, 150),
        ([accept(), pend(S.PENDING_CANCEL, "foreign")], S.PENDING_CANCEL, 0, 100, 100),
        ([accept(), pend(S.PENDING_CANCEL, "foreign"), refuse("foreign")], S.NEW, 0, 100, 100),
        ([accept(), ask_cancel(), pend(S.PENDING_CANCEL, "X"), refuse()], S.NEW, 0, 100, 100),
        ([cancel(), pend(S.PENDING_CANCEL, "Y")], S.CANCELED, 0, 0, 0),
        # crossed and late
        ([accept(), ask_cancel(), fill("a", 100), cancel("Y", "X")], S.FILLED, 100, 0, 0),
        ([accept(), cancel(), fill("a", 40)], S.CANCELED, 40, 0, 0),
        ([accept(), cancel(), fill("a", 100)], S.FILLED, 100, 0, 0),
        ([accept(), expire(), fill("a", 40)], S.EXPIRED, 40, 0, 0),
        ([accept(), cancel(), expire()], S.CANCELED, 0, 0, 0),
        ([accept(), cancel(), accept()], S.CANCELED, 0, 0, 0),
        ([reject(), accept()], S.REJECTED, 0, 0, 0),
        ([cancel(), restate(70)], S.CANCELED, 0, 0, 0),
        ([reject(), fill("a", 40)], S.PARTIALLY_FILLED, 40, 60, 60),
        ([fill("a", 40), reject()], S.PARTIALLY_FILLED, 40, 60, 60),
        ([fill("a", 40), reject(), ask_replace(150), unknown()], S.UNKNOWN, 40, 60, 110),
        ([fill("a", 40), ask_replace(150), reject()], S.PARTIALLY_FILLED, 40, 60, 110),
        ([reject(), fill("a", 40), cancel()], S.CANCELED, 40, 0, 0),
        ([reject(), fill("a", 40), bust("a")], S.REJECTED, 0, 0, 0),
        ([accept(), ask_replace(150), reject("Y")], S.NEW, 0, 100, 100),
        ([accept(), ask_cancel(), reject("Y")], S.NEW, 0, 100, 100),
        ([accept(), fill("a", 130)], S.FILLED, 130, 0, 0),
        # busts and corrections
        ([accept(), fill("a", 100), bust("a")], S.NEW, 0, 100, 100),
        ([accept(), fill("a", 60), fill("b", 40), bust("a")], S.PARTIALLY_FILLED, 40, 60, 60),
        ([accept(), bust("a"), fill("a", 60)], S.NEW, 0, 100, 100),
        ([accept(), fill("a", 60), cancel(), bust("a")], S.CANCELED, 0, 0, 0),
        ([accept(), fill("a", 60), correct("a", "c", 50)], S.PARTIALLY_FILLED, 50, 50, 50),
        # done for the day: a day order has ended, rests only until tomorrow otherwise (see the next table)
        ([accept(), expire(done_for_day=True)], S.DONE_FOR_DAY, 0, 0, 0),
        ([accept(), expire(done_for_day=True), restate(100)], S.NEW, 0, 100, 100),
        ([accept(), expire(done_for_day=True), replace(80)], S.NEW, 0, 80, 80),
        ([accept(), expire(done_for_day=True), expire()], S.EXPIRED, 0, 0, 0),
        ([cancel(), expire(done_for_day=True)], S.CANCELED, 0, 0, 0),
    ],
)
def test_what_a_day_order_of_100_shows(events: list[OrderEvent], status: OrdStatus, cum: int, leaves: int, worst: int) -> None:
    order = after(*events)
    assert (order.status, order.cum_qty, order.leaves_qty, order.worst_leaves) == (status, cum, leaves, worst)


@pytest.mark.parametrize("tif", [TimeInForce.GTC, TimeInForce.GTD])
def test_a_longer_lived_order_that_is_done_for_the_day_may_still_trade_tomorrow(tif: TimeInForce) -> None:
    order = after(accept(), fill("a", 40), expire(done_for_day=True), tif=tif)
    assert (order.status, order.leaves_qty, order.worst_leaves) == (S.DONE_FOR_DAY, 60, 60)
    evolve(order, restate(90))
    assert (order.status, order.leaves_qty, order.order_qty) == (S.PARTIALLY_FILLED, 50, 90)
    evolve(order, expire(done_for_day=True))
    evolve(order, cancel())
    assert (order.status, order.worst_leaves) == (S.CANCELED, 0)


def test_order_keeps_the_terms_it_was_sent_with() -> None:
    sent = submit("X", 70, Side.SELL, GTC, instrument=3, strategy=2)
    order = Order(sent, 9)
    for name in sent.__struct_fields__[2:]:
        assert getattr(order, name) == getattr(sent, name)
    assert (order.number, order.venue_ord_id, order.avg_px, order.fills) == (9, "", None, [])


def test_first_venue_id_stays() -> None:
    order = after(accept())
    evolve(order, accept())
    assert order.venue_ord_id == "venue-1"


def test_a_triggered_stop_works_at_the_reported_limit() -> None:
    order = after(unknown(), trigger(48))
    assert (order.triggered, order.limit_px, order.status) == (True, 48, S.NEW)


def test_requests_in_flight_are_flags_beside_the_venues_word() -> None:
    order = after(accept(), ask_cancel("Y"), ask_replace(50, "Z"))
    assert (order.status, order.cancel_requested, order.replace_requested) == (S.NEW, True, True)
    evolve(order, refuse("Y"))
    assert (order.cancel_requested, order.replace_requested) == (False, True)
    evolve(order, replace(50, "Z"))
    assert (order.cancel_requested, order.replace_requested) == (False, False)
    evolve(order, ask_cancel("W", "Z"))
    evolve(order, cancel("W", "Z"))
    assert order.cancel_requested is False


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_position_changes_are_signed_and_a_repeated_report_causes_none(side: Side, sign: int) -> None:
    order = after(accept(), side=side)
    expected: list[tuple[OrderEvent, tuple[tuple[int, int], ...]]] = [
        (fill("a", 40, 50), ((40, 50),)),
        (fill("b", 10, 52), ((10, 52),)),
        (correct("a", "c", 30, 51), ((-40, 50), (30, 51))),
        (bust("b"), ((-10, 52),)),
        (correct("c", "d", 30, 51), ()),
        (correct("d", "e", 30, 50), ((-30, 51), (30, 50))),
        (cancel(), ()),
    ]
    for event, changes in expected:
        assert evolve(order, event) == tuple((sign * qty, px) for qty, px in changes)
        assert evolve(order, event) == ()
    assert order.fills == [("e", 30, 50)]
    assert (order.cum_qty, order.cost, order.avg_px) == (30, 1500, Fraction(50))
    for event, _ in expected:
        assert evolve(order, event) == ()


def test_a_correction_under_the_same_exec_id_is_taken_once() -> None:
    order = after(fill("a", 40, 50))
    assert evolve(order, correct("a", "a", 30, 50)) == ((-40, 50), (30, 50))
    assert evolve(order, correct("a", "a", 30, 50)) == ()
    assert order.fills == [("a", 30, 50)]


def test_a_correction_that_refers_to_the_first_exec_id_amends_what_stands_now() -> None:
    order = after(fill("a", 40), correct("a", "b", 30))
    assert evolve(order, correct("a", "c", 20)) == ((-30, 50), (20, 50))
    assert evolve(order, bust("a")) == ((-20, 50),)
    assert evolve(order, correct("a", "d", 10)) == ()
    assert evolve(order, correct("d", "e", 10)) == ()
    assert order.fills == []


def test_corrections_that_refer_to_each_other_in_a_circle_count_once() -> None:
    order = after(fill("a", 40), correct("a", "b", 30), correct("b", "a", 20), bust("a"))
    assert (order.cum_qty, order.fills) == (0, [])


def test_an_overfill_is_kept_and_shown() -> None:
    order = after(accept(), fill("a", 130))
    assert (order.overfilled, order.cum_qty, order.leaves_qty) == (True, 130, 0)
    assert after(fill("a", 100)).overfilled is False


def test_a_replace_that_was_overtaken_by_a_later_one_does_not_bring_its_terms_back() -> None:
    chain = [ask_replace(120, "Y", "X"), ask_replace(140, "Z", "Y"), ask_replace(160, "W", "Z")]
    order = after(accept(), *chain, replace(160, "W", "Z", 53), replace(120, "Y", "X", 51), replace(140, "Z", "Y", 52))
    assert (order.cl_ord_id, order.order_qty, order.limit_px, order.replace_requested) == ("W", 160, 53, False)


def test_an_amendment_that_keeps_its_id_changes_the_terms() -> None:
    order = after(accept(), replace(80, "X", "X", 47), replace(70, "X", "", 46))
    assert (order.cl_ord_id, order.order_qty, order.limit_px) == ("X", 70, 46)


actions = st.lists(
    st.tuples(
        st.sampled_from(["fill", "fill", "ask_replace", "ask_cancel", "pend", "grant", "refuse", "end", "bust", "correct"]),
        st.integers(0, 150),
        st.integers(0, 20),
    ),
    max_size=25,
)


@given(actions, st.data())
def test_reports_in_any_order_and_number_end_in_the_venues_truth(steps, data) -> None:
    venue = Venue(100)
    venue.said.append(accept())
    for step in steps:
        venue.do(*step)
    told = after(*venue.sent, *venue.said)
    shuffled = data.draw(st.permutations(venue.said + data.draw(st.lists(st.sampled_from(venue.said), max_size=10))))
    order = after(*venue.sent)
    position = Position()
    spec = instrument("X")
    for event in shuffled:
        before = order.cum_qty
        changes = evolve(order, event)
        assert order.cum_qty - before == sum(qty for qty, _ in changes)
        for qty, px in changes:
            position.apply(qty, spec.value(px, qty))
    assert facts(order) == facts(told)
    assert (order.cum_qty, order.cost, order.leaves_qty) == (venue.cum_qty, venue.cost, venue.leaves_qty)
    assert (order.order_qty, order.cl_ord_id, order.gone) == (venue.order_qty, venue.cl, venue.ended)
    assert (position.qty, position.cash) == (venue.cum_qty, -venue.cost * spec.factor)
    assert {e: (q, p) for e, q, p in order.fills} == venue.fills


@given(actions.map(lambda steps: [s for s in steps if s[0] not in ("bust", "correct")]), st.data())
def test_what_the_venue_has_filled_never_exceeds_what_we_count_as_filled_or_possible(steps, data) -> None:
    venue, order, heard = Venue(100), Order(submit()), 0
    for step in steps:
        request = venue.do(*step)
        if request is not None:
            evolve(order, request)
        for _ in range(data.draw(st.integers(0, 2))):
            if heard < len(venue.said):
                evolve(order, venue.said[heard])
                heard += 1
        assert order.cum_qty + order.worst_leaves >= venue.cum_qty
        assert order.cum_qty <= venue.cum_qty
        assert 0 <= order.leaves_qty <= order.worst_leaves
    for event in venue.said[heard:]:
        evolve(order, event)
    assert not order.overfilled
    assert (order.cum_qty, order.leaves_qty) == (venue.cum_qty, venue.leaves_qty)


anything = st.one_of(
    st.builds(fill, st.sampled_from("abcd"), st.integers(1, 120), st.integers(1, 99)),
    st.builds(bust, st.sampled_from("abcd")),
    st.builds(correct, st.sampled_from("abcd"), st.sampled_from("abcd"), st.integers(0, 120), st.integers(1, 99)),
    st.builds(ask_replace, st.integers(1, 200), st.sampled_from("XYZ"), st.sampled_from("XYZ")),
    st.builds(replace, st.integers(1, 200), st.sampled_from("XYZ"), st.sampled_from(["X", "Y", "Z", ""])),
    st.builds(ask_cancel, st.sampled_from("XYZ"), st.sampled_from("XYZ")),
    st.builds(pend, st.sampled_from([S.PENDING_NEW, S.PENDING_CANCEL, S.PENDING_REPLACE]), st.sampled_from("XYZ")),
    st.builds(expire, done_for_day=st.booleans()),
    *(st.builds(make, st.sampled_from("XYZ")) for make in (accept, reject, cancel, refuse, unknown)),
    st.builds(restate, st.integers(1, 200)),
    st.builds(trigger, st.integers(0, 99)),
)


@given(st.lists(anything, max_size=40), st.sampled_from([TimeInForce.DAY, GTC]))
def test_no_nonsense_from_a_venue_breaks_what_must_always_hold(events, tif) -> None:
    order = Order(submit(tif=tif))
    net = cash = 0
    for event in events:
        for qty, px in evolve(order, event):
            net += qty
            cash += qty * px
        assert (order.cum_qty, order.cost) == (net, cash)
        assert net == sum(qty for _, qty, _ in order.fills) >= 0
        assert cash == sum(qty * px for _, qty, px in order.fills)
        assert 0 <= order.leaves_qty <= order.worst_leaves
        assert order.dead <= (order.worst_leaves == 0)
        assert (order.status in (S.CANCELED, S.EXPIRED, S.REJECTED)) <= order.dead
        assert (order.status is S.UNKNOWN) <= order.unknown
        assert order.overfilled == (order.cum_qty > order.order_qty)
