"""The orders of a session: which are found, which work, what they may still trade, and what is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from domain.errors import InvariantBroken
from domain.order import Order, OrderEvent
from domain.orders import CLOSED_WINDOW, Orders
from domain.terms import OrdStatus, Side, TimeInForce
from tests.domain.reports import (
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


def session(*events: OrderEvent) -> Orders:
    """An order X to buy 100 of instrument 0 and what happened to it."""
    orders = Orders(2, 2)
    orders.evolve(submit())
    for event in events:
        assert orders.evolve(event) is not None
    return orders


def ids(orders: Orders, **which: int) -> list[str]:
    return [order.cl_ord_id for order in orders.working(**which)]


def test_worst_case_leaves_are_kept_per_instrument_and_side() -> None:
    orders = session(accept(), fill("a", 30))
    orders.evolve(submit("S", 50, Side.SELL))
    orders.evolve(submit("T", 20, instrument=1))
    assert (orders.buy_leaves, orders.sell_leaves) == ([70, 20], [50, 0])
    orders.evolve(ask_replace(150))
    orders.evolve(unknown("S"))
    assert (orders.buy_leaves, orders.sell_leaves) == ([120, 20], [50, 0])
    orders.evolve(replace(60))
    orders.evolve(cancel("S"))
    assert (orders.buy_leaves, orders.sell_leaves) == ([30, 20], [0, 0])


def test_working_orders_come_in_order_of_submission_and_by_instrument_and_strategy() -> None:
    orders = Orders(2, 2)
    for cl, instrument, strategy in [("A", 0, 0), ("B", 1, 0), ("C", 0, 1), ("D", 0, 0)]:
        orders.evolve(submit(cl, instrument=instrument, strategy=strategy))
    assert ids(orders) == ["A", "B", "C", "D"]
    assert ids(orders, instrument=0) == ["A", "C", "D"]
    assert ids(orders, strategy=0) == ["A", "B", "D"]
    assert ids(orders, instrument=0, strategy=0) == ["A", "D"]
    orders.evolve(fill("a", 100, cl="A"))
    orders.evolve(unknown("C"))
    assert ids(orders) == ["B", "C", "D"]
    orders.evolve(bust("a", cl="A"))
    assert ids(orders) == ["A", "B", "C", "D"]


def test_a_replaced_order_is_found_under_every_id_it_had_or_was_asked_to_have() -> None:
    orders = session(accept(), ask_replace(80, "Y"), replace(80, "Y"), ask_cancel("Z", "Y"))
    order = orders.find("X")
    assert order is not None
    assert order is orders.find("Y") is orders.find("Z")
    assert order.cl_ord_id == "Y"
    found = orders.evolve(fill("late", 10, cl="X"))
    assert found == (order, ((10, 50),))
    orders.evolve(cancel("Z", "Y"))
    assert (order.status, orders.buy_leaves) == (OrdStatus.CANCELED, [0, 0])


@pytest.mark.parametrize("report", [pend(OrdStatus.PENDING_CANCEL, "F", "X"), cancel("F", "X"), replace(70, "F", "X"), refuse("F", "X")])
def test_a_report_under_a_foreign_id_reaches_the_order_through_its_original_id(report: OrderEvent) -> None:
    orders = session(accept(), report)
    assert orders.find("F") is orders.find("X")
    assert orders.buy_leaves == [sum(o.worst_leaves for o in orders.working()), 0]


@pytest.mark.parametrize(
    "event",
    [
        accept("?"), reject("?"), fill("a", 1, cl="?"), cancel("?", "??"), expire("?"), refuse("?", "??"), replace(5, "?", "??"), restate(5, "?"),
        bust("a", cl="?"), correct("a", "b", 1, cl="?"), unknown("?"), trigger(1, "?"), ask_cancel("?", "??"), ask_replace(5, "?", "??"),
        pend(OrdStatus.PENDING_NEW, "?"),
    ],
)  # fmt: skip
def test_an_event_for_an_order_nobody_knows_gives_none_and_leaves_nothing_behind(event: OrderEvent) -> None:
    orders = session()
    assert orders.evolve(event) is None
    assert orders.find("?") is None
    assert (orders.buy_leaves, ids(orders)) == ([100, 0], ["X"])


def test_an_id_of_ours_used_twice_is_a_bug_and_stops() -> None:
    orders = session()
    with pytest.raises(InvariantBroken, match="X is used once"):
        orders.evolve(submit())
    orders.evolve(submit("B"))
    with pytest.raises(InvariantBroken, match="B belongs to one order"):
        orders.evolve(ask_cancel("B", "X"))


def test_closed_orders_are_remembered_for_a_window_and_then_forgotten_oldest_first() -> None:
    orders = Orders(1, 2)
    orders.evolve(submit("old"))
    orders.evolve(ask_replace(90, "old-2", "old"))
    orders.evolve(replace(90, "old-2", "old"))
    orders.evolve(fill("e", 90, cl="old-2"))
    orders.evolve(cancel("foreign", "old"))
    orders.evolve(submit("alive"))
    for n in range(CLOSED_WINDOW):
        assert orders.evolve(fill("e", 90, cl="old")) == (orders.find("old"), ())
        orders.evolve(submit(f"n{n}"))
        orders.evolve(reject(f"n{n}"))
    assert [orders.find(cl) for cl in ("old", "old-2", "foreign")] == [None, None, None]
    assert orders.evolve(fill("e", 90, cl="old")) is None
    assert orders.find("n0") is not None
    assert (ids(orders), orders.buy_leaves) == (["alive"], [100])


def test_an_order_that_works_again_and_closes_again_is_the_last_to_be_forgotten() -> None:
    orders = Orders(1, 2)
    for n in range(CLOSED_WINDOW):
        orders.evolve(submit(f"n{n}"))
        orders.evolve(fill("e", 100, cl=f"n{n}"))
    orders.evolve(bust("e", cl="n0"))
    assert (ids(orders), orders.buy_leaves) == (["n0"], [100])
    orders.evolve(fill("e2", 100, cl="n0"))
    orders.evolve(submit("more"))
    orders.evolve(fill("e", 100, cl="more"))
    assert orders.find("n1") is None
    assert orders.find("n0") is not None


class Session(RuleBasedStateMachine):
    """Several orders at once under any mixture of requests and reports."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.orders = Orders(3, 3)
        self.all: list[Order] = []
        self.net = [0, 0, 0]
        self.n = 0

    def name(self) -> str:
        self.n += 1
        return f"o{self.n}"

    def fold(self, event: OrderEvent) -> None:
        found = self.orders.evolve(event)
        assert found is not None
        order, changes = found
        assert self.orders.find(event.cl_ord_id) is order
        self.net[order.instrument] += sum(qty for qty, _ in changes)

    @rule(
        target=names, qty=st.integers(1, 100), side=st.sampled_from([Side.BUY, Side.SELL]), tif=st.sampled_from([TimeInForce.DAY, TimeInForce.GTC]),
        instrument=st.integers(0, 2), strategy=st.integers(0, 1),
    )  # fmt: skip
    def send(self, qty: int, side: Side, tif: TimeInForce, instrument: int, strategy: int) -> str:
        name = self.name()
        found = self.orders.evolve(submit(name, qty, side, tif, instrument, strategy))
        assert found is not None
        self.all.append(found[0])
        return name

    @rule(target=names, orig=names, qty=st.integers(1, 150))
    def ask_to_replace(self, orig: str, qty: int) -> str:
        name = self.name()
        self.fold(ask_replace(qty, name, orig))
        return name

    @rule(target=names, orig=names)
    def ask_to_cancel(self, orig: str) -> str:
        name = self.name()
        self.fold(ask_cancel(name, orig))
        return name

    @rule(cl=names, qty=st.integers(1, 60), exec_id=st.sampled_from("abcdef"))
    def fill(self, cl: str, qty: int, exec_id: str) -> None:
        self.fold(fill(exec_id, qty, cl=cl))

    @rule(cl=names, ref=st.sampled_from("abcdef"), exec_id=st.sampled_from("abcdef"), qty=st.integers(0, 60))
    def amend(self, cl: str, ref: str, exec_id: str, qty: int) -> None:
        self.fold(correct(ref, exec_id, qty, cl=cl) if qty else bust(ref, cl=cl))

    @rule(cl=names, make=st.sampled_from([accept, reject, cancel, refuse, expire, unknown]))
    def report(self, cl: str, make: object) -> None:
        self.fold(make(cl))  # type: ignore[operator]

    @rule(cl=names, qty=st.integers(1, 150), way=st.sampled_from(["replace", "restate", "rest", "pend"]))
    def restate(self, cl: str, qty: int, way: str) -> None:
        order = self.orders.find(cl)
        assert order is not None
        match way:
            case "replace":
                self.fold(replace(qty, cl, order.cl_ord_id))
            case "restate":
                self.fold(restate(qty, cl))
            case "rest":
                self.fold(expire(cl, done_for_day=True))
            case "pend":
                self.fold(pend(OrdStatus.PENDING_REPLACE, cl, order.cl_ord_id))

    @invariant()
    def leaves_are_those_counted_from_scratch(self) -> None:
        for i in range(3):
            assert self.orders.buy_leaves[i] == sum(o.worst_leaves for o in self.all if o.instrument == i and o.side is Side.BUY)
            assert self.orders.sell_leaves[i] == sum(o.worst_leaves for o in self.all if o.instrument == i and o.side is Side.SELL)

    @invariant()
    def working_orders_are_exactly_those_that_may_trade_in_order_of_submission(self) -> None:
        assert list(self.orders.working()) == [o for o in self.all if o.worst_leaves]

    @invariant()
    def position_changes_add_up_to_what_the_orders_say(self) -> None:
        assert self.net == [sum(o.side * o.cum_qty for o in self.all if o.instrument == i) for i in range(3)]


TestSession = Session.TestCase
