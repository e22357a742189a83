"""Position sizing: tables by hand, a property against naive fractions, and what the desk makes of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import (
    Balance,
    ExternalTradeObserved,
    GroupClosed,
    Leg,
    OrderApproved,
    OrderDenied,
    OrderSized,
    OrderSubmitted,
    SignalRaised,
    Sizing,
    StrategySpec,
    TradePrinted,
)
from domain.instrument import Instrument, instrument
from domain.replay import Replay
from domain.sizing import HONOURED, REFUSED, SCALED, size
from domain.strategy import Strategy
from domain.terms import Side
from tests.domain.grouped import Grouped
from tests.domain.harness import X, trades

LOTS = instrument("L", price_digits=2, lot_size="10")
FUTURE = instrument("F", price_digits=2, multiplier="50")
INVERSE = instrument("XBT", quote="USD", base="BTC", inverse=True, price_digits=1, qty_digits=0)
MILLION = 100_000_000
FREE = Sizing(margin_bps=0)


@pytest.mark.parametrize(
    ("policy", "spec", "side", "asked", "px", "protect_px", "equity", "held", "qty", "verdict", "word"),
    [
        # 1 % of 1,000,000.00 is 10,000.00; 5.00 are at risk per unit: 2,000.
        (Sizing(100, 0, 0), X, Side.BUY, 2_000, 10_000, 9_500, MILLION, 0, 2_000, HONOURED, "risk_bps allows 2000"),
        (Sizing(100, 0, 0), X, Side.BUY, 2_001, 10_000, 9_500, MILLION, 0, 2_000, SCALED, "risk_bps allows 2000"),
        (Sizing(100, 0, 0), X, Side.BUY, 0, 10_000, 9_500, MILLION, 0, 2_000, SCALED, "risk_bps"),
        (Sizing(100, 0, 0), X, Side.SELL, 0, 10_000, 10_500, MILLION, 0, 2_000, SCALED, "risk_bps"),
        (Sizing(100, 0, 0, 0, "refuse"), X, Side.BUY, 2_001, 10_000, 9_500, MILLION, 0, 0, REFUSED, "risk_bps allows 2000"),
        (Sizing(100, 0, 0, 0, "refuse"), X, Side.BUY, 2_000, 10_000, 9_500, MILLION, 0, 2_000, HONOURED, "risk_bps"),
        (Sizing(100, 0, 0, 0, "refuse"), X, Side.BUY, 0, 10_000, 9_500, MILLION, 0, 2_000, SCALED, "risk_bps"),
        # A multiplier of 50 makes 250.00 of it: 40.
        (Sizing(100, 0, 0), FUTURE, Side.BUY, 0, 10_000, 9_500, MILLION, 0, 40, SCALED, "risk_bps"),
        # Whole lots only, rounded down; less than one is none.
        (Sizing(100, 0, 0), LOTS, Side.BUY, 0, 10_000, 9_301, MILLION, 0, 1_430, SCALED, "risk_bps allows 1430"),
        (Sizing(100, 0, 0), LOTS, Side.BUY, 50, 10_000, 9_000, 1_000_000, 0, 10, SCALED, "risk_bps allows 10"),
        (Sizing(100, 0, 0), LOTS, Side.BUY, 50, 10_000, 8_999, 1_000_000, 0, 0, REFUSED, "risk_bps allows 9, less than one lot"),
        # Leverage 2.00 of 10,000.00 is 20,000.00: 200 units at 100.00, less what is held.
        (Sizing(0, 200, 0), X, Side.BUY, 0, 10_000, 0, 1_000_000, 0, 200, SCALED, "leverage allows 200"),
        (Sizing(0, 200, 0), X, Side.BUY, 0, 10_000, 0, 1_000_000, 150, 50, SCALED, "leverage allows 50"),
        (Sizing(0, 200, 0), X, Side.BUY, 0, 10_000, 0, 1_000_000, -30, 230, SCALED, "leverage allows 230"),
        (Sizing(0, 200, 0), X, Side.BUY, 1, 10_000, 0, 1_000_000, 200, 0, REFUSED, "leverage allows 0"),
        (Sizing(0, 200, 0), X, Side.BUY, 1, 10_000, 0, 1_000_000, 250, 0, REFUSED, "leverage allows 0"),
        # A margin of 25 % lets 10,000.00 carry 40,000.00.
        (Sizing(0, 0, 2_500), X, Side.BUY, 400, 10_000, 0, 1_000_000, 0, 400, HONOURED, "margin_bps"),
        (Sizing(0, 0, 2_500), X, Side.BUY, 401, 10_000, 0, 1_000_000, 0, 400, SCALED, "margin_bps"),
        # The tightest of several bounds.
        (Sizing(100, 200, 10_000, 30), X, Side.BUY, 0, 10_000, 9_500, 1_000_000, 0, 20, SCALED, "risk_bps"),
        (Sizing(1_000, 200, 10_000, 30), X, Side.BUY, 0, 10_000, 9_500, 1_000_000, 0, 30, SCALED, "max_qty"),
        (Sizing(1_000, 200, 10_000, 300), X, Side.BUY, 0, 10_000, 9_500, 1_000_000, 0, 100, SCALED, "margin_bps"),
        # max_qty alone asks for no price and no equity.
        (Sizing(0, 0, 0, 7), X, Side.BUY, 9, 0, 0, None, 0, 7, SCALED, "max_qty"),
        (FREE, X, Side.BUY, 9, 0, 0, None, 0, 9, HONOURED, "no bound"),
        (FREE, X, Side.BUY, 0, 0, 0, None, 0, 0, REFUSED, "no bound"),
        (FREE, X, Side.BUY, -1, 0, 0, None, 0, 0, REFUSED, "not negative"),
        # An inverse contract of 1 USD: 1 % of 1 BTC over 1/9,000 - 1/10,000 BTC a unit is 900.
        (Sizing(100, 0, 0), INVERSE, Side.BUY, 0, 100_000, 90_000, 10**8, 0, 900, SCALED, "risk_bps"),
        (Sizing(0, 100, 0), INVERSE, Side.BUY, 0, 100_000, 0, 10**8, 0, 10_000, SCALED, "leverage"),
        (Sizing(0, 1, 0), X, Side.BUY, 0, 1, 0, 10**40, 0, 2**62 - 1, SCALED, "what an order can hold"),
        # What is missing.
        (Sizing(100), X, Side.BUY, 1, 10_000, 9_500, None, 0, 0, REFUSED, "equity is unknown"),
        (Sizing(100), X, Side.BUY, 1, 10_000, 9_500, 0, 0, 0, REFUSED, "no equity"),
        (Sizing(100), X, Side.BUY, 1, 10_000, 9_500, -5, 0, 0, REFUSED, "no equity"),
        (Sizing(100), X, Side.BUY, 1, 0, 9_500, MILLION, 0, 0, REFUSED, "no price"),
        (Sizing(100), X, Side.BUY, 1, 10_000, 0, MILLION, 0, 0, REFUSED, "there is no stop"),
        (Sizing(100), X, Side.BUY, 1, 10_000, 10_000, MILLION, 0, 0, REFUSED, "losing side"),
        (Sizing(100), X, Side.BUY, 1, 10_000, 10_001, MILLION, 0, 0, REFUSED, "losing side"),
        (Sizing(100), X, Side.SELL, 1, 10_000, 9_999, MILLION, 0, 0, REFUSED, "losing side"),
    ],
)  # fmt: skip
def test_what_a_policy_allows(
    policy: Sizing,
    spec: Instrument,
    side: Side,
    asked: int,
    px: int,
    protect_px: int,
    equity: int | None,
    held: int,
    qty: int,
    verdict: str,
    word: str,
) -> None:
    """Given a policy, an account and a hint, then the quantity, the verdict and the reason are those worked out by hand."""
    found = size(policy, spec, side, asked, px, protect_px, equity, held)
    assert (found.qty, found.verdict) == (qty, verdict)
    assert word in found.reason


def test_the_numbers_say_what_the_quantity_means() -> None:
    """Given 1,000 units at 100.00 with a stop at 95.00 and 200 held, then 5,000.00 are at risk and half of 120,000.00 is margin."""
    found = size(Sizing(100, 0, 5_000), X, Side.BUY, 1_000, 10_000, 9_500, MILLION, 200)
    assert (found.qty, found.px, found.equity_amt, found.risk_amt, found.margin_amt) == (1_000, 10_000, MILLION, 500_000, 6_000_000)


AMOUNTS = st.integers(1, 10**10)
PRICES = st.integers(1, 200_000)


@given(
    policy=st.builds(Sizing, st.integers(0, 500), st.integers(0, 1_000), st.integers(0, 10_000), st.integers(0, 5_000), st.sampled_from(["scale", "refuse"])),
    spec=st.sampled_from([X, LOTS, FUTURE, INVERSE]), side=st.sampled_from([Side.BUY, Side.SELL]), asked=st.integers(0, 10_000), px=PRICES,
    protect_px=PRICES, equity=AMOUNTS, held=st.integers(-500, 5_000),
)  # fmt: skip
def test_no_more_and_no_less_than_fractions_allow(
    policy: Sizing, spec: Instrument, side: Side, asked: int, px: int, protect_px: int, equity: int, held: int
) -> None:
    """Given any policy and account, then what is allowed breaks no bound in exact fractions, and one lot more would break one."""
    assume(not policy.risk_bps or side * (px - protect_px) > 0)
    found = size(policy, spec, side, asked, px, protect_px, equity, held)
    factor = Fraction(spec.factor)

    def allowed(qty: int) -> bool:
        opens = qty + min(held, 0)
        worth = abs(factor * (held + qty) / px if spec.inverse else factor * (held + qty) * px) if held + qty > 0 else Fraction(0)
        away = abs(Fraction(1, protect_px) - Fraction(1, px)) if spec.inverse else Fraction(abs(px - protect_px))
        risk = factor * opens * away if opens > 0 and policy.risk_bps else Fraction(0)
        return (
            (not policy.max_qty or qty <= policy.max_qty)
            and risk <= Fraction(equity * policy.risk_bps, 10_000) * bool(policy.risk_bps)
            and (not policy.leverage or worth <= Fraction(equity * policy.leverage, 100))
            and (not policy.margin_bps or worth * policy.margin_bps <= equity * 10_000)
        )

    bounded = bool(policy.risk_bps or policy.leverage or policy.margin_bps or policy.max_qty)
    lot = spec.lot_qty
    match found.verdict:
        case "honoured":
            assert found.qty == asked > 0
            assert not bounded or allowed(asked)
        case "scaled":
            assert bounded
            assert not asked or (policy.on_excess == "scale" and not allowed(asked))
            assert found.qty > 0
            assert not found.qty % lot
            assert allowed(found.qty)
            assert not allowed(found.qty + lot)
        case _:
            assert found.qty == 0
            if not bounded:
                assert not asked
            elif asked and policy.on_excess == "refuse":
                assert not allowed(asked)
            else:
                assert not allowed(lot)


class Wisher(Strategy):
    """Buys 300 units with a stop 5.00 below, at each trade."""

    def on_tick(self, ctx: Context, tick: TradePrinted) -> None:  # type: ignore[override]
        ctx.buy(tick.instrument, 300, protect_px=tick.px - 500, reason="wish")


def sized(policy: Sizing | None, strategy: Strategy | None = None, **opened: Any) -> Grouped:
    """A world whose strategy has a policy and an account of 10,000.00."""
    spec = StrategySpec("s0", "", "", "", "{}", (0, 1), sizing=policy)
    return Grouped(strategy or Strategy(), strategies=(spec,), balances=(Balance("USD", 1_000_000, 2),), **opened)


def test_the_gates_and_the_venue_see_the_sized_quantity() -> None:
    """Given 1 % of 10,000.00 and a stop 5.00 away, when 300 are asked for, then 20 are sent, and causes lead from the approval over the sizing to the signal."""
    w = sized(Sizing(100), Wisher())
    event = w.of(OrderSized)[0]
    by_seq = dict(w.events)
    assert (event.asked_qty, event.qty, event.verdict, event.protect_px, event.risk_amt) == (300, 20, SCALED, 9_500, 10_000)
    assert isinstance(by_seq[event.cause], SignalRaised)
    assert by_seq[w.of(OrderApproved)[0].cause] is event
    order = w.of(OrderSubmitted)[0]
    assert (order.order_qty, order.cl_ord_id) == (20, event.cl_ord_id)


def test_a_refused_order_has_an_id_and_nothing_else() -> None:
    """Given a policy that refuses, when too much is asked for, then no gate is asked, nothing is sent, and the id that is told finds no order."""
    w = sized(Sizing(100, on_excess="refuse"))
    cl_ord_id = w.ctx.buy(0, 300, protect_px=9_500)
    assert (w.of(OrderSized)[0].cl_ord_id, w.of(OrderSized)[0].verdict) == (cl_ord_id, REFUSED)
    assert w.engine.desk.state.orders.find(cl_ord_id) is None
    assert w.of(OrderApproved, OrderDenied, OrderSubmitted) == []
    assert w.ctx.buy(0, 10, protect_px=9_500) != cl_ord_id
    assert len(w.of(OrderSubmitted)) == 1


def test_without_a_policy_nothing_is_sized() -> None:
    """Given a strategy without a policy, when it orders, then the quantity is as asked and no sizing is recorded."""
    w = sized(None, Wisher())
    assert (w.of(OrderSized), [o.order_qty for o in w.of(OrderSubmitted)]) == ([], [300])


def test_a_person_s_order_is_not_sized() -> None:
    """Given a strategy with a policy, when a person orders by hand, then the quantity is as asked."""
    w = sized(Sizing(100)).command("order", '{"symbol": "X", "side": "buy", "qty": 300}')
    assert (w.of(OrderSized), [o.order_qty for o in w.of(OrderSubmitted)]) == ([], [300])


@pytest.mark.parametrize(("side", "qty", "reduce_only", "sized_as"), [(Side.SELL, 20, False, None), (Side.SELL, 500, True, None), (Side.SELL, 21, False, 21), (Side.SELL, 99, False, 40)])  # fmt: skip
def test_what_reduces_is_never_sized(side: Side, qty: int, reduce_only: bool, sized_as: int | None) -> None:
    """Given a position of 20, when it is sold or more is sold, then up to 20 and all that is reduce-only stay as asked, and only what opens is bounded."""
    w = sized(Sizing(100))
    w.ctx.buy(0, 20, protect_px=9_500)
    w.fill(w.sent[0], 10_000)
    w.ctx.sell(0, qty, reduce_only=reduce_only, protect_px=10_500)
    events = w.of(OrderSized)[1:]
    assert [e.qty for e in events] == ([] if sized_as is None else [sized_as])
    assert w.of(SignalRaised)[-1].qty == qty


def test_what_works_counts_as_held() -> None:
    """Given a margin for 100 units and 60 that work, when 60 more are wanted, then 40 are sent; what works on the other side does not count."""
    w = sized(Sizing())
    w.ctx.buy(0, 60)
    w.ctx.sell(0, 10, limit_px=10_000)
    w.ctx.buy(0, 60)
    assert [o.order_qty for o in w.of(OrderSubmitted)] == [60, 10, 40]


def test_a_bracket_is_sized_by_its_stop_and_its_legs_follow() -> None:
    """Given 1 % at risk, when a bracket asks for as much as is allowed, then its stop says how much that is, and its legs are not sized."""
    w = sized(Sizing(100))
    w.ctx.bracket(0, Side.BUY, 0, stop_px=9_500, target_px=11_000)
    w.answer().trade("entry", 20).answer()
    assert (w.works, len(w.of(OrderSized))) == ({"stop": 20, "target": 20}, 1)


def test_an_exit_beside_a_bracket_is_not_sized() -> None:
    """Given a position of 30 of which a bracket protects 20 twice, when the other 10 are sold, then that reduces, and is not sized; 11 are."""
    w = sized(Sizing(0, 0, 10_000))
    w.ctx.buy(0, 10)
    w.fill(w.sent[0], 10_000)
    w.ctx.bracket(0, Side.BUY, 20, stop_px=9_500, target_px=11_000)
    w.answer().trade("entry", 20).answer()
    n = len(w.of(OrderSized))
    w.ctx.sell(0, 10, limit_px=10_500)
    assert len(w.of(OrderSized)) == n
    w.ctx.sell(0, 1, limit_px=10_500)
    assert len(w.of(OrderSized)) == n + 1


def test_a_bracket_whose_entry_is_refused_is_closed_with_the_reason() -> None:
    """Given a policy that allows less than a lot, when a bracket is opened, then it is closed at once and says why."""
    w = sized(Sizing(1))
    w.ctx.bracket(0, Side.BUY, 5, stop_px=9_000, target_px=11_000)
    assert w.of(GroupClosed)[0].reason == "the entry was refused: risk_bps allows 0, less than one lot"


def test_an_oco_of_sized_orders_is_done_when_one_is_filled() -> None:
    """Given alternatives that were scaled from 300 to 100, when one is filled whole, then it is done and not sent again for the rest of the hint."""
    w = sized(Sizing())
    w.ctx.oco(0, Leg(Side.BUY, 300, limit_px=10_000), Leg(Side.SELL, 300, limit_px=10_100))
    w.answer()
    assert w.order("leg 1").order_qty == 100
    w.trade("leg 1", 100).answer()
    assert (w.works, w.closings) == ({}, [(1, 0, "leg 1 traded")])


def test_a_position_without_a_price_leaves_the_equity_unknown() -> None:
    """Given a position in Y that never had a price, when X is ordered, then the order is refused, because the equity is unknown."""
    w = sized(Sizing(100))
    w.step(ExternalTradeObserved(w.now, 0, 1, w.now, "t", Side.BUY, 5_000, 10, ""))
    w.ctx.buy(0, 10, protect_px=9_500)
    assert w.of(OrderSized)[0].reason == "the equity is unknown: a position has no price"


def test_a_sized_session_is_re_enacted_byte_for_byte() -> None:
    """Given a strategy with a policy, when its inputs are played again, then the same sizes are reached."""
    w = sized(Sizing(100), Wisher())
    w.fill(w.sent[0], 10_000)
    w.tick(trades(9_900, start=3))
    assert len(w.of(OrderSized)) == 2
    assert sum(1 for _ in Replay("test", lambda _: [Wisher()]).follow([w.record()])) == 1
