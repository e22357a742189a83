"""Messages per trade: at the limit, one over, the free allowance, the day, and against a recount."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import (
    DayRolled,
    ExternalTradeObserved,
    FillBusted,
    FillCorrected,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderReplaceRequested,
)
from domain.limits import OFF
from domain.risk import KNOWN
from domain.risk.bound import Bound
from domain.terms import Liquidity, OrderType, Scope, Side, TimeInForce
from tests.domain.harness import World, bounds, trades
from tests.domain.risk import build
from tests.domain.risk.portfolio import Portfolio, limit, wish

AT = {0: (10_000,)}
FILL = OrderFilled(0, 0, "w", 0, "e", 1, 1, Liquidity.TAKER, 0, "USD", 2)
BUST = FillBusted(0, 0, "w", 0, "b", "e")
CORRECTION = FillCorrected(0, 0, "w", 0, "c", "e", 2, 1)
FOREIGN = ExternalTradeObserved(0, 0, 0, 0, "x", Side.BUY, 1, 1, "")
ORDER = Portfolio()
ORDER_SENT = ORDER.order(ORDER.send(0, 0, 1, 1))
X = {"scope": Scope.INSTRUMENT, "member": "X"}


def tell(bound: Bound, word: str, seq: int = 1) -> None:
    """m: a message; f, b, c, x: a fill, bust, correction, foreign trade; d: the day rolls."""
    memory = bound.memory
    match word:
        case "m":
            memory.evolve(build.submitted(), ORDER_SENT, seq)
        case "d":
            memory.evolve(DayRolled(0, 0, 20260102), None, seq)
        case _:
            memory.trade({"f": FILL, "b": BUST, "c": CORRECTION, "x": FOREIGN}[word], 0, 0, 1, 1, seq)


def after(values: tuple[int, int], story: str, **order: Any) -> tuple[bool, int, int]:
    bound = limit("R-24", *values, **X)
    for word in story:
        tell(bound, word)
    return build.numbers(KNOWN["R-24"].check(wish(Portfolio(), AT, **order), bound))


@pytest.mark.parametrize(
    ("values", "story", "expected"),
    [
        ((100, OFF), "", (True, 100, 100)), ((99, OFF), "", (False, 100, 99)), ((200, OFF), "m", (True, 200, 200)), ((200, OFF), "mm", (False, 300, 200)),
        ((200, OFF), "mmmff", (True, 200, 200)), ((200, OFF), "mmmmff", (False, 250, 200)), ((167, OFF), "mmmmfff", (True, 167, 167)),
        ((166, OFF), "mmmmfff", (False, 167, 166)), ((0, 3), "mm", (True, 0, 0)), ((0, 3), "mmm", (False, 100, 0)), ((100, 0), "m", (False, 200, 100)),
        ((100, 1), "m", (True, 100, 100)), ((0, 9), "", (True, 0, 0)), ((OFF, 3), "mmmmmm", (True, 0, -1)), ((100, OFF), "mmfffb", (False, 150, 100)),
        ((100, OFF), "mmffcx", (False, 150, 100)), ((100, OFF), "mb", (False, 200, 100)), ((100, OFF), "mmmfd", (True, 100, 100)),
        ((100, OFF), "ffdm", (False, 200, 100)),
    ],
)  # fmt: skip
def test_messages_per_trade_at_the_limit_and_one_over(values: tuple[int, int], story: str, expected: tuple[bool, int, int]) -> None:
    """Given messages (m), fills (f), busts (b), corrections (c), foreign trades (x) and days (d), then one more is counted with those of the day."""
    assert after(values, story) == expected


def test_a_reducing_order_passes() -> None:
    """Given no room at all, then an order that only reduces passes with its number."""
    held = Portfolio().hold(0, 0, 10)
    assert build.numbers(KNOWN["R-24"].check(wish(held, AT, side=-1), limit("R-24", 0, **X))) == (True, 100, 0)


def test_the_answer_names_the_last_message_or_trade() -> None:
    """Given messages and trades with seq, then the check names the last that counted, and at first none."""
    bound = limit("R-24", 10**9, **X)
    for word, seq, seen in (("", 0, 0), ("m", 10, 10), ("f", 20, 20), ("c", 25, 20), ("x", 26, 20), ("b", 30, 30), ("d", 40, 40)):
        if word:
            tell(bound, word, seq)
        assert KNOWN["R-24"].check(wish(Portfolio(), AT), bound).seen == seen


def test_the_desk_counts_orders_replacements_and_cancels_and_never_stops_a_cancel() -> None:
    """Given an allowance of three without any trade, when an order is sent, replaced and canceled, then a second order is denied and no cancel is."""
    world = World(limits=bounds(max_order_to_trade=0, otr_free=3)).tick(trades(10_000))
    desk = world.engine.desk

    def send(instrument: int = 0) -> str:
        return desk.submit(-1, instrument, Side.BUY, 10, OrderType.LIMIT, 10_000, 0, 0, TimeInForce.GTC, 0, False, False, "ann")

    first = send()
    assert desk.replace(first, 11, 10_000, 0, 0, "ann")
    other = desk.state.orders.find(first)
    assert other is not None
    desk.cancel(first, "ann")
    send()
    desk.cancel(first, "ann", again=True)
    assert [len(world.of(kind)) for kind in (OrderReplaceRequested, OrderCancelRequested)] == [1, 2]
    assert [(d.reason, d.checks[[c.rule for c in d.checks].index("R-24")].observed) for d in world.of(OrderDenied)] == [("OTR", 100)]
    assert send(1)
    assert len(world.sent) == 2


@given(st.text("mmmfbcxd", max_size=30), st.integers(-1, 400), st.integers(-1, 4))
def test_the_ratio_agrees_with_a_recount(story: str, most: int, free: int) -> None:
    """Given any day, then one more message passes exactly when the exact ratio beyond the allowance is within the limit."""
    today = story.rpartition("d")[2]
    messages = max(today.count("m") + 1 - (0 if free == OFF else free), 0)
    ratio = Fraction(messages * 100, max(today.count("f") - today.count("b"), 1))
    passed, observed, shown = after((most, free), story)
    assert shown == most
    assert passed is (most == OFF or ratio <= most)
    assert most == OFF or observed - 1 < ratio <= observed
