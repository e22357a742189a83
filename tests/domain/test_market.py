"""What was the last price, and the one before it, wherever tables were cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.events import BarClosed, QuoteUpdated, TradePrinted
from domain.market import Market
from domain.terms import Side
from domain.ticks import Tick, of_events
from tests.domain.harness import T0

BUY, SELL = Side.BUY, Side.SELL


def tick(n: int, what: str, instrument: int, px: int, sized: bool) -> Tick:
    """The n-th tick of a market."""
    ns = T0 + n
    if what == "trade":
        return TradePrinted(ns, 0, ns, instrument, px, 5, BUY, 0)
    if what == "bar":
        return BarClosed(ns, 0, ns, instrument, 1, 500, 1, px, 5, 60)
    return QuoteUpdated(ns, 0, ns, instrument, px, 5 if sized else 0, px + 3, 5 if sized else 0)


def naive(ticks: list[tuple[str, int, int, bool]], instrument: int, side: Side) -> tuple[int, int]:
    """The reference and the price before it from the same source, by looking through everything."""
    mine = [(what, px, sized) for what, i, px, sized in ticks if i == instrument]
    prints = [px for what, px, _ in mine if what != "quote"]
    sides = [(px + 3 if side is BUY else px, sized) for what, px, sized in mine if what == "quote"]
    if mine and mine[-1][0] == "quote" and sides[-1][1]:
        before = sides[-2] if len(sides) > 1 else (0, True)
        return sides[-1][0], before[0] if before[1] else 0
    return (prints[-1] if prints else 0), (prints[-2] if len(prints) > 1 else 0)


@given(
    ticks=st.lists(st.tuples(st.sampled_from(["trade", "quote", "bar"]), st.integers(0, 1), st.integers(1, 99), st.booleans()), max_size=12),
    cuts=st.sets(st.integers(0, 12)), parts=st.sets(st.integers(0, 12)),
)  # fmt: skip
def test_the_reference_and_the_price_before_it_do_not_depend_on_where_tables_and_blocks_were_cut(
    ticks: list[tuple[str, int, int, bool]], cuts: set[int], parts: set[int]
) -> None:
    """Given any ticks in any tables, when the market has consumed them in any pieces, then both prices are those of a naive look at all of them."""
    market = Market()
    edges = sorted({c for c in cuts if c < len(ticks)} | {0, len(ticks)})
    for start, stop in pairwise(edges):
        market.enter(of_events([tick(n, *ticks[n]) for n in range(start, stop)]))
        at = start
        for part in sorted({p for p in parts if start < p < stop} | {stop}):
            market.move(at - start, part - start - 1, part)
            at = part
            for instrument in (0, 1):
                for side in (BUY, SELL):
                    px, _, seq = market.reference(instrument, side)
                    assert (px, market.before(instrument, side, seq)) == naive(ticks[:part], instrument, side)
