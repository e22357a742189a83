"""R-14: an equal order is not sent again a moment later, unless it is meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderApproved, OrderDenied, OrderSubmitted
from domain.order import Order
from domain.risk import KNOWN, Bound, Check, Limit, limits_of
from domain.risk.duplicate_order import MOST, SPARE
from domain.terms import OrderType, Scope, Side
from tests.domain.harness import SECOND, World, trades
from tests.domain.risk.build import NOW, Acts, account, bound, card, denials, numbers, proposal, submitted

WINDOW = 5 * SECOND


def send(b: Bound, seq: int = 1, **changes: Any) -> None:
    """An order of ours was sent."""
    event = submitted(f"o-{seq}", **changes)
    b.memory.evolve(event, Order(event), seq)


def check(b: Bound, ns: int = NOW, **changes: Any) -> Check:
    """What the rule says of an order."""
    return KNOWN["R-14"].check(proposal(now_ns=ns, **changes), b)


@pytest.mark.parametrize(("age", "passed"), [(0, False), (1, False), (WINDOW - 1, False), (WINDOW, True), (WINDOW + 1, True)])
def test_the_age_of_an_equal_order_is_compared_at_the_window_and_beyond(age: int, passed: bool) -> None:
    """Given an equal order, when it is as old as the window or older, then the new one passes as if there were none; else the record shows its age and seq."""
    b = bound("R-14", WINDOW)
    send(b, 3, ns=NOW - age)
    found = check(b)
    assert (*numbers(found), found.seen) == ((True, -1, WINDOW, 0) if passed else (False, age, WINDOW, 3))


def test_the_last_of_several_equal_orders_counts() -> None:
    """Given two equal orders, then the age is that of the later one."""
    b = bound("R-14", WINDOW)
    send(b, 3, ns=NOW - WINDOW)
    send(b, 4, ns=NOW - 1)
    assert (*numbers(check(b)), check(b).seen) == (False, 1, WINDOW, 4)
    assert len(b.memory.last) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"instrument": 1}, {"side": Side.SELL}, {"qty": 20}, {"limit_px": 10_005}, {"stop_px": 10_000},
        {"order_type": OrderType.STOP_LIMIT}, {"intentional": True},
    ],
    ids=lambda o: next(iter(o)),
)  # fmt: skip
def test_an_order_that_differs_in_one_field_is_no_duplicate_and_neither_is_an_intentional_one(other: dict[str, Any]) -> None:
    """Given an order a moment ago, when one comes that differs in a single compared field or is meant to repeat it, then it passes."""
    b = bound("R-14", WINDOW)
    send(b)
    assert not check(b).passed
    assert numbers(check(b, **other)) == (True, -1, WINDOW)
    assert check(b, **other).seen == 0


@pytest.mark.parametrize("same", [{"strategy": 1}, {"reduce_only": True}, {"locate": "broker"}, {"cl_ord_id": "other-9"}])
def test_who_sends_an_order_and_under_which_id_makes_no_difference(same: dict[str, Any]) -> None:
    """Given an order a moment ago, when another strategy sends an equal one to the same account, then it is a duplicate."""
    b = bound("R-14", WINDOW)
    send(b)
    assert not check(b, **same).passed


def test_an_intentional_order_counts_for_those_after_it() -> None:
    """Given an order that was meant to repeat another, when one comes that is not, then it is a duplicate."""
    b = bound("R-14", WINDOW)
    send(b, intentional=True)
    assert not check(b).passed


def test_a_replacement_is_no_duplicate() -> None:
    """Given an order a moment ago, when it is replaced by terms equal to its own, then the rule has nothing to say."""
    b = bound("R-14", WINDOW)
    send(b)
    state = account(submitted())
    assert numbers(check(b, account=state, replaced=state.orders.find("w1"))) == (True, -1, WINDOW)


def test_what_the_window_has_left_behind_is_forgotten() -> None:
    """Given different orders, three in the window at a time, then no more than twice these and a few to spare are held, and the three always are."""
    b = bound("R-14", WINDOW)
    most = 0
    for n in range(1, 200):
        send(b, n, ns=NOW + n * WINDOW // 3 + n, order_qty=n)
        most = max(most, len(b.memory.last))
        assert [seq for _, seq in b.memory.last.values()][-3:] == [n - 2, n - 1, n][-n:]
        assert [seq for _, seq in b.memory.last.values()] == sorted(seq for _, seq in b.memory.last.values())
    assert most == 2 * 3 + SPARE
    assert b.memory.forgotten is None


def test_nothing_is_forgotten_that_the_window_holds_as_long_as_there_is_room() -> None:
    """Given as many different orders in the window as are kept, and one that has just left it, then only that one is gone."""
    b = bound("R-14", WINDOW)
    for n in range(MOST):
        send(b, n + 1, ns=NOW + min(n, 1), order_qty=n + 1)
    send(b, MOST + 1, ns=NOW + WINDOW, order_qty=MOST + 1)
    assert (len(b.memory.last), b.memory.forgotten) == (MOST, None)


def test_the_memory_is_bounded_and_fails_closed_where_it_had_to_forget() -> None:
    """Given more different orders in the window than are kept, when any order comes, then it may equal the newest forgotten one."""
    b = bound("R-14", WINDOW)
    for n in range(MOST):
        send(b, n + 1, ns=NOW + n, order_qty=n + 1)
    assert len(b.memory.last) == MOST == 4096
    assert check(b, NOW + MOST, qty=MOST + 2).passed
    send(b, MOST + 1, ns=NOW + MOST, order_qty=MOST + 1)
    assert len(b.memory.last) == MOST
    found = check(b, NOW + MOST, qty=MOST + 2)
    assert (*numbers(found), found.seen) == (False, MOST, WINDOW, 1)
    assert check(b, NOW + WINDOW, qty=MOST + 2).passed
    assert check(b, NOW + WINDOW, qty=MOST).seen == MOST


def test_a_window_of_nothing_holds_nothing() -> None:
    """Given a window of 0, when an equal order comes at the same moment, then it passes, and only a few are kept."""
    b = bound("R-14", 0)
    send(b, 1)
    send(b, 2, order_qty=5)
    assert numbers(check(b, qty=5)) == (True, -1, 0)
    for n in range(SPARE):
        send(b, n + 3, order_qty=6 + n)
    assert numbers(check(b, qty=6 + SPARE - 1)) == (True, -1, 0)
    assert len(b.memory.last) <= SPARE


@pytest.mark.parametrize(("scope", "denied"), [(Scope.ACCOUNT, 3), (Scope.STRATEGY, 2), (Scope.INSTRUMENT, 3)])
def test_a_session_denies_what_is_sent_twice(scope: Scope, denied: int) -> None:
    """Given two strategies that want the same, when each wants it twice and then means it, then the scope decides whether the other's order counts."""

    def act(ctx: Context) -> None:
        ctx.buy(0, 10, limit_px=10_000)
        ctx.buy(0, 10, limit_px=10_000)

    def meant(ctx: Context) -> None:
        ctx.buy(0, 10, limit_px=10_000, intentional=True)

    limits = limits_for(scope)
    world = World(Acts(act, meant), Acts(act), limits=limits).tick(trades(10_000, 10_000))
    assert denials(world) == [("DUPLICATE_ORDER", ["R-14"])] * denied
    assert len(world.sent) == 5 - denied
    first = next(seq for seq, e in world.events if isinstance(e, OrderSubmitted))
    last = next(e for e in world.of(OrderDenied))
    assert isinstance(last, OrderDenied)
    assert next(c.seen for c in last.checks if c.rule == "R-14") == first
    assert all(c.passed for e in world.of(OrderApproved) if isinstance(e, OrderApproved) for c in e.checks)


