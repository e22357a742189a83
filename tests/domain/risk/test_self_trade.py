"""R-16: no order could trade with one of our own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderReplaced,
    OrderReplaceRequested,
    OrderSubmitted,
    OrderUnknown,
)
from domain.limits import OFF
from domain.order import Order
from domain.risk import Check, limits_of
from domain.risk.self_trade import DENY, DENY_AND_CANCEL, RULE, crossed_ids, worst_px
from domain.state import State
from domain.terms import OrderType, Scope, Side
from tests.domain.harness import SECOND, World, trades
from tests.domain.risk.build import NOW, Acts, account, ask, bound, card, denials, numbers, proposal, submitted

BUY, SELL = Side.BUY, Side.SELL
AT_MARKET = {"limit_px": 0, "order_type": OrderType.MARKET}
STOP = {"limit_px": 0, "stop_px": 12_000, "order_type": OrderType.STOP}


def works(*orders: dict[str, Any]) -> State:
    """An account in which these orders of strategy 1 work: o1, o2, … with the seqs 1, 2, …"""
    state = account()
    for n, changes in enumerate(orders, 1):
        state.evolve(submitted(f"o{n}", **({"strategy": 1, "side": SELL} | changes)))
        found = state.orders.find(f"o{n}")
        assert found is not None
        found.seq = n
    return state


def asks(state: State, mode: int = DENY, **changes: Any) -> Check:
    """What the rule says."""
    return ask("R-16", (mode,), account=state, **changes)


@pytest.mark.parametrize(
    ("others", "changes", "passed", "observed", "limit", "seen"),
    [
        ([], {}, True, 10_000, OFF, 0),
        ([], AT_MARKET, True, 0, OFF, 0),
        ([{"limit_px": 10_001}], {}, True, 10_000, 10_001, 1),
        ([{"limit_px": 10_000}], {}, False, 10_000, 10_000, 1),
        ([{"limit_px": 9_999}], {}, False, 10_000, 9_999, 1),
        ([{"limit_px": 10_001}, {"limit_px": 10_002}], {}, True, 10_000, 10_001, 1),
        ([{"limit_px": 10_002}, {"limit_px": 10_001}], {}, True, 10_000, 10_001, 2),
        ([{"limit_px": 10_001}, {"limit_px": 10_001}], {}, True, 10_000, 10_001, 1),
        ([{"limit_px": 10_001}, {"limit_px": 10_000}, {"limit_px": 10_003}], {}, False, 10_000, 10_000, 2),
        ([{"limit_px": 99_999}], AT_MARKET, False, 0, 99_999, 1),
        ([{"limit_px": 99_999}], STOP, False, 0, 99_999, 1),
        ([{"limit_px": 10_001}], STOP | {"limit_px": 10_000, "order_type": OrderType.STOP_LIMIT}, True, 10_000, 10_001, 1),
        ([AT_MARKET], {}, False, 10_000, 0, 1),
        ([STOP], {}, False, 10_000, 0, 1),
        ([{"limit_px": 0, "order_type": OrderType.TRAILING_STOP, "trail_px": 5}], {}, False, 10_000, 0, 1),
        ([{"limit_px": 10_001}, AT_MARKET], {}, False, 10_000, 0, 2),
        ([AT_MARKET, {"limit_px": 10_001}], {}, False, 10_000, 0, 1),
        ([AT_MARKET, AT_MARKET], {}, False, 10_000, 0, 1),
        ([{"limit_px": 9_000, "side": BUY}], {}, True, 10_000, OFF, 0),
        ([{"limit_px": 11_000, "side": BUY}, {"limit_px": 10_001}], {}, True, 10_000, 10_001, 2),
        ([{"limit_px": 9_000, "instrument": 1}], {}, True, 10_000, OFF, 0),
        ([{"limit_px": 9_000, "instrument": 1}, {"limit_px": 10_001}], {}, True, 10_000, 10_001, 2),
        ([{"limit_px": 10_000, "strategy": 0}], {}, False, 10_000, 10_000, 1),
        ([{"limit_px": 10_000, "strategy": -1}], {}, False, 10_000, 10_000, 1),
        ([{"side": BUY, "limit_px": 9_999}], {"side": SELL}, True, 10_000, 9_999, 1),
        ([{"side": BUY, "limit_px": 10_000}], {"side": SELL}, False, 10_000, 10_000, 1),
        ([{"side": BUY, "limit_px": 10_001}], {"side": SELL}, False, 10_000, 10_001, 1),
        ([{"side": BUY, "limit_px": 9_998}, {"side": BUY, "limit_px": 9_999}], {"side": SELL}, True, 10_000, 9_999, 2),
        ([{"side": BUY, "limit_px": 9_999}, {"side": BUY, "limit_px": 9_998}], {"side": SELL}, True, 10_000, 9_999, 1),
        ([{"side": BUY, "limit_px": 9_999}, {"side": BUY, "limit_px": 9_999}], {"side": SELL}, True, 10_000, 9_999, 1),
        ([{"side": BUY, "limit_px": 9_999}, {"side": BUY} | AT_MARKET], {"side": SELL}, False, 10_000, 0, 2),
        ([{"side": BUY} | AT_MARKET, {"side": BUY, "limit_px": 9_999}], {"side": SELL}, False, 10_000, 0, 1),
        ([{"side": BUY, "limit_px": 1}], {"side": SELL} | AT_MARKET, False, 0, 1, 1),
        ([{"side": BUY, "limit_px": 1}], {"side": SELL, "limit_px": 2}, True, 2, 1, 1),
        ([], {"sell_leaves": 10}, False, 10_000, OFF, 0),
        ([], {"side": SELL, "buy_leaves": 10}, False, 10_000, OFF, 0),
        ([{"side": SELL, "limit_px": 1}], {"side": SELL}, True, 10_000, OFF, 0),
    ],
)  # fmt: skip
def test_a_price_is_compared_with_the_nearest_own_price_of_the_other_side(
    others: list[dict[str, Any]], changes: dict[str, Any], passed: bool, observed: int, limit: int, seen: int
) -> None:
    """Given own orders that work, when a new one is short of, at or beyond the nearest, then the rule says so and names that order's request."""
    check = asks(works(*others), **changes)
    assert (*numbers(check), check.seen) == (passed, observed, limit, seen)


