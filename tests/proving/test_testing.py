"""What `reenact.testing` gives to users: given, when, then; rules of their own like built-in ones; the machine for their own sessions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from domain.events import OrderDenied, OrderFilled, OrderSubmitted, TradingHalted
from domain.limits import Check, Limit
from domain.risk import Param, Rule, limits_of
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.terms import Scope
from reenact import Context, Strategy, TradePrinted
from reenact.proving.facts import Facts
from reenact.testing import SECOND, T0, Invariant, assert_proven, bounds, command, fill, given, opening, prove, session, trades


class Buyer(Strategy):
    """Buys as many as the tick traded."""

    def on_tick(self, ctx: Context, tick: Any) -> None:
        """Buy."""
        if isinstance(tick, TradePrinted):
            ctx.buy(tick.instrument, tick.qty)


def check_even(p: Proposal, limit: Bound) -> Check:
    """Even quantities only. Source: this test."""
    return answer(limit, p.qty % 2 == limit.most, p.qty % 2, limit.most)


EVEN = Rule("U-01", "ODD", "count", check_even, (Param("remainder", "count", "what is left of a quantity"),))
EVENS: tuple[Limit, ...] = tuple(limits_of(Scope.ACCOUNT, (), {"remainder": (0,)}, rules=(EVEN,)))


class OnlyEven(Invariant):
    """No odd order is sent, unless a person changed the limit."""

    id = "U-01"
    says = "every order has an even quantity"
    after = (OrderSubmitted,)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)

    def take(self, seq: int, event: OrderSubmitted) -> None:
        """Look at an order."""
        changed = any(limit.rule == "U-01" and limit.version > 1 for limit in self.facts.limits)
        self.must(changed or event.order_qty % 2 == 0, f"order {event.cl_ord_id} has the odd quantity {event.order_qty}")


def test_given_when_then_sees_what_followed() -> None:
    """Given a buyer and a limit, when ticks come, then what passes is sent, what does not is denied with its reason, and all is proven."""
    world = given(Buyer(), limits=bounds(max_order_qty=10)).when(trades(10_000, qty=10)).then(OrderSubmitted, order_qty=10).then_never(OrderDenied)
    world.when(fill(world.sent[0], T0 + 2 * SECOND, 10_000)).then(OrderFilled)
    world.when(trades(10_000, qty=11, start=3)).then(OrderDenied, reason="MAX_ORDER_QTY").then_never(OrderSubmitted)
    world.when(command("halt", T0 + 9 * SECOND)).then(TradingHalted).then_proven()


def test_then_says_what_happened_instead() -> None:
    """Given an order that is sent, when a denial is expected, then the failure names what happened."""
    world = given(Buyer()).when(trades(10_000, qty=1))
    with pytest.raises(AssertionError, match=r"no OrderDenied happened; there were .*OrderSubmitted"):
        world.then(OrderDenied)


def test_a_rule_of_ones_own_is_asked_like_a_built_in_one() -> None:
    """Given a rule of one's own, when an odd order comes, then it is denied with the rule's code; an even one passes."""
    world = given(Buyer(), limits=EVENS, rules=(EVEN,))
    world.when(trades(10_000, qty=3)).then(OrderDenied, reason="ODD")
    world.when(trades(10_000, qty=4, start=2)).then(OrderSubmitted, order_qty=4).then_proven()


def test_a_rule_of_ones_own_is_proven_with_an_invariant_of_ones_own() -> None:
    """Given a rule and what it must guarantee, when proven, then nothing is found; without its limit a story tells what breaks."""
    bound = session(opening(limits=EVENS), lambda: [Buyer()], rules=(EVEN,))
    assert assert_proven(bound, steps=1_500, invariants=(OnlyEven,)).tested["U-01"] > 0
    free = session(opening(), lambda: [Buyer()], rules=(EVEN,))
    found = prove(free, steps=1_500, invariants=(OnlyEven,)).found
    assert found is not None
    assert "odd quantity" in found.sentence
    with pytest.raises(AssertionError, match="U-01 is broken"):
        assert_proven(free, steps=1_500, invariants=(OnlyEven,))
