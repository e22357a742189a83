"""The crossover rule, by hand and against the reference counts of a million ticks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from domain.events import BarClosed, QuoteUpdated
from domain.strategies import SmaCross
from domain.terms import TickKind
from domain.ticks import Ticks, table
from tests.domain.strategies.fake import FakeContext, columns, drive_plain, tell, trades


def wishes(ctx: FakeContext) -> list[tuple[Any, ...]]:
    """(now, side, instrument, quantity) of every order asked for."""
    return [intent[:4] for intent in ctx.intents]


def run(strategy: SmaCross, *prices: int) -> FakeContext:
    ctx = FakeContext((0,))
    drive_plain(strategy, ctx, trades(*prices), {})
    return ctx


@pytest.mark.parametrize(
    ("side", "prices", "expected"),
    [
        ("long", [10, 10, 10, 11], [(4, "BUY", 0, 2)]),
        ("long", [10, 10], []),
        ("long", [10, 10, 9, 8, 7], []),
        ("long", [10, 10, 11, 12, 11, 10], [(3, "BUY", 0, 2), (6, "SELL", 0, 2)]),
        ("long", [10, 10, 11, 11, 11, 11, 11, 12, 12], [(3, "BUY", 0, 2)]),
        ("both", [10, 10, 11, 12, 11, 10], [(3, "BUY", 0, 2), (6, "SELL", 0, 4)]),
        ("both", [10, 10, 9, 8, 9, 10], [(3, "SELL", 0, 2), (6, "BUY", 0, 4)]),
    ],
)
def test_orders_come_with_the_cross_and_only_then(side: Any, prices: list[int], expected: list[tuple[Any, ...]]) -> None:
    assert wishes(run(SmaCross(fast=2, slow=3, qty=2, side=side), *prices)) == expected


def test_the_first_slow_less_one_observations_give_nothing() -> None:
    ctx = run(SmaCross(), *range(1, 51))
    assert wishes(ctx) == [(50, "BUY", 0, 1)]


def test_a_denied_order_is_not_asked_for_again() -> None:
    ctx = FakeContext((0,))
    ctx.deny = True
    drive_plain(SmaCross(fast=1, slow=2), ctx, trades(1, 2, 3, 4, 5), {})
    assert wishes(ctx) == [(2, "BUY", 0, 1)]


def test_the_reason_names_both_averages() -> None:
    ctx = run(SmaCross(fast=1, slow=2), 1, 2, 1)
    assert [intent[-1] for intent in ctx.intents] == ["SMA 1 rose above SMA 2", "SMA 1 fell below SMA 2"]


def test_quotes_count_by_their_middle_and_bars_by_their_close() -> None:
    ctx = FakeContext((0,))
    strategy = SmaCross(fast=1, slow=2)
    tell(strategy, ctx, QuoteUpdated(1, 0, 1, 0, 10, 5, 12, 5))
    tell(strategy, ctx, BarClosed(2, 0, 2, 0, 1, 99, 1, 11, 5, 60))
    assert ctx.intents == []
    tell(strategy, ctx, QuoteUpdated(3, 0, 3, 0, 11, 5, 12, 5))
    assert wishes(ctx) == [(0, "BUY", 0, 1)]


def test_a_quote_with_an_empty_side_says_nothing() -> None:
    ctx = FakeContext((0,))
    strategy = SmaCross(fast=1, slow=2)
    for tick in (QuoteUpdated(1, 0, 1, 0, 10, 5, 12, 5), QuoteUpdated(2, 0, 2, 0, 90, 0, 99, 5), QuoteUpdated(3, 0, 3, 0, 90, 5, 99, 0)):
        tell(strategy, ctx, tick)
    assert ctx.intents == []


def test_only_the_chosen_source_counts() -> None:
    ctx = FakeContext((0,))
    strategy = SmaCross(fast=1, slow=2, source="bar")
    drive_plain(strategy, ctx, trades(1, 2, 3), {})
    assert ctx.intents == []


def test_prices_too_far_apart_for_64_bits_are_taken_one_by_one() -> None:
    prices = [1, 1 << 55, 1, 1 << 58] * 40
    plain, scanned = FakeContext((0,)), FakeContext((0,))
    drive_plain(SmaCross(fast=3, slow=50, side="both"), plain, trades(*prices), {})
    scan_through(SmaCross(fast=3, slow=50, side="both"), scanned, columns(trades(*prices)))
    assert [i[1:] for i in plain.intents] == [i[1:] for i in scanned.intents] != []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"fast": 0}, "fast must be at least 1"),
        ({"fast": 50}, "less than slow"),
        ({"qty": 0}, "qty must be positive"),
        ({"side": "short"}, "side must be"),
        ({"source": "book"}, "source must be one of any, trade, quote, bar"),
    ],
)
def test_bad_parameters_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        SmaCross(**arguments)


def random_walk(n: int, instruments: int, seed: int) -> Ticks:
    """The benchmark's stream: steps of a cent from 100.00, never below 1.00; one draw of each column after the other from PCG64."""
    r = np.random.Generator(np.random.PCG64(seed))
    ts = 1_700_000_000_000_000_000 + np.cumsum(r.integers(500_000, 1_500_001, n))
    who = r.integers(0, instruments, n) if instruments > 1 else np.zeros(n, dtype=np.int64)
    step = r.integers(-1, 2, n)
    qty = r.integers(1, 1001, n)
    side = r.integers(0, 2, n) * 2 - 1
    px = np.zeros(n, dtype=np.int64)
    for i in range(instruments):
        mine = who == i
        px[mine] = np.maximum(10_000 + np.cumsum(step[mine]), 100)
    return table(TickKind.TRADE, who, ts, ts, px, qty, side, 0)


def scan_through(strategy: SmaCross, ctx: FakeContext, ticks: Ticks) -> int:
    """Run a table by scans; how many ticks were handed over one by one."""
    c: Any = ctx
    told = i = 0
    while True:
        loud = strategy.scan(c, ticks, i, len(ticks))
        strategy.skip(c, ticks, i, loud)
        if loud == len(ticks):
            return told
        tell(strategy, ctx, ticks.event(loud))
        told += 1
        i = loud + 1


@pytest.mark.parametrize(("instruments", "seed", "crosses"), [(1, 20240101, 22_510), (8, 20240102, 22_305)])
def test_a_million_ticks_cross_as_often_as_the_reference_rule(instruments: int, seed: int, crosses: int) -> None:
    ticks = random_walk(1_000_000, instruments, seed)
    ctx = FakeContext(tuple(range(instruments)))
    told = scan_through(SmaCross(), ctx, ticks)
    assert len(ctx.intents) == crosses
    assert told < crosses + 100


def test_tick_by_tick_and_by_scans_the_same_crosses_are_found() -> None:
    ticks = random_walk(50_000, 2, 5)
    plain, scanned = FakeContext((0, 1)), FakeContext((0, 1))
    strategy = SmaCross()
    for tick in ticks.events():
        tell(strategy, plain, tick)
    scan_through(SmaCross(), scanned, ticks)
    assert scanned.intents == plain.intents
