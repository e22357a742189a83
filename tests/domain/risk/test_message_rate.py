"""Messages and cancels in any window: by hand, through the desk, and against a recount of every window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.desk import OPERATOR
from domain.events import (
    LimitsChanged,
    OrderApproved,
    OrderCancelRequested,
    OrderDenied,
    OrderReplaceRequested,
    OrderSubmitted,
)
from domain.limits import OFF, Limit
from domain.risk import KNOWN, limits_of
from domain.risk.bound import Bound
from domain.strategy import Strategy
from domain.terms import OrderType, Scope, Side, TickKind, TimeInForce
from domain.ticks import table
from tests.domain.harness import SECOND, T0, World, trades
from tests.domain.risk.build import NOW, ask, bound, numbers, proposal, submitted

REPLACED = object()


def asked(rule: str, limit: Bound, now_ns: int, *, replaces: bool = False) -> tuple[bool, int, int]:
    """The numbers of one more message now."""
    p = proposal(now_ns=now_ns)
    p.replaced = REPLACED if replaces else None  # type: ignore[assignment]
    return numbers(KNOWN[rule].check(p, limit))


def request(ns: int, kind: type) -> Any:
    """A message sent at a time."""
    match kind:
        case _ if kind is OrderSubmitted:
            return submitted(ns=ns)
        case _ if kind is OrderReplaceRequested:
            return OrderReplaceRequested(ns, 0, "r", "w1", 10, 10_000, 0, 0)
        case _:
            return OrderCancelRequested(ns, 0, "c", "w1", "")


def after(rule: str, values: tuple[int, ...], *sent: tuple[int, type]) -> Bound:
    """A limit that has seen these messages, the n-th with seq 10 n."""
    limit = bound(rule, *values)
    for n, (ns, kind) in enumerate(sent, 1):
        limit.memory.evolve(request(ns, kind), None, 10 * n)
    return limit


S, R, C = OrderSubmitted, OrderReplaceRequested, OrderCancelRequested


@pytest.mark.parametrize(
    ("values", "sent", "replaces", "expected"),
    [
        ((2, 10), [], False, (True, 1, 2)),
        ((2, 10), [(NOW, S)], False, (True, 2, 2)),
        ((2, 10), [(NOW, S), (NOW, R)], False, (False, 3, 2)),
        ((2, 10), [(NOW, S), (NOW, R)], True, (False, 3, 2)),
        ((2, 10), [(NOW - 10, S), (NOW - 9, S)], False, (True, 2, 2)),
        ((2, 10), [(NOW - 9, S), (NOW - 9, S)], False, (False, 3, 2)),
        ((0, 10), [], False, (False, 1, 0)),
        ((5, 10, 1, 20), [], False, (True, 1, 5)),
        ((5, 10, 1, 20), [(NOW - 19, S)], False, (False, 2, 1)),
        ((5, 10, 1, 20), [(NOW - 20, S)], False, (True, 1, 5)),
        ((5, 10, 1, 20), [(NOW, R)], False, (True, 2, 5)),
        ((5, 10, 1, 20), [(NOW, S)], True, (True, 2, 5)),
        ((1, 10, 1, 20), [(NOW, S)], False, (False, 2, 1)),
        ((OFF, OFF, 1, 20), [(NOW, S)], False, (False, 2, 1)),
        ((OFF, OFF, 1, 20), [(NOW, S)], True, (True, 0, -1)),
        ((OFF, OFF, OFF, OFF, 1, 20), [], True, (True, 1, 1)),
        ((OFF, OFF, OFF, OFF, 1, 20), [(NOW, R)], True, (False, 2, 1)),
        ((OFF, OFF, OFF, OFF, 1, 20), [(NOW, R)], False, (True, 0, -1)),
        ((5, 10, OFF, OFF, 1, 20), [(NOW - 19, R)], True, (False, 2, 1)),
        ((5, 10, OFF, OFF, 1, 20), [(NOW - 19, S)], True, (True, 1, 5)),
    ],
)
def test_a_message_passes_up_to_the_number_of_every_window(
    values: tuple[int, ...], sent: Sequence[tuple[int, type]], replaces: bool, expected: tuple[bool, int, int]
) -> None:
    """Given what was sent before, then one more is counted with it, in the windows of all, of new orders, of replacements."""
    assert asked("R-05", after("R-05", values, *sent), NOW, replaces=replaces) == expected


@pytest.mark.parametrize(
    ("sent", "expected"), [([], (True, 1, 2)), ([(NOW - 9, C)], (True, 2, 2)), ([(NOW, C), (NOW - 9, C)], (False, 3, 2)), ([(NOW, C), (NOW - 10, C)], (False, 3, 2))]
)  # fmt: skip
def test_cancels_have_a_window_of_their_own(sent: Sequence[tuple[int, type]], expected: tuple[bool, int, int]) -> None:
    """Given cancels sent before, then one more is counted with them alone (time never runs backwards)."""
    assert asked("R-05c", after("R-05c", (2, 10), *sent), NOW) == expected


def test_the_answer_names_the_last_message_that_was_counted() -> None:
    """Given two messages with seq 10 and 20, then the answers, passed or not, name the second."""
    p = proposal(now_ns=NOW)
    for n in (9, 1):
        assert KNOWN["R-05"].check(p, after("R-05", (n, 10), (NOW, S), (NOW, R))).seen == 20
        assert KNOWN["R-05c"].check(p, after("R-05c", (n, 10), (NOW, C), (NOW, C))).seen == 20


def test_before_the_first_message_there_is_none_to_name() -> None:
    """Given a limit that has seen nothing, then its answer names no event."""
    assert KNOWN["R-05"].check(proposal(), bound("R-05", 1, 10)).seen == 0


def test_a_reducing_order_is_a_message_too() -> None:
    """Given no room in the window, then an order that reduces is denied as any other: the venue would drop it."""
    assert numbers(ask("R-05", (0, 10), position_qty=-100)) == (False, 1, 0)


def test_a_window_is_kept_only_while_its_parameter_is_on() -> None:
    """Given only a budget for new orders, then nothing else is remembered."""
    limit = after("R-05", (OFF, OFF, 5, 10), (NOW, S), (NOW, R))
    assert [window and window.times for window in limit.memory.windows] == [None, [NOW], None]


class Busy(Strategy):
    """Does what the test says, one thing per tick."""

    def __init__(self, script: Sequence[str]) -> None:
        self.script = list(script)
        self.ids: list[str] = []

    def on_tick(self, ctx: Context, tick: Any) -> None:
        for word in self.script.pop(0) if self.script else "":
            if word == "s":
                name = ctx.buy(0, 10, limit_px=9_000)
                self.ids += [name] if any(o.cl_ord_id == name for o in ctx.open_orders()) else []
            elif word == "r" and self.ids:
                ctx.replace(self.ids[-1], limit_px=9_100)
            elif word == "c" and self.ids:
                ctx.cancel(self.ids.pop(0), "tired")
            elif word == "d":
                ctx.buy(0, -1, limit_px=9_000)


def rates(scope: Scope = Scope.ACCOUNT, members: tuple[str, ...] = (), **numbers: tuple[int, int]) -> list[Limit]:
    return limits_of(scope, members, numbers)


def test_a_refused_cancel_is_recorded_under_the_id_it_would_have_had_and_the_order_lives_on() -> None:
    """Given room for one cancel a minute, when two are asked for, then the first is approved and the second denied, with its numbers, and nothing leaves for it."""
    world = World(Busy(["ss", "cc"]), limits=rates(cancel_rate=(1, 60 * SECOND))).tick(trades(9_000, 9_000, start=1))
    first, second = world.sent
    (denied,) = world.of(OrderDenied)
    (canceled,) = world.of(OrderCancelRequested)
    assert canceled.orig_cl_ord_id == first.cl_ord_id
    assert (denied.reason, denied.cl_ord_id) == ("CANCEL_RATE", f"{world.engine.desk.code}-4")
    assert [(c.rule, c.passed, c.observed, c.limit) for c in denied.checks] == [("R-05c", False, 2, 1)]
    approved = world.of(OrderApproved)[-1]
    assert (approved.cl_ord_id, approved.cause) == (canceled.cl_ord_id, denied.cause)
    assert [(c.rule, c.passed, c.observed, c.limit) for c in approved.checks] == [("R-05c", True, 1, 1)]
    assert canceled.cause == denied.cause + 1
    order = world.engine.desk.state.orders.find(second.cl_ord_id)
    assert order is not None
    assert not order.cancel_requested
    assert world.engine.desk.denied_n == 1
    assert len(world.engine.desk.outbox) == 3


def test_the_house_cancels_whatever_the_budget_and_its_cancels_count() -> None:
    """Given a budget of one, when the kill switch cancels three orders, then all three leave, and a cancel that is asked for is denied."""
    world = World(Busy(["sss", "", "s", "cccc"]), limits=rates(cancel_rate=(1, 60 * SECOND))).tick(trades(9_000, 9_000))
    desk = world.engine.desk
    for order in world.sent:
        desk.cancel(order.cl_ord_id, "house", house=True)
    assert len(world.of(OrderCancelRequested)) == 3
    world.tick(trades(9_000, 9_000, start=3))
    assert [d.reason for d in world.of(OrderDenied)] == ["CANCEL_RATE"]
    assert world.of(OrderDenied)[0].checks[0].observed == 4


def test_a_denied_order_is_no_message() -> None:
    """Given room for two, when an order is denied by another rule between them, then both others pass and the third does not."""
    world = World(Busy(["sdsds"]), limits=rates(message_rate=(2, 60 * SECOND))).tick(trades(9_000))
    assert len(world.sent) == 2
    assert [d.reason for d in world.of(OrderDenied)] == ["INVALID_LOT", "INVALID_LOT", "MSG_RATE"]


def test_a_strategy_has_its_own_budget_and_the_account_one_for_all() -> None:
    """Given one message for s0 and three for the account, when s0 and s1 send three each, then s0 gets one and s1 two."""
    limits = [*rates(Scope.STRATEGY, ("s0",), message_rate=(1, 60 * SECOND))]
    limits += limits_of(Scope.ACCOUNT, (), {"message_rate": (3, 60 * SECOND)}, first_id=2)
    world = World(Busy(["sss"]), Busy(["sss"]), limits=limits).tick(trades(9_000))
    assert [o.strategy for o in world.sent] == [0, 1, 1]


def test_a_venue_has_a_budget_of_its_own() -> None:
    """Given a budget for another venue, then nothing is held up; for this one, it is."""
    for venue, n in (("SIM", 1), ("ELSEWHERE", 3)):
        assert len(World(Busy(["sss"]), limits=rates(Scope.VENUE, (venue,), message_rate=(1, SECOND))).tick(trades(9_000)).sent) == n


def test_a_changed_limit_counts_what_is_remembered() -> None:
    """Given two messages under a limit of five, when it is two, then the next is denied."""
    world = World(Busy(["ss", "s"]), limits=rates(message_rate=(5, 60 * SECOND))).tick(trades(9_000))
    desk = world.engine.desk
    desk.emit(LimitsChanged(desk.now_ns, 0, Limit(2, "R-05", Scope.ACCOUNT, (), (2, 60 * SECOND, OFF, OFF, OFF, OFF), 2)))
    assert [d.reason for d in world.tick(trades(9_000, start=2)).of(OrderDenied)] == ["MSG_RATE"]


def test_the_orders_of_persons_have_a_budget_of_cancels_too() -> None:
    """Given no cancels at all, when an order sent by hand is to be canceled, then that is denied and the order lives on."""
    world = World(limits=rates(cancel_rate=(0, SECOND)))
    desk = world.engine.desk
    name = desk.submit(OPERATOR, 0, Side.BUY, 10, OrderType.LIMIT, 9_000, 0, 0, TimeInForce.GTC, 0, False, False, "ann")
    desk.cancel(name, "ann changed her mind")
    assert [d.reason for d in world.of(OrderDenied)] == ["CANCEL_RATE"]
    assert [o.cl_ord_id for o in desk.state.orders.working()] == [name]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.text("sssrcd", max_size=4)), max_size=25),
    st.tuples(*[st.tuples(st.integers(1, 4), st.integers(1, 8)) for _ in range(4)]),
)
def test_no_window_ever_holds_more_than_allowed_and_nothing_is_held_up_without_need(
    steps: list[tuple[int, str]], budgets: tuple[tuple[int, int], ...]
) -> None:
    """Given a strategy that sends, replaces and cancels at random times, then in every window of the recorded session each kind is within its budget,
    and each refusal would have been one too many."""
    names = ("message_rate", "submit_rate", "replace_rate", "cancel_rate")
    world = World(Busy([word for _, word in steps]), limits=limits_of(Scope.ACCOUNT, (), dict(zip(names, budgets, strict=True))))
    now = T0
    for step, _ in steps:
        now += step
        world.tick(table(TickKind.TRADE, 0, [now], [now], [9_000], 100, 1))
    kinds = {"message_rate": (S, R), "submit_rate": (S,), "replace_rate": (R,), "cancel_rate": (C,)}
    for name, (most, length) in zip(names, budgets, strict=True):
        times = [e.ns for e in world.of(*kinds[name])]
        assert all(sum(end - length < t <= end for t in times) <= most for end in times)
    before: dict[type, list[int]] = {S: [], R: [], C: []}
    for _, e in world.events:
        if type(e) in before:
            before[type(e)].append(e.ns)
        elif isinstance(e, OrderDenied) and e.reason in ("MSG_RATE", "CANCEL_RATE"):
            full = {
                name: sum(e.ns - length < t for kind in kinds[name] for t in before[kind]) == most
                for name, (most, length) in zip(names, budgets, strict=True)
            }
            assert full["cancel_rate"] if e.reason == "CANCEL_RATE" else full["message_rate"] or full["submit_rate"] or full["replace_rate"]