def replace_request(new: str, px: int, orig: str = "o1") -> OrderReplaceRequested:
    """We ask for another price."""
    return OrderReplaceRequested(NOW, 0, new, orig, 10, px, 0, 0)


@pytest.mark.parametrize(
    ("side", "px", "requested", "worst"),
    [
        (SELL, 10_005, [], 10_005),
        (SELL, 10_005, [10_000], 10_000),
        (SELL, 10_005, [10_010], 10_005),
        (SELL, 10_005, [10_001, 10_000, 10_002], 10_000),
        (SELL, 10_005, [0], 0),
        (SELL, 0, [10_000], 0),
        (BUY, 9_995, [], 9_995),
        (BUY, 9_995, [10_000], 10_000),
        (BUY, 9_995, [9_000], 9_995),
        (BUY, 9_995, [9_999, 10_000, 9_998], 10_000),
        (BUY, 9_995, [0], 0),
        (BUY, 0, [10_000], 0),
        (BUY, 9_995, [0, 10_000], 0),
    ],
)
def test_an_order_counts_at_the_worst_of_its_present_and_requested_prices(side: Side, px: int, requested: list[int], worst: int) -> None:
    """Given replace requests without an answer, then an order's price is the one at which it would trade the earliest, 0 being any."""
    state = works({"side": side, "limit_px": px})
    for n, asked in enumerate(requested):
        state.evolve(replace_request(f"r{n}", asked))
    order = state.orders.find("o1")
    assert isinstance(order, Order)
    assert worst_px(order, sell=side is SELL) == worst


def test_a_requested_price_counts_until_the_venue_has_answered() -> None:
    """Given a replacement, when the venue confirms or refuses it, then only the terms that stand count; a cancel request changes nothing."""
    state = works({"limit_px": 10_010})
    state.evolve(OrderCancelRequested(NOW, 0, "c1", "o1", ""))
    assert numbers(asks(state)) == (True, 10_000, 10_010)
    state.evolve(replace_request("o2", 10_000))
    assert numbers(asks(state)) == (False, 10_000, 10_000)
    state.evolve(OrderCancelRejected(NOW, 0, "o2", NOW, "o1", "no"))
    assert numbers(asks(state)) == (True, 10_000, 10_010)
    state.evolve(replace_request("o3", 10_020))
    state.evolve(OrderReplaced(NOW, 0, "o3", NOW, "o1", 10, 10_020, 0, 0))
    assert numbers(asks(state)) == (True, 10_000, 10_020)


def test_an_unknown_order_counts_and_a_dead_one_does_not() -> None:
    """Given an own sell at the price, when its fate is unknown, then a buy is denied; when it is canceled, then it passes."""
    state = works({"limit_px": 10_000})
    state.evolve(OrderUnknown(NOW, 0, "o1", "lost"))
    assert not asks(state).passed
    state.evolve(OrderCanceled(NOW, 0, "o1", NOW, "", ""))
    assert numbers(asks(state)) == (True, 10_000, OFF)


