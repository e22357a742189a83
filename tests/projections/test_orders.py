"""Orders and risk decisions as the reader sees them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from domain.events import (
    OperatorCommandReceived,
    OrderApproved,
    OrderCanceled,
    OrderCancelRequested,
    OrderDenied,
    OrderRejected,
    OrderReplaced,
    OrderSubmitted,
    OrderUnknown,
)
from domain.limits import Check
from domain.terms import OrderType, Side, TimeInForce
from projections.decisions import Decisions, Gate
from projections.orders import DENIED, Orders
from projections.rebuild import fold
from tests.projections.builder import QQQ, SPY, Session
from tests.projections.oracle import Oracle
from tests.projections.walks import sessions


def orders(s: Session) -> Orders:
    view = Orders()
    fold(s.commits(), [view])
    return view


def decisions(s: Session) -> Decisions:
    view = Decisions()
    fold(s.commits(), [view])
    return view


def test_an_order_from_signal_to_fill() -> None:
    s = Session()
    order = s.submit(Side.BUY, 10, strategy=1, px=500_00)
    s.fill(order, 500_00, 3)
    s.fill(order, 499_00, 4)
    (row,) = orders(s).rows()
    assert (row.cl_ord_id, row.strategy, row.instrument.symbol, row.side, row.order_type) == ("T-1", "beta", "SPY", Side.BUY, OrderType.LIMIT)
    assert (row.status, row.cum_qty, row.leaves_qty, row.avg_px) == ("partially_filled", 7, 3, Fraction(3 * 500_00 + 4 * 499_00, 7))
    assert (row.signal_seq, row.approval_seq, row.submitted_seq, row.last_seq) == (2, 3, 4, 7)
    assert (row.last_ns, row.venue_ord_id) == (s.ns, "VT-1")
    assert row.submitted_ns < row.last_ns
    s.fill(order, 499_00, 3)
    assert orders(s).rows()[0].status == "filled"


def test_a_denied_order_has_its_terms_and_its_rule_but_no_venue() -> None:
    s = Session((SPY, QQQ))
    s.deny(Side.SELL, 99, "MAX_ORDER_QTY", of=1)
    (row,) = orders(s).rows()
    assert (row.status, row.reason, row.order_qty, row.side, row.instrument.symbol) == (DENIED, "MAX_ORDER_QTY", 99, Side.SELL, "QQQ")
    assert (row.strategy, row.signal_seq, row.approval_seq, row.cum_qty, row.leaves_qty) == ("alpha", 2, 0, 0, 0)


def test_a_refused_cancel_is_a_decision_and_no_order() -> None:
    """Given an order whose cancel the budget refused, then there is one order, it works, and the refusal is among the decisions."""
    s = Session()
    order = s.submit(Side.BUY, 10, px=500_00)
    s.emit(OrderDenied(s.ns, 1, "T-2", "CANCEL_RATE", (Check("R-05c", False, 3, 2),)))
    (row,) = orders(s).rows()
    assert (row.cl_ord_id, row.status) == (order, "new")
    assert [(d.cl_ord_id, d.reason) for d in decisions(s).rows()] == [(order, ""), ("T-2", "CANCEL_RATE")]


def test_an_order_by_hand_is_no_strategys() -> None:
    s = Session((SPY, QQQ))
    asked = s.emit(OperatorCommandReceived(s.later(), 0, "ann", "order", '{"symbol":"QQQ","side":"sell","qty":3,"limit_px":7}'))
    s.emit(OrderDenied(s.ns, asked, "T-1", "KILLED", (Check("K-01", False, 3, 0),)))
    asked = s.emit(OperatorCommandReceived(s.later(), 0, "ann", "order", '{"symbol":"SPY","side":"buy","qty":2}'))
    approval = s.emit(OrderApproved(s.ns, asked, "T-2", ()))
    s.emit(OrderSubmitted(s.ns, approval, "T-2", -1, 0, Side.BUY, 2, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, False, False))
    denied, sent = orders(s).rows()
    assert (denied.status, denied.instrument.symbol, denied.side, denied.order_qty, denied.limit_px) == (DENIED, "QQQ", Side.SELL, 3, 7)
    assert (denied.strategy, denied.order_type, denied.signal_seq) == ("", OrderType.LIMIT, 0)
    assert (sent.status, sent.strategy, sent.signal_seq, sent.approval_seq) == ("pending_new", "", 0, approval)


def test_a_replaced_order_is_one_row_found_under_every_id() -> None:
    s = Session()
    first = s.submit(Side.BUY, 10, px=500_00)
    second = s.replace(first, Side.BUY, 20, 501_00)
    assert orders(s).rows()[0].replace_requested
    s.emit(OrderReplaced(s.later(), 0, second, s.ns, first, 20, 501_00, 0, 0))
    s.fill(first, 500_00, 1)
    view = orders(s)
    (row,) = view.rows()
    assert (row.cl_ord_id, row.ids, row.order_qty, row.limit_px, row.cum_qty, row.replace_requested) == (
        second,
        (first, second),
        20,
        501_00,
        1,
        False,
    )
    assert view.find(first) == view.find(second) == row
    assert view.find("nobody") is None


def test_requests_in_flight_the_end_and_its_reason_are_shown() -> None:
    s = Session()
    order = s.submit(Side.BUY, 10)
    s.emit(OrderCancelRequested(s.ns, 1, "T-9", order, "end of day"))
    row = orders(s).rows()[0]
    assert (row.status, row.cancel_requested, row.reason) == ("new", True, "end of day")
    s.emit(OrderCanceled(s.later(), 0, "T-9", s.ns, order, ""))
    row = orders(s).rows()[0]
    assert (row.status, row.cancel_requested, row.leaves_qty, row.reason) == ("canceled", False, 0, "end of day")
    other = s.submit(Side.SELL, 1, accept=False)
    s.emit(OrderUnknown(s.later(), 1, other, "no answer"))
    assert orders(s).rows()[1].status == "unknown"
    s.emit(OrderRejected(s.later(), 0, other, s.ns, "no margin"))
    assert (orders(s).rows()[1].status, orders(s).rows()[1].reason) == ("rejected", "no margin")


@given(session=sessions())
def test_orders_are_what_the_engines_own_fold_says(session: Session) -> None:
    oracle = Oracle()
    sent, denied = {}, []
    for commit in session.commits():
        for seq, event in commit.items():
            oracle.feed(seq, event)
            if isinstance(event, OrderSubmitted):
                sent[seq] = oracle.orders.find(event.cl_ord_id)
            elif isinstance(event, OrderDenied):
                denied.append(event.cl_ord_id)
    rows = orders(session).rows()
    assert [r.submitted_seq for r in rows] == sorted(r.submitted_seq for r in rows)
    assert [r.cl_ord_id for r in rows if r.status == DENIED] == denied
    lived = {r.submitted_seq: r for r in rows if r.status != DENIED}
    assert lived.keys() == sent.keys()
    for seq, order in sent.items():
        row = lived[seq]
        assert order is not None
        assert (row.cl_ord_id, row.status, row.cum_qty, row.leaves_qty, row.avg_px, row.order_qty, row.ids) == (
            order.cl_ord_id, order.status.name.lower(), order.cum_qty, order.leaves_qty, order.avg_px, order.order_qty, tuple(order.ids),
        )  # fmt: skip


def test_every_check_of_an_order_is_kept_and_rules_are_tallied() -> None:
    s = Session()
    near = (Check("R-04", True, 9, 10), Check("R-07", True, 50, -1))
    far = (Check("R-04", True, 5, 10), Check("R-07", True, 10, 100))
    first, approval = s.approve(Side.BUY, 9, checks=near)
    s.approve(Side.BUY, 5, checks=far)
    over = s.deny(Side.BUY, 11)
    view = decisions(s)
    assert view.of(first) == view.rows()[0]
    assert (view.rows()[0].checks, view.rows()[0].approved, view.rows()[0].signal_seq) == (near, True, approval - 1)
    refused = view.of(over)
    assert refused is not None
    assert (refused.approved, refused.reason) == (False, "MAX_ORDER_QTY")
    assert view.of("nobody") is None
    size, position = view.rules()
    assert (size.rule, size.passed, size.denied, size.closest, size.closest_seq, size.last.observed) == ("R-04", 2, 1, near[0], approval, 11)
    assert (position.passed, position.denied, position.closest) == (2, 0, far[1])


def test_the_nearest_to_a_floor_is_the_one_just_above_it() -> None:
    s = Session()
    for amt in (500, 101, 300):
        s.approve(Side.BUY, 1, checks=(Check("R-19d", True, amt, 100),))
    (rule,) = decisions(s).rules()
    assert rule.closest is not None
    assert rule.closest.observed == 101


def test_a_limit_of_zero_or_none_has_no_nearest() -> None:
    s = Session()
    s.approve(Side.BUY, 1, checks=(Check("K-02", True, 0, 0), Check("R-07", True, 5, -1)))
    assert [(r.passed, r.closest) for r in decisions(s).rules()] == [(1, None), (1, None)]


def test_every_signal_ends_at_one_gate_with_its_reason() -> None:
    s = Session()
    s.signal(Side.NONE, 0, reason="spread too wide")
    denied = s.deny(Side.BUY, 11)
    approved, _ = s.approve(Side.BUY, 1)
    s.signal(Side.SELL, 3, strategy=1)
    fates = decisions(s).signals()
    assert [(f.gate, f.reason, f.cl_ord_id) for f in fates] == [
        (Gate.HELD, "spread too wide", ""), (Gate.DENIED, "MAX_ORDER_QTY", denied), (Gate.APPROVED, "because", approved), (Gate.OPEN, "because", ""),
    ]  # fmt: skip
    assert fates[1].check == Check("R-04", False, 11, 10)
    assert [f.strategy for f in fates] == ["alpha", "alpha", "alpha", "beta"]
    assert [f.gate for f in decisions(s).signals(without_order=True)] == [Gate.HELD, Gate.DENIED, Gate.OPEN]
