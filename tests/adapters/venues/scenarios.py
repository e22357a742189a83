"""Random scenarios: few prices and close times, so that orders and ticks meet often."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from adapters.venues.settings import Resting, Size, Slippage, VenueSettings
from domain.events import BarClosed, QuoteUpdated, TradePrinted
from domain.instrument import instrument
from domain.terms import OrderType, Side, TickKind, TimeInForce
from tests.adapters.venues.drive import Scenario, cancel, order, replace

TWO = (instrument("SHARE"), instrument("COIN", price_digits=1, qty_digits=1, tick_size="0.2", lot_size="0.5", amt_digits=4))
PX = st.integers(90, 110)
EVEN = PX.map(lambda p: p - p % 2)
TIFS = st.sampled_from([*TimeInForce, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC])
KINDS = st.sampled_from(
    [(k,) for k in TickKind] + [(TickKind.TRADE, TickKind.QUOTE), (TickKind.TRADE, TickKind.BAR), tuple(TickKind)]
)  # fmt: skip

SETTINGS = st.builds(
    VenueSettings,
    latency_out_ns=st.sampled_from([0, 0, 1, 3]),
    latency_back_ns=st.sampled_from([0, 0, 2]),
    jitter_out_ns=st.sampled_from([0, 0, 3]),
    jitter_back_ns=st.sampled_from([0, 0, 3]),
    liquidity=st.sampled_from(Size),
    resting=st.sampled_from(Resting),
    maker_ppm=st.sampled_from([0, -100, 20_000]),
    taker_ppm=st.sampled_from([0, 33_333]),
    fee_per_unit=st.sampled_from([0, 5_000_000]),
    fee_min=st.sampled_from([0, 1_000_000_001]),
    slippage=st.sampled_from(Slippage),
    slippage_ticks=st.integers(0, 3),
)


@st.composite
def ticks(draw: st.DrawFn, most: int, kinds: tuple[TickKind, ...], instruments: int) -> list[Any]:
    """A market that mostly moves by a tick and sometimes jumps."""
    now, px, out = 10, 100, []
    for _ in range(draw(st.integers(min(3, most), most))):
        now += draw(st.sampled_from([0, 1, 1, 2, 5]))
        i = draw(st.integers(0, instruments - 1))
        kind = draw(st.sampled_from(kinds))
        sizes = st.sampled_from([10, 0, 3, 5, 40])
        px = min(max(px + draw(st.sampled_from([0, 1, -1, 1, -1, 2, -2, 6, -6])), 90), 110)
        if kind == TickKind.TRADE:
            out.append(TradePrinted(now, 0, now, i, px, draw(sizes), Side.NONE, 0))
        elif kind == TickKind.QUOTE:
            out.append(QuoteUpdated(now, 0, now, i, px, draw(sizes), px + draw(st.integers(-1, 3)), draw(sizes)))
        else:
            around = st.integers(px - 3, px + 3)
            low, a, b, high = sorted(draw(st.tuples(around, around, around, around)))
            opened, close = draw(st.sampled_from([(a, b), (b, a)]))
            out.append(BarClosed(now, 0, now, i, opened, high, low, close, draw(sizes), draw(st.integers(0, 6))))
    return out


@st.composite
def messages(draw: st.DrawFn, n: int, instruments: int) -> list[Any]:
    """n messages, c-0 … c-(n-1), cancels and replaces of earlier ids; a few are wrong on purpose."""
    out: list[Any] = []
    for k in range(n):
        name = f"c-{k}" if draw(st.integers(0, 20)) else "c-0"
        what = draw(st.integers(0, 9))
        qty = draw(st.sampled_from([5, 10, 10, 20, 45]))
        limit = draw(st.one_of(EVEN, EVEN, st.just(0), PX))
        stop = draw(st.one_of(st.just(0), st.just(0), EVEN))
        trail = draw(st.sampled_from([0, 0, 0, 2, 4, 6]))
        if k and what == 0:
            out.append(cancel(name, draw(st.sampled_from(out)).cl_ord_id))
        elif k and what in (1, 2):
            old = draw(st.sampled_from(out))
            out.append(
                replace(
                    name, old.cl_ord_id, draw(st.sampled_from([qty, getattr(old, "order_qty", qty)])),
                    limit=draw(st.sampled_from([limit, getattr(old, "limit_px", 0)])), stop=draw(st.sampled_from([stop, getattr(old, "stop_px", 0)])),
                    trail=draw(st.sampled_from([trail, getattr(old, "trail_px", 0)])),
                )
            )  # fmt: skip
        else:
            if trail and draw(st.integers(0, 9)):
                limit = stop = 0
            new = order(
                name, draw(st.sampled_from([1, -1])), qty, limit=limit, stop=stop, trail=trail, tif=draw(TIFS),
                expire=draw(st.integers(12, 80)), post=bool(limit) and not draw(st.integers(0, 5)), i=draw(st.integers(0, instruments - 1)),
            )  # fmt: skip
            if not draw(st.integers(0, 15)):
                new = msgspec.structs.replace(new, order_type=draw(st.sampled_from(OrderType)), side=draw(st.sampled_from(Side)))
            out.append(new)
    return out


@st.composite
def scenarios(draw: st.DrawFn, most_ticks: int = 45) -> Scenario:
    count = draw(st.integers(1, 2))
    tape = draw(ticks(most_ticks, draw(KINDS), count))
    flow = draw(messages(draw(st.integers(1, 14)), count))
    sends: dict[int, list[Any]] = {}
    answers: dict[str, list[Any]] = {}
    for k, m in enumerate(flow):
        if k and not draw(st.integers(0, 3)):
            answers.setdefault(flow[k - 1].cl_ord_id, []).append(m)
        else:
            sends.setdefault(draw(st.integers(0, min(len(tape) - 1, 2 + 4 * k))), []).append(m)
    rolls = draw(st.frozensets(st.integers(1, most_ticks), max_size=1))
    return Scenario(tape, sends, answers, frozenset(r for r in rolls if r < len(tape)), draw(SETTINGS), TWO, draw(st.integers(0, 3)))