def limits_for(scope: Scope) -> tuple[Limit, ...]:
    """The window at a scope."""
    members = {Scope.ACCOUNT: (), Scope.STRATEGY: ("s0", "s1"), Scope.INSTRUMENT: ("X",)}
    return tuple(limits_of(scope, members[scope], {"duplicate_window": (WINDOW,)}))


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scopes and key are these."""
    scopes = (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT)
    assert card("R-14") == ("DUPLICATE_ORDER", "ns", (("duplicate_window", "ns"),), scopes, True, None, 1)


@given(
    wants=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([10, 20]), st.sampled_from([0, 10_000]), st.booleans()), max_size=30),
    window=st.integers(1, 9),
)  # fmt: skip
def test_no_two_orders_that_pass_are_equal_within_the_window(wants: list[tuple[int, int, int, bool]], window: int) -> None:
    """Given any orders in any rhythm, then one passes exactly when no equal one was sent within the window or it is meant."""
    b = bound("R-14", window)
    sent: list[tuple[int, int, int]] = []
    now = NOW
    for n, (wait, qty, px, meant) in enumerate(wants, 1):
        now += wait
        kind = OrderType.LIMIT if px else OrderType.MARKET
        repeats = any(now - ns < window and (q, x) == (qty, px) for ns, q, x in sent)
        found = check(b, now, qty=qty, limit_px=px, order_type=kind, intentional=meant)
        assert found.passed == (meant or not repeats)
        if found.passed:
            send(b, n, ns=now, order_qty=qty, limit_px=px, order_type=kind)
            sent.append((now, qty, px))