def test_an_order_is_not_in_the_way_of_its_own_replacement() -> None:
    """Given a buy, when it is replaced by a buy at a higher price, then only sells count."""
    state = works({"side": BUY, "limit_px": 9_990}, {"limit_px": 10_001})
    replaced = state.orders.find("o1")
    assert numbers(asks(state, replaced=replaced, limit_px=10_000)) == (True, 10_000, 10_001)
    assert numbers(asks(state, replaced=replaced, limit_px=10_001)) == (False, 10_001, 10_001)


@pytest.mark.parametrize(("mode", "ids"), [(0, ()), (DENY, ()), (DENY_AND_CANCEL, ("o1", "o4", "o5")), (3, ())])
def test_only_mode_2_names_the_orders_in_the_way_and_only_those(mode: int, ids: tuple[str, ...]) -> None:
    """Given own orders near and far, then mode 2 names those the new order could trade with, oldest first, and no other mode any."""
    sells = [{"limit_px": 10_000}, {"limit_px": 10_001}, {"limit_px": 9_000, "instrument": 1}, AT_MARKET, {"limit_px": 9_999}]
    state = works(*sells, {"side": BUY, "limit_px": 9_999})
    p = proposal(account=state)
    b = bound("R-16", mode)
    assert RULE.cancels is crossed_ids
    assert crossed_ids(p, b) == ids
    assert not RULE.check(p, b).passed


@pytest.mark.parametrize(
    ("changes", "ids"), [({}, ("o2",)), (AT_MARKET, ("o1", "o2")), ({"limit_px": 9_999}, ("o1", "o2")), ({"limit_px": 10_001}, ())]
)
def test_a_sell_names_the_buys_in_its_way(changes: dict[str, Any], ids: tuple[str, ...]) -> None:
    """Given own buys, then a sell names those at its price or above."""
    state = works({"side": BUY, "limit_px": 9_999}, {"side": BUY, "limit_px": 10_000})
    assert crossed_ids(proposal(account=state, side=SELL, **changes), bound("R-16", DENY_AND_CANCEL)) == ids


def crossing_session(mode: int) -> World:
    """Strategy 1 sells at 100.05; then strategy 0 wants to buy at 100.04, at 100.05 and at the market."""

    def buys(ctx: Context) -> None:
        ctx.buy(0, 10, limit_px=10_004)
        ctx.buy(0, 10, limit_px=10_005)
        ctx.buy(0, 10)

    limits = tuple(limits_of(Scope.ACCOUNT, (), {"self_trade": (mode,)}))
    world = World(Acts(lambda _: None, buys, buys), Acts(lambda ctx: ctx.sell(0, 10, limit_px=10_005)), limits=limits)
    return world.tick(trades(10_000, 10_000))


def test_in_mode_1_the_new_order_is_denied_and_the_old_one_stays() -> None:
    """Given a resting sell, when buys of another strategy would reach it, then they are denied and the denial names the request of the sell."""
    world = crossing_session(1)
    assert denials(world) == [("SELF_TRADE", ["R-16"])] * 2
    assert world.of(OrderCancelRequested) == []
    asked = next(seq for seq, e in world.events if isinstance(e, OrderSubmitted))
    denied = world.of(OrderDenied)[0]
    assert isinstance(denied, OrderDenied)
    assert [(*numbers(c), c.seen) for c in denied.checks if c.rule == "R-16"] == [(False, 10_005, 10_005, asked)]


def test_in_mode_2_the_old_order_is_canceled_once_and_the_new_one_passes_when_it_is_gone() -> None:
    """Given a resting sell, when buys would reach it, then one cancel is sent because of the denial; once it is confirmed, the buys pass."""
    world = crossing_session(2)
    (cancel,) = world.of(OrderCancelRequested)
    assert isinstance(cancel, OrderCancelRequested)
    sell = next(o for o in world.sent if o.side is SELL)
    first_denial = next((seq, e) for seq, e in world.events if isinstance(e, OrderDenied))
    assert (cancel.orig_cl_ord_id, cancel.cause) == (sell.cl_ord_id, first_denial[0])
    assert first_denial[1].cl_ord_id in cancel.reason
    assert cancel in world.engine.desk.outbox
    ns = world.engine.desk.now_ns
    world.step(OrderAccepted(ns, 0, sell.cl_ord_id, ns, "v"), OrderCanceled(ns, 0, cancel.cl_ord_id, ns, sell.cl_ord_id, ""))
    world.tick(trades(10_000, start=3))
    assert len(denials(world)) == 2
    assert len([o for o in world.sent if o.side is BUY]) == 4


