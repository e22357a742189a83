"""Momentum, the VWAP algorithm, the market maker and buy-and-hold, each by what it asks for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import StrategyError
from domain.events import BarClosed, QuoteUpdated
from domain.instrument import instrument
from domain.strategies import BuyAndHold, Maker, Momentum, Vwap
from domain.strategy import Strategy
from tests.domain.strategies.fake import ANSWER, FILL, FakeContext, drive_plain, tell, trades


def orders(ctx: FakeContext) -> list[tuple[Any, ...]]:
    """(now, side, quantity, limit price) of every order asked for."""
    return [(i[0], i[1], i[3], i[4]) for i in ctx.intents if i[1] in ("BUY", "SELL")]


def quote(ctx: FakeContext, strategy: Strategy, ns: int, bid: int, ask: int, *, bid_qty: int = 9, ask_qty: int = 9) -> None:
    tick = QuoteUpdated(ns, 0, ns, 0, bid, bid_qty, ask, ask_qty)
    ctx.consume(tick)
    tell(strategy, ctx, tick)


@pytest.mark.parametrize(
    ("side", "prices", "expected"),
    [
        ("long", [10, 10, 12, 12, 12, 12], [(3, "BUY", 3, 0), (6, "SELL", 3, 0)]),
        ("long", [10, 10, 11, 11], []),
        ("long", [10, 10, 8, 8, 8, 8], []),
        ("both", [10, 10, 8, 8, 8, 8], [(3, "SELL", 3, 0), (6, "BUY", 3, 0)]),
        ("long", [10, 10, 12, 14, 16, 18, 20], [(3, "BUY", 3, 0), (6, "SELL", 3, 0), (7, "BUY", 3, 0)]),
    ],
)
def test_momentum_enters_on_the_move_and_leaves_after_the_holding_time(side: Any, prices: list[int], expected: list[Any]) -> None:
    ctx = FakeContext((0,))
    drive_plain(Momentum(lookback=2, threshold_ticks=2, hold=3, qty=3, side=side), ctx, trades(*prices), {})
    assert orders(ctx) == expected


def test_momentum_counts_its_threshold_in_ticks_of_the_instrument() -> None:
    ctx = FakeContext((0,), [instrument("W", tick_size="0.05")])
    drive_plain(Momentum(lookback=1, threshold_ticks=2, hold=9), ctx, trades(100, 109, 119), {})
    assert orders(ctx) == [(3, "BUY", 1, 0)]


BASE = 1_000


def work(vwap: Vwap, ctx: FakeContext, *, fills: list[int], ticks_px: int = 100) -> None:
    """A session around a VWAP: a trade before each timer, every child filled up to the next of `fills` (then not at all) and ended."""
    left = iter(fills)
    ctx.now_ns = BASE
    vwap.on_start(ctx)  # type: ignore[arg-type]
    for _ in range(200):
        for tick in trades(ticks_px, qty=10):
            ctx.lasts[0] = ticks_px
            tell(vwap, ctx, tick)
        for order in ctx.open_orders():
            part = min(order.leaves_qty, next(left, 0) if order.limit_px else order.leaves_qty)
            if part:
                ctx.fill(vwap, order, part)
            if order.worst_leaves:
                ctx.end(order)
        if not ctx.timers:
            return
        ctx.due(vwap, min(ctx.timers.values()))


def test_vwap_follows_its_profile_with_immediate_or_cancel_children_beyond_the_price() -> None:
    ctx = FakeContext((0,))
    work(Vwap(qty=100, end_ns=BASE + 400, profile=(1, 2, 3, 4)), ctx, fills=[100] * 9)
    assert orders(ctx) == [(BASE, "BUY", 10, 101), (BASE + 100, "BUY", 20, 101), (BASE + 200, "BUY", 30, 101), (BASE + 300, "BUY", 40, 101)]
    assert {i[5] for i in ctx.intents if i[1] == "BUY"} == {"IOC"}
    assert ctx.positions[0] == 100


def test_vwap_carries_over_what_a_slice_did_not_get_and_sweeps_the_rest_at_market() -> None:
    ctx = FakeContext((0,))
    work(Vwap(qty=100, end_ns=BASE + 400, side="sell", profile=(1, 1, 1, 1)), ctx, fills=[5, 0, 30, 0])
    assert orders(ctx) == [
        (BASE, "SELL", 25, 99), (BASE + 100, "SELL", 45, 99), (BASE + 200, "SELL", 70, 99), (BASE + 300, "SELL", 65, 99), (BASE + 400, "SELL", 65, 0),
    ]  # fmt: skip
    assert ctx.positions[0] == -100


@given(
    qty=st.integers(1, 500),
    profile=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any).map(tuple),
    fills=st.lists(st.integers(0, 60), max_size=10),
    side=st.sampled_from(["buy", "sell"]),
    participation_bps=st.sampled_from([0, 500, 5_000]),
)
def test_vwap_ends_with_exactly_the_parent_quantity(qty: int, profile: tuple[int, ...], fills: list[int], side: Any, participation_bps: int) -> None:
    ctx = FakeContext((0,))
    work(Vwap(qty=qty, end_ns=BASE + 700, side=side, profile=profile, participation_bps=participation_bps), ctx, fills=fills)
    assert ctx.positions[0] == (qty if side == "buy" else -qty)
    assert not ctx.timers


def test_vwap_takes_its_share_of_the_traded_volume() -> None:
    ctx = FakeContext((0,))
    vwap = Vwap(qty=30, end_ns=9_999, participation_bps=1_000, child_qty=5)
    vwap.on_start(ctx)  # type: ignore[arg-type]
    for order in range(1, 7):
        drive_plain(vwap, ctx, trades(*[100] * 4, qty=10), {})
        assert not ctx.open_orders()
        drive_plain(vwap, ctx, trades(100, qty=10), {})
        assert [o.leaves_qty for o in ctx.open_orders()] == [5]
        ctx.world(vwap, FILL)
        assert ctx.positions[0] == 5 * order
    drive_plain(vwap, ctx, trades(*[100] * 20, qty=10), {})
    assert ctx.positions[0] == 30
    assert not ctx.open_orders()


def test_vwap_never_asks_for_more_than_the_parent_however_much_is_traded() -> None:
    ctx = FakeContext((0,))
    vwap = Vwap(qty=30, end_ns=9_999, participation_bps=1_000)
    vwap.on_start(ctx)  # type: ignore[arg-type]
    drive_plain(vwap, ctx, trades(100, 100, qty=1_000_000), {})
    assert [i[3] for i in ctx.intents if i[1] == "BUY"] == [30]


def test_vwap_gives_up_after_its_sweeps_and_says_what_is_missing() -> None:
    ctx = FakeContext((0,))
    ctx.deny = True
    work(Vwap(qty=8, end_ns=BASE + 10, profile=(1,), sweeps=2), ctx, fills=[])
    assert orders(ctx)[-2:] == [(BASE + 10, "BUY", 8, 0), (BASE + 20, "BUY", 8, 0)]
    assert ctx.intents[-1][1:] == ("hold", 0, "gave up after 2 sweeps with 8 missing")
    assert not ctx.timers


@pytest.mark.parametrize(
    ("vwap", "instruments", "sentence"),
    [
        (Vwap(qty=10, end_ns=99), (0, 1), "works one instrument"),
        (Vwap(qty=15, end_ns=99), (0,), "no multiple of the lot"),
        (Vwap(qty=10, end_ns=5), (0,), "not after the session's opening"),
    ],
)
def test_vwap_refuses_a_parent_order_that_cannot_be_worked(vwap: Vwap, instruments: tuple[int, ...], sentence: str) -> None:
    spec = instrument("LOTS", lot_size="10")
    ctx = FakeContext(instruments, [spec, spec])
    ctx.now_ns = 10
    with pytest.raises(StrategyError, match=sentence):
        vwap.on_start(ctx)  # type: ignore[arg-type]


def test_a_maker_quotes_both_sides_and_follows_the_middle() -> None:
    ctx = FakeContext((0,))
    maker = Maker(size=2, half_spread_ticks=3, requote_ticks=2)
    quote(ctx, maker, 1, 99, 101)
    assert orders(ctx) == [(1, "BUY", 2, 97), (1, "SELL", 2, 103)]
    quote(ctx, maker, 2, 100, 102)
    assert len(ctx.intents) == 2
    quote(ctx, maker, 3, 101, 103)
    assert [i[1:] for i in ctx.intents[2:]] == [("replace", "t-1", 2, 99, "quote moved"), ("replace", "t-2", 2, 105, "quote moved")]
    ctx.world(maker, ANSWER)
    assert sorted(o.limit_px for o in ctx.open_orders()) == [99, 105]


def test_a_maker_tries_again_with_the_next_price_when_a_request_had_no_answer_yet() -> None:
    ctx = FakeContext((0,))
    maker = Maker(half_spread_ticks=3, requote_ticks=2)
    quote(ctx, maker, 1, 99, 101)
    quote(ctx, maker, 2, 101, 103)
    quote(ctx, maker, 3, 105, 107)
    assert len(ctx.intents) == 4
    ctx.world(maker, ANSWER)
    quote(ctx, maker, 4, 105, 107)
    assert [i[4] for i in ctx.intents[4:]] == [103, 109]


def test_a_maker_leans_against_its_inventory_and_stops_at_the_limit() -> None:
    ctx = FakeContext((0,))
    maker = Maker(size=2, half_spread_ticks=3, max_inventory=4, skew_ticks=2)
    quote(ctx, maker, 1, 99, 101)
    ctx.world(maker, FILL)
    assert ctx.positions[0] == 2
    assert {(o.side.name, o.leaves_qty) for o in ctx.open_orders()} == {("BUY", 2), ("SELL", 2)}
    assert [o.limit_px for o in ctx.open_orders() if o.side > 0] == [96]
    ctx.world(maker, ANSWER)
    assert [o.limit_px for o in ctx.open_orders() if o.side < 0] == [102]
    ctx.fill(maker, next(o for o in ctx.open_orders() if o.side > 0), 2)
    assert ctx.positions[0] == 4
    assert not [o for o in ctx.open_orders() if o.side > 0]


def test_a_maker_never_crosses_the_best_prices() -> None:
    ctx = FakeContext((0,))
    maker = Maker(size=1, half_spread_ticks=1, max_inventory=10, skew_ticks=9)
    ctx.positions[0] = -10
    quote(ctx, maker, 1, 99, 101)
    assert orders(ctx) == [(1, "BUY", 1, 100)]


def test_a_maker_brings_back_lost_quotes_when_its_timer_comes() -> None:
    ctx = FakeContext((0,))
    maker = Maker(refresh_ns=50)
    maker.on_start(ctx)  # type: ignore[arg-type]
    quote(ctx, maker, 1, 99, 101)
    ctx.end(ctx.open_orders()[0])
    assert len(ctx.open_orders()) == 1
    ctx.due(maker, 50)
    assert len(ctx.open_orders()) == 2
    assert ctx.timers == {"refresh": 100}


@given(
    st.lists(st.tuples(st.integers(-4, 4), st.sampled_from(["", ANSWER, FILL, "nibble", "lose"])), max_size=60), st.integers(1, 5), st.integers(1, 7)
)
def test_a_maker_never_holds_more_than_its_limit_when_the_venue_answers_promptly(moves: list[tuple[int, str]], size: int, most: int) -> None:
    ctx = FakeContext((0,))
    maker = Maker(size=size, max_inventory=most, reference="last")
    px = 1_000
    for ns, (step, action) in enumerate(moves, start=1):
        px += step
        for tick in trades(px):
            ctx.lasts[0] = px
            tell(maker, ctx, tick)
        ctx.world(maker, ANSWER)
        if action:
            ctx.world(maker, action)
        ctx.world(maker, ANSWER)
        assert abs(ctx.positions[0]) <= most, f"at {ns}"


SPY = instrument("SPY", price_digits=9)


def test_buy_and_hold_reaches_the_published_number_of_shares() -> None:
    px = int(Decimal("167.45") * Decimal("0.8646266") * 10**9)
    ctx = FakeContext((0,), [SPY], equity=100_000 * 10**SPY.amt_digits)
    drive_plain(BuyAndHold(fraction_bps=9_975), ctx, [BarClosed(60, 0, 60, 0, px, px, px, px, 1_000, 60), *trades(px)], {})
    assert orders(ctx) == [(60, "BUY", 688, 0)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({}, 10), ({"fraction_bps": 5_000}, 5), ({"fee_reserve_amt": 1}, 9), ({"fraction_bps": 20_000}, 20)],
)
def test_buy_and_hold_buys_whole_lots_within_its_budget(arguments: dict[str, Any], expected: int) -> None:
    ctx = FakeContext((0,), equity=1_000)
    drive_plain(BuyAndHold(**arguments), ctx, trades(100, 100), {})
    assert orders(ctx) == [(1, "BUY", expected, 0)]


def test_buy_and_hold_shares_the_equity_among_its_instruments() -> None:
    ctx = FakeContext((0, 1), equity=1_000)
    drive_plain(BuyAndHold(), ctx, [*trades(100), *trades(50, instrument=1)], {})
    assert [i[2:4] for i in ctx.intents] == [(0, 5), (1, 10)]


def test_buy_and_hold_says_so_when_the_budget_buys_nothing() -> None:
    ctx = FakeContext((0,), equity=99)
    drive_plain(BuyAndHold(), ctx, trades(100, 1), {})
    assert [i[1:] for i in ctx.intents] == [("hold", 0, "the budget of 0.99 USD buys no lot")]


def test_buy_and_hold_pays_the_ask_and_waits_for_one() -> None:
    ctx = FakeContext((0,), equity=1_000)
    strategy = BuyAndHold(source="quote")
    drive_plain(strategy, ctx, trades(1), {})
    quote(ctx, strategy, 1, 49, 50, ask_qty=0)
    assert ctx.intents == []
    quote(ctx, strategy, 2, 49, 50)
    assert orders(ctx) == [(2, "BUY", 20, 0)]


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (Momentum, {"lookback": 0}), (Momentum, {"hold": 0}), (Momentum, {"threshold_ticks": 0}), (Momentum, {"side": "up"}),
        (Maker, {"size": 0}), (Maker, {"skew_ticks": -1}), (Maker, {"reference": "open"}), (Maker, {"max_inventory": 0}),
        (Vwap, {"qty": 0, "end_ns": 9}), (Vwap, {"qty": 1, "end_ns": 0}), (Vwap, {"qty": 1, "end_ns": 9, "profile": ()}),
        (Vwap, {"qty": 1, "end_ns": 9, "profile": (0, 0)}), (Vwap, {"qty": 1, "end_ns": 9, "side": "long"}),
        (Vwap, {"qty": 1, "end_ns": 9, "participation_bps": 10_001}),
        (BuyAndHold, {"fraction_bps": 0}), (BuyAndHold, {"fee_reserve_amt": -1}), (BuyAndHold, {"source": "book"}),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(cls: type[Strategy], arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        cls(**arguments)
