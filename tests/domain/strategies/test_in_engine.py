"""The built-in strategies in the real engine: together in one session, and however the tables are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderSubmitted, QuoteUpdated, TradePrinted
from domain.strategies import BuyAndHold, Maker, Momentum, SmaCross, Vwap
from domain.strategy import Strategy
from domain.terms import TickKind
from domain.ticks import INSTRUMENT, RECV_NS, of_events
from tests.domain.harness import T0, World
from tests.domain.strategies.fake import walk


class FirstOnly(Vwap):
    """The harness subscribes every strategy to both instruments; a VWAP works one."""

    def on_start(self, ctx: Context) -> None:
        ctx.instruments = (0,)
        super().on_start(ctx)

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        if tick.instrument == 0:
            super().on_tick(ctx, tick)


def everything() -> list[Strategy]:
    return [
        SmaCross(fast=3, slow=8, side="both"),
        Momentum(lookback=4, threshold_ticks=3, hold=5),
        Maker(reference="last"),
        FirstOnly(qty=40, end_ns=T0 + 10**12, participation_bps=1_000),
        BuyAndHold(fraction_bps=10),
    ]


@given(seed=st.integers(0, 1 << 32), n=st.integers(1, 300), pieces=st.sampled_from([1, 7, 64, 150]))
def test_a_session_of_all_of_them_records_the_same_however_it_is_cut(seed: int, n: int, pieces: int) -> None:
    ticks = of_events(walk(seed, n, [TickKind.TRADE, TickKind.TRADE, TickKind.QUOTE, TickKind.BAR], 2))
    ticks.cols[RECV_NS] += T0 + 1
    assert World(*everything()).tick(ticks, pieces=pieces).events == World(*everything()).tick(ticks).events


@pytest.mark.parametrize("strategy", everything(), ids=lambda s: type(s).__name__)
def test_each_of_them_sends_orders(strategy: Strategy) -> None:
    ticks = of_events(walk(5, 400, [TickKind.TRADE], 1))
    ticks.cols[RECV_NS] += T0 + 1
    ticks.cols[INSTRUMENT] = 0
    assert World(strategy).tick(ticks).of(OrderSubmitted)