def test_a_replacement_into_an_own_order_is_denied_and_names_the_newest_request() -> None:
    """Given an own sell whose price was asked to be lowered, when a buy is replaced up to that price, then it is denied and names the replace request."""

    def act(ctx: Context) -> None:
        sell = ctx.sell(0, 10, limit_px=10_010)
        buy = ctx.buy(0, 10, limit_px=10_000)
        ctx.replace(sell, limit_px=10_005)
        ctx.replace(buy, limit_px=10_005)
        ctx.replace(buy, limit_px=10_004)

    world = World(Acts(act), limits=tuple(limits_of(Scope.ACCOUNT, (), {"self_trade": (1,)}))).tick(trades(10_000))
    assert denials(world) == [("SELF_TRADE", ["R-16"])]
    first = next(seq for seq, e in world.events if isinstance(e, OrderReplaceRequested))
    denied = world.of(OrderDenied)[0]
    assert isinstance(denied, OrderDenied)
    assert [c.seen for c in denied.checks if c.rule == "R-16"] == [first]
    assert len(world.of(OrderReplaceRequested)) == 2


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scopes and key are these; it never binds a strategy alone."""
    assert card("R-16") == (
        "SELF_TRADE", "px", (("self_trade", "count"),), (Scope.ACCOUNT, Scope.VENUE, Scope.CLASS, Scope.INSTRUMENT), False, None, 1,
    )  # fmt: skip
    assert (DENY, DENY_AND_CANCEL) == (1, 2)


prices = st.sampled_from([0, 9_998, 9_999, 10_000, 10_001, 10_002])


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["new", "replace", "confirm", "cancel"]), st.sampled_from([BUY, SELL]), prices, st.integers(0, 1), st.integers(0, 5)
        ),
        max_size=25,
    )
)
def test_the_highest_own_buy_stays_below_the_lowest_own_sell(steps: list[tuple[str, Side, int, int, int]]) -> None:
    """Given any orders, replacements, confirmations and cancels, when what passes is sent, then no two own orders of an instrument could ever trade."""
    state = account()
    possible: dict[int, tuple[Side, int, set[int]]] = {}  # by order: side, instrument, every price it may have
    asked: dict[int, int] = {}
    for n, (what, side, px, instrument, which) in enumerate(steps):
        chosen = sorted(possible)[which % len(possible)] if possible else -1
        if what == "new":
            if passes(possible, state, side, px, instrument):
                state.evolve(submitted(f"o{n}", side=side, limit_px=px, instrument=instrument, strategy=n % 2))
                possible[n] = (side, instrument, {px})
        elif chosen < 0:
            continue
        elif what == "replace" and chosen not in asked and px:
            side, instrument, own = possible[chosen]
            if passes(possible, state, side, px, instrument, replaced=f"o{chosen}"):
                state.evolve(replace_request(f"r{chosen}", px, f"o{chosen}"))
                own.add(px)
                asked[chosen] = px
        elif what == "confirm" and chosen in asked:
            state.evolve(OrderCancelRejected(NOW, 0, f"r{chosen}", NOW, f"o{chosen}", "no"))
            possible[chosen][2].discard(asked.pop(chosen))
            order = state.orders.find(f"o{chosen}")
            assert order is not None
            possible[chosen][2].add(order.limit_px)
        elif what == "cancel":
            state.evolve(OrderCanceled(NOW + SECOND, 0, f"o{chosen}", NOW, "", ""))
            del possible[chosen]
            asked.pop(chosen, None)
        pairs = [
            (b, s)
            for sb, ib, bs in possible.values()
            if sb is BUY
            for ss, js, ss_ in possible.values()
            if ss is SELL and ib == js
            for b in bs
            for s in ss_
        ]
        assert all(b and s and b < s for b, s in pairs)


def passes(possible: dict[int, tuple[Side, int, set[int]]], state: State, side: Side, px: int, instrument: int, replaced: str = "") -> bool:
    """What the rule says, held against every price that any own order of the other side may have."""
    check = asks(state, side=side, limit_px=px, instrument=instrument, replaced=state.orders.find(replaced))
    others = [p for other, i, own in possible.values() if other is not side and i == instrument for p in own]
    assert check.passed == all(px and p and (px < p if side is BUY else px > p) for p in others)
    return check.passed
