"""What trades, when and at which price: one table per sort of market data. Scenarios read: ticks, orders after tick i, what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.venues.settings import Resting, Size, Slippage, VenueSettings
from domain.events import (
    BarClosed,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderTriggered,
    QuoteUpdated,
    TradePrinted,
)
from domain.instrument import instrument
from domain.terms import Liquidity, Side, TickKind, TimeInForce
from tests.adapters.venues.drive import Scenario, cancel, order, play, replace

GTC, IOC, FOK, DAY, GTD = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.DAY, TimeInForce.GTD
DISPLAYED = VenueSettings(liquidity=Size.DISPLAYED)
TOUCH = VenueSettings(resting=Resting.TOUCH)
STEP = 10


def trade(px: int, qty: int = 100, *, at: int, i: int = 0) -> TradePrinted:
    return TradePrinted(at, 0, at, i, px, qty, Side.NONE, 0)


def quote(bid: int, ask: int, bid_qty: int = 100, ask_qty: int = 100, *, at: int) -> QuoteUpdated:
    return QuoteUpdated(at, 0, at, 0, bid, bid_qty, ask, ask_qty)


def bar(opened: int, high: int, low: int, close: int, volume: int = 100, *, at: int) -> BarClosed:
    return BarClosed(at, 0, at, 0, opened, high, low, close, volume, STEP)


def trades(*pxs: int | tuple[int, int]) -> list[TradePrinted]:
    """Prints 10 ns apart, the first at 10; a pair is (price, size)."""
    return [trade(*(p if isinstance(p, tuple) else (p,)), at=STEP * (k + 1)) for k, p in enumerate(pxs)]


def quotes(*rows: tuple[int, ...]) -> list[QuoteUpdated]:
    return [quote(*row, at=STEP * (k + 1)) for k, row in enumerate(rows)]


def bars(*rows: tuple[int, ...]) -> list[BarClosed]:
    return [bar(*row, at=STEP * (k + 1)) for k, row in enumerate(rows)]


def story(ticks: list[Any], sends: dict[int, list[Any]], settings: VenueSettings = VenueSettings(), **rest: Any) -> list[str]:  # noqa: B008
    """The reports in short: what, id, venue time, and what matters of it."""
    got = play(Scenario(ticks, sends, settings=settings, **rest))
    return [brief(r) for _, r in got if not isinstance(r, OrderAccepted)]


def brief(r: Any) -> str:
    at = f"{r.cl_ord_id}@{r.event_ns}"
    match r:
        case OrderFilled():
            return f"fill {at} {r.last_qty} x {r.last_px} {Liquidity(r.liquidity).name.lower()}"
        case OrderTriggered():
            return f"trigger {at}"
        case OrderReplaced():
            return f"replace {at}"
        case OrderExpired():
            return f"expire {at}"
        case OrderCanceled() | OrderRejected() | OrderCancelRejected():
            return f"{type(r).__name__.removeprefix('Order').lower()} {at}: {r.reason}"
    raise AssertionError(r)


# On prints. The order is sent after the second print (at 20); latency 0 unless the case says otherwise.
ON_PRINTS: list[tuple[str, Any, list[Any], VenueSettings, list[str]]] = [
    ("market fills at the print it answers", order("a", 1), trades(100, 101, 102), VenueSettings(), ["fill a@20 10 x 101 taker"]),
    ("market with latency fills at the first print at or after it arrives", order("a", 1), trades(100, 101, 102, 103),
     VenueSettings(latency_out_ns=10), ["fill a@30 10 x 102 taker"]),
    ("market with latency skips the print before it arrives", order("a", -1), trades(100, 101, 102, 103),
     VenueSettings(latency_out_ns=11), ["fill a@40 10 x 103 taker"]),
    ("market takes the displayed size and waits for more", order("a", 1, 10), trades(100, (101, 4), (99, 3), (98, 9)), DISPLAYED,
     ["fill a@20 4 x 101 taker", "fill a@30 3 x 99 taker", "fill a@40 3 x 98 taker"]),
    ("market IOC cancels what the print does not show", order("a", 1, 10, tif=IOC), trades(100, (101, 4), 99), DISPLAYED,
     ["fill a@20 4 x 101 taker", "canceled a@20: the rest found nothing to trade with"]),
    ("market FOK takes all or nothing", order("a", 1, 10, tif=FOK), trades(100, (101, 4), 99), DISPLAYED,
     ["canceled a@20: not enough to fill the whole order"]),
    ("market FOK that fits fills", order("a", 1, 10, tif=FOK), trades(100, (101, 10), 99), DISPLAYED, ["fill a@20 10 x 101 taker"]),
    ("market IOC with latency waits for its first print", order("a", 1, tif=IOC), trades(100, 101, 102), VenueSettings(latency_out_ns=5),
     ["fill a@30 10 x 102 taker"]),
    ("limit that is marketable takes at the print", order("a", 1, limit=102), trades(100, 101, 99), VenueSettings(), ["fill a@20 10 x 101 taker"]),
    ("limit at the print takes", order("a", -1, limit=101), trades(100, 101, 99), VenueSettings(), ["fill a@20 10 x 101 taker"]),
    ("limit rests and fills when a print goes through", order("a", 1, limit=100), trades(100, 101, 100, 99), VenueSettings(),
     ["fill a@40 10 x 100 maker"]),
    ("limit set to touch fills at the limit", order("a", 1, limit=100), trades(100, 101, 100, 99), TOUCH, ["fill a@30 10 x 100 maker"]),
    ("sell limit rests and fills when a print goes through", order("a", -1, limit=103), trades(100, 101, 103, 104), VenueSettings(),
     ["fill a@40 10 x 103 maker"]),
    ("limit takes at the first print after its arrival", order("a", 1, limit=100), trades(100, 101, 98, 99), VenueSettings(latency_out_ns=5),
     ["fill a@30 10 x 98 taker"]),
    ("limit shares the displayed size over prints", order("a", 1, 10, limit=100), trades(100, 101, (99, 4), (98, 20)), DISPLAYED,
     ["fill a@30 4 x 100 maker", "fill a@40 6 x 100 maker"]),
    ("limit IOC that is not marketable goes", order("a", 1, limit=100, tif=IOC), trades(100, 101, 99), VenueSettings(),
     ["canceled a@20: nothing to trade with at the limit"]),
    ("limit FOK that is not marketable goes", order("a", 1, limit=100, tif=FOK), trades(100, 101, 99), VenueSettings(),
     ["canceled a@20: nothing to trade with at the limit"]),
    ("limit GTD rests until its time", order("a", 1, limit=100, tif=GTD, expire=35), trades(100, 101, 101, 99), VenueSettings(), ["expire a@35"]),
    ("limit GTD does not trade at its expiry time", order("a", 1, limit=100, tif=GTD, expire=40), trades(100, 101, 101, 99), VenueSettings(),
     ["expire a@40"]),
    ("limit GTD fills before its time", order("a", 1, limit=100, tif=GTD, expire=45), trades(100, 101, 101, 99), VenueSettings(),
     ["fill a@40 10 x 100 maker"]),
    ("post-only rests", order("a", 1, limit=100, post=True), trades(100, 101, 99), VenueSettings(), ["fill a@30 10 x 100 maker"]),
    ("post-only that would take is rejected", order("a", 1, limit=101, post=True), trades(100, 101, 99), VenueSettings(),
     ["rejected a@20: post-only order would take"]),
    ("stop waits, triggers and takes the print", order("a", 1, stop=103), trades(100, 101, 102, 104, 105), VenueSettings(),
     ["trigger a@40", "fill a@40 10 x 104 taker"]),
    ("sell stop triggers at its price", order("a", -1, stop=99), trades(100, 101, 100, 99), VenueSettings(), ["trigger a@40", "fill a@40 10 x 99 taker"]),
    ("stop beyond the print triggers at once", order("a", 1, stop=101), trades(100, 101, 102), VenueSettings(), ["trigger a@20", "fill a@20 10 x 101 taker"]),
    ("stop IOC acts when it triggers", order("a", 1, 10, stop=103, tif=IOC), trades(100, 101, 102, (103, 4), 104), DISPLAYED,
     ["trigger a@40", "fill a@40 4 x 103 taker", "canceled a@40: the rest found nothing to trade with"]),
    ("stop-limit beyond its limit rests", order("a", 1, stop=102, limit=103), trades(100, 101, 104, 103, 102), VenueSettings(),
     ["trigger a@30", "fill a@50 10 x 103 maker"]),
    ("stop-limit inside its limit takes", order("a", 1, stop=102, limit=103), trades(100, 101, 103, 102), VenueSettings(),
     ["trigger a@30", "fill a@30 10 x 103 taker"]),
    ("stop-limit FOK beyond its limit goes", order("a", 1, stop=102, limit=103, tif=FOK), trades(100, 101, 104, 103), VenueSettings(),
     ["trigger a@30", "canceled a@30: nothing to trade with at the limit"]),
    ("post-only stop-limit that would take goes", order("a", 1, stop=102, limit=103, post=True), trades(100, 101, 103), VenueSettings(),
     ["trigger a@30", "canceled a@30: post-only order would take"]),
    ("sell trailing stop follows the best price up", order("a", -1, trail=3), trades(100, 101, 105, 103, 102, 101), VenueSettings(),
     ["trigger a@50", "fill a@50 10 x 102 taker"]),
    ("buy trailing stop follows the best price down", order("a", 1, trail=3), trades(100, 101, 97, 99, 100), VenueSettings(),
     ["trigger a@50", "fill a@50 10 x 100 taker"]),
    ("sell trailing stop follows a single tick", order("a", -1, trail=3), trades(100, 100, 101, 98), VenueSettings(),
     ["trigger a@40", "fill a@40 10 x 98 taker"]),
    ("buy trailing stop follows a single tick", order("a", 1, trail=3), trades(100, 100, 99, 102), VenueSettings(),
     ["trigger a@40", "fill a@40 10 x 102 taker"]),
    ("trailing stop starts with the first price after its arrival", order("a", -1, trail=3), trades(105, 104, 100, 98, 97),
     VenueSettings(latency_out_ns=5), ["trigger a@50", "fill a@50 10 x 97 taker"]),
    ("fixed slippage is against us", order("a", 1), trades(100, 101, 102), VenueSettings(slippage=Slippage.FIXED, slippage_ticks=2),
     ["fill a@20 10 x 103 taker"]),
    ("slippage stops at the limit", order("a", -1, limit=100), trades(100, 101, 102), VenueSettings(slippage=Slippage.FIXED, slippage_ticks=2),
     ["fill a@20 10 x 100 taker"]),
    ("slippage does not touch makers", order("a", 1, limit=100), trades(100, 101, 99), VenueSettings(slippage=Slippage.FIXED, slippage_ticks=2),
     ["fill a@30 10 x 100 maker"]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "ticks", "settings", "expected"), [c[1:] for c in ON_PRINTS], ids=[c[0] for c in ON_PRINTS])
def test_on_prints(sent: Any, ticks: list[Any], settings: VenueSettings, expected: list[str]) -> None:
    assert story(ticks, {1: [sent]}, settings) == expected


Q = quotes((99, 101), (99, 101, 100, 4), (100, 102), (97, 98))
ON_QUOTES: list[tuple[str, Any, list[Any], VenueSettings, list[str]]] = [
    ("buy takes the ask that stands", order("a", 1), Q, VenueSettings(), ["fill a@20 10 x 101 taker"]),
    ("sell takes the bid that stands", order("a", -1), Q, VenueSettings(), ["fill a@20 10 x 99 taker"]),
    ("the quote stands when the order arrives later", order("a", 1), Q, VenueSettings(latency_out_ns=5), ["fill a@25 10 x 101 taker"]),
    ("an order that arrives with a quote comes before it", order("a", 1), Q, VenueSettings(latency_out_ns=10), ["fill a@30 10 x 101 taker"]),
    ("market takes the displayed size, the rest the next quote", order("a", 1, 10), Q, DISPLAYED, ["fill a@20 4 x 101 taker", "fill a@30 6 x 102 taker"]),
    ("IOC takes the displayed size", order("a", 1, 10, tif=IOC), Q, DISPLAYED,
     ["fill a@20 4 x 101 taker", "canceled a@20: the rest found nothing to trade with"]),
    ("FOK does not fit", order("a", 1, 10, tif=FOK), Q, DISPLAYED, ["canceled a@20: not enough to fill the whole order"]),
    ("limit beyond the ask takes at the ask", order("a", 1, limit=103), Q, VenueSettings(), ["fill a@20 10 x 101 taker"]),
    ("the rest of a marketable limit takes again", order("a", 1, 10, limit=103), Q, DISPLAYED, ["fill a@20 4 x 101 taker", "fill a@30 6 x 102 taker"]),
    ("limit inside the spread rests until the ask comes down", order("a", 1, limit=100), Q, VenueSettings(), ["fill a@40 10 x 100 maker"]),
    ("an ask at the limit is enough", order("a", 1, limit=98), Q, VenueSettings(), ["fill a@40 10 x 98 maker"]),
    ("sell limit rests until the bid comes up", order("a", -1, limit=100), Q, VenueSettings(), ["fill a@30 10 x 100 maker"]),
    ("post-only at the ask is rejected", order("a", 1, limit=101, post=True), Q, VenueSettings(), ["rejected a@20: post-only order would take"]),
    ("post-only inside the spread rests", order("a", 1, limit=100, post=True), Q, VenueSettings(), ["fill a@40 10 x 100 maker"]),
    ("buy stop looks at the ask", order("a", 1, stop=102), Q, VenueSettings(), ["trigger a@30", "fill a@30 10 x 102 taker"]),
    ("sell stop looks at the bid", order("a", -1, stop=98), Q, VenueSettings(), ["trigger a@40", "fill a@40 10 x 97 taker"]),
    ("stop-limit rests beyond its limit", order("a", 1, stop=102, limit=101), Q, VenueSettings(), ["trigger a@30", "fill a@40 10 x 101 maker"]),
    ("sell trailing stop follows the bid", order("a", -1, trail=2), Q, VenueSettings(), ["trigger a@40", "fill a@40 10 x 97 taker"]),
    ("an empty side offers nothing", order("a", 1), quotes((99, 101), (99, 0, 100, 0), (99, 103)), VenueSettings(), ["fill a@30 10 x 103 taker"]),
    ("IOC finds nothing on an empty side", order("a", 1, tif=IOC), quotes((99, 101), (99, 0, 100, 0), (99, 103)), VenueSettings(),
     ["canceled a@20: nothing to trade with"]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "ticks", "settings", "expected"), [c[1:] for c in ON_QUOTES], ids=[c[0] for c in ON_QUOTES])
def test_on_quotes(sent: Any, ticks: list[Any], settings: VenueSettings, expected: list[str]) -> None:
    assert story(ticks, {1: [sent]}, settings) == expected


B = bars((100, 104, 98, 101), (101, 103, 99, 102), (103, 106, 100, 105), (105, 107, 97, 98))
LATE = VenueSettings(latency_out_ns=5)
ON_BARS: list[tuple[str, Any, list[Any], VenueSettings, list[str]]] = [
    ("market at the bar's time fills at its close", order("a", 1), B, VenueSettings(), ["fill a@20 10 x 102 taker"]),
    ("market that arrives during a bar fills at that bar's close", order("a", 1), B, LATE, ["fill a@30 10 x 105 taker"]),
    ("market that was there before the bar fills at its open", order("a", 1, 10), bars((1, 1, 1, 1), (5, 9, 4, 7, 4), (6, 8, 5, 7)), DISPLAYED,
     ["fill a@20 4 x 7 taker", "fill a@30 6 x 6 taker"]),
    ("market in a gap between bars fills at the next open", order("a", 1), [B[0], B[1], bar(103, 106, 100, 105, at=60)], LATE, ["fill a@60 10 x 103 taker"]),
    ("limit rests until the range touches it", order("a", 1, limit=100), B, VenueSettings(), ["fill a@30 10 x 100 maker"]),
    ("resting limit gets a better open", order("a", -1, limit=104), bars((100, 101, 99, 100), (100, 101, 99, 100), (100, 103, 99, 100), (106, 107, 105, 106)),
     VenueSettings(), ["fill a@40 10 x 106 maker"]),
    ("limit that came during the bar counts its close only", order("a", 1, limit=101), B, LATE, ["fill a@40 10 x 101 maker"]),
    ("stop is touched inside the range", order("a", 1, stop=104), B, VenueSettings(), ["trigger a@30", "fill a@30 10 x 104 taker"]),
    ("stop behind a gap takes the open", order("a", 1, stop=103), B, VenueSettings(), ["trigger a@30", "fill a@30 10 x 103 taker"]),
    ("sell stop is touched inside the range", order("a", -1, stop=98), B, VenueSettings(), ["trigger a@40", "fill a@40 10 x 98 taker"]),
    ("stop that came during the bar counts its close only", order("a", 1, stop=106), B, LATE, ["trigger a@40", "fill a@40 10 x 106 taker"]),
    ("stop-limit takes at its stop", order("a", 1, stop=104, limit=105), B, VenueSettings(), ["trigger a@30", "fill a@30 10 x 104 taker"]),
    ("stop-limit out of reach waits for the next bar", order("a", 1, stop=104, limit=100), B, VenueSettings(), ["trigger a@30", "fill a@40 10 x 100 maker"]),
    ("trailing stop sees open, low, high and close", order("a", -1, trail=4), B, VenueSettings(), ["trigger a@40", "fill a@40 10 x 102 taker"]),
    ("trailing stop sees the low before the high", order("a", -1, trail=3), B, VenueSettings(), ["trigger a@30", "fill a@30 10 x 100 taker"]),
    ("IOC at the bar's time trades with its close", order("a", 1, limit=101, tif=IOC), B, VenueSettings(), ["canceled a@20: nothing to trade with at the limit"]),
    ("FOK needs the bar's volume", order("a", 1, 101, tif=FOK), B, DISPLAYED, ["canceled a@20: not enough to fill the whole order"]),
    ("post-only against the close is rejected", order("a", 1, limit=102, post=True), B, VenueSettings(), ["rejected a@20: post-only order would take"]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "ticks", "settings", "expected"), [c[1:] for c in ON_BARS], ids=[c[0] for c in ON_BARS])
def test_on_bars(sent: Any, ticks: list[Any], settings: VenueSettings, expected: list[str]) -> None:
    assert story(ticks, {1: [sent]}, settings) == expected


DATA: dict[TickKind, list[Any]] = {
    TickKind.TRADE: trades(100, 100, 104, 97, 103, 104),
    TickKind.QUOTE: quotes((100, 100), (100, 100), (104, 104), (97, 97), (103, 103), (104, 104)),
    TickKind.BAR: bars(*[(p, p, p, p) for p in (100, 100, 104)], (104, 104, 97, 97), *[(p, p, p, p) for p in (103, 104)]),
}
TERMS: dict[str, dict[str, int]] = {
    "market": {}, "limit": {"limit": 98}, "stop": {"stop": 103}, "stop-limit": {"stop": 103, "limit": 103}, "trailing": {"trail": 5},
}  # fmt: skip
# What happens to a buy of each type, by time in force, on a market that goes 100, 104, 97, 103, 104. The day ends, and GTD expires, at 35.
OUTCOMES: dict[tuple[str, TimeInForce], list[str]] = {
    ("market", GTC): ["fill 20 100"], ("market", DAY): ["fill 20 100"], ("market", GTD): ["fill 20 100"],
    ("market", IOC): ["fill 20 100"], ("market", FOK): ["fill 20 100"],
    ("limit", GTC): ["fill 40 98"], ("limit", DAY): ["expire 35"], ("limit", GTD): ["expire 35"], ("limit", IOC): ["cancel 20"], ("limit", FOK): ["cancel 20"],
    ("stop", GTC): ["trigger 30", "fill 30 104"], ("stop", DAY): ["trigger 30", "fill 30 104"], ("stop", GTD): ["trigger 30", "fill 30 104"],
    ("stop", IOC): ["trigger 30", "fill 30 104"], ("stop", FOK): ["trigger 30", "fill 30 104"],
    ("stop-limit", GTC): ["trigger 30", "fill 40 103"], ("stop-limit", DAY): ["trigger 30", "expire 35"], ("stop-limit", GTD): ["trigger 30", "expire 35"],
    ("stop-limit", IOC): ["trigger 30", "cancel 30"], ("stop-limit", FOK): ["trigger 30", "cancel 30"],
    ("trailing", GTC): ["trigger 50", "fill 50 103"], ("trailing", DAY): ["expire 35"], ("trailing", GTD): ["expire 35"],
    ("trailing", IOC): ["trigger 50", "fill 50 103"], ("trailing", FOK): ["trigger 50", "fill 50 103"],
}  # fmt: skip


@pytest.mark.parametrize("kind", TickKind)
@pytest.mark.parametrize(("terms", "tif"), OUTCOMES)
def test_every_order_type_with_every_time_in_force_on_every_sort_of_data(kind: TickKind, terms: str, tif: TimeInForce) -> None:
    ticks = DATA[kind]
    sent = order("a", 1, tif=tif, expire=35, **TERMS[terms])
    ticks = [*ticks[:3], trade(1, at=35, i=1), *ticks[3:]]
    s = Scenario(ticks, {1: [sent]}, rolls=frozenset({3}), instruments=(instrument("ONE"), instrument("CLOCK")))
    got = [r for _, r in play(s)]
    assert isinstance(got[0], OrderAccepted)
    words = {OrderFilled: "fill", OrderTriggered: "trigger", OrderCanceled: "cancel", OrderExpired: "expire"}
    assert [f"{words[type(r)]} {r.event_ns}" + (f" {r.last_px}" if isinstance(r, OrderFilled) else "") for r in got[1:]] == OUTCOMES[terms, tif]


def test_quotes_win_for_taking_while_prints_move_stops_and_resting_limits() -> None:
    ticks = [quote(99, 101, at=10), trade(100, at=20), trade(103, at=30), trade(96, at=40), quote(94, 95, at=50)]
    sends = {1: [order("market", 1), order("stop", 1, stop=102), order("rests", 1, limit=97), order("seller", -1, stop=98)]}
    assert story(ticks, sends) == [
        "fill market@20 10 x 101 taker", "trigger stop@30", "fill stop@30 10 x 101 taker",
        "trigger seller@40", "fill seller@40 10 x 99 taker", "fill rests@40 10 x 97 maker",
    ]  # fmt: skip


def test_bars_do_not_count_for_an_instrument_with_prints() -> None:
    ticks = [trade(100, at=10), bar(100, 110, 90, 105, at=20), trade(101, at=30)]
    assert story(ticks, {1: [order("a", 1), order("b", 1, limit=95), order("c", -1, stop=95)]}) == ["fill a@30 10 x 101 taker"]


def test_an_empty_side_says_nothing_to_an_order_that_waits_for_it() -> None:
    empty_ask = quote(104, 0, ask_qty=0, at=30)
    sends = {1: [order("ioc", 1, tif=IOC), order("limit", 1, limit=103), order("seller", -1, limit=104), order("rests", 1, limit=100, post=True)]}
    ticks = [trade(100, at=10), trade(100, at=20), empty_ask, trade(99, at=40), quote(98, 102, at=50)]
    assert story(ticks, sends, VenueSettings(latency_out_ns=5)) == [
        "fill seller@30 10 x 104 taker", "fill rests@40 10 x 100 maker", "fill ioc@50 10 x 102 taker", "fill limit@50 10 x 102 taker",
    ]  # fmt: skip


def test_a_post_only_stop_limit_rests_when_no_quote_stands_at_its_trigger() -> None:
    ticks = [quote(99, 0, ask_qty=0, at=10), trade(100, at=20), trade(103, at=30), trade(101, at=40)]
    assert story(ticks, {1: [order("a", 1, stop=103, limit=102, post=True)]}) == ["trigger a@30", "fill a@40 10 x 102 maker"]


def test_an_order_expires_before_a_cancel_of_the_same_moment() -> None:
    sends = {0: [order("a", 1, limit=90, tif=GTD, expire=30)], 1: [cancel("c", "a")]}
    assert story(trades(100, 100, 100), sends, VenueSettings(latency_out_ns=10)) == [
        "expire a@30",
        "cancelrejected c@30: too late: the order is gone",
    ]


def test_without_any_data_a_market_order_waits_and_an_immediate_one_goes() -> None:
    two = (instrument("ONE"), instrument("OTHER"))
    ticks = [trade(5, at=10, i=1), trade(100, at=20)]
    sends = {0: [order("a", 1), order("b", 1, tif=IOC), order("c", 1, limit=200, tif=FOK)]}
    assert story(ticks, sends, instruments=two) == [
        "canceled b@10: nothing to trade with",
        "canceled c@10: nothing to trade with",
        "fill a@20 10 x 100 taker",
    ]


def test_a_print_is_shared_by_price_then_time() -> None:
    ticks = trades(100, 100, (90, 25))
    sends = {0: [order("low", 1, limit=97), order("first", 1, limit=98), order("second", 1, limit=98)]}
    assert story(ticks, sends, DISPLAYED) == ["fill first@30 10 x 98 maker", "fill second@30 10 x 98 maker", "fill low@30 5 x 97 maker"]


@pytest.mark.parametrize(
    ("change", "winner"),
    [
        (replace("r", "first", 5, limit=98), "r@40 5"),
        (replace("r", "first", 20, limit=98), "second@40 10"),
        (replace("r", "first", 10, limit=97), "second@40 10"),
    ],
    ids=["less keeps its place", "more goes to the end", "another price goes to the end"],
)
def test_a_replace_keeps_its_place_only_for_less_at_the_same_price(change: Any, winner: str) -> None:
    ticks = trades(100, 100, 100, (90, 5))
    sends = {0: [order("first", 1, limit=98), order("second", 1, limit=98)], 1: [change]}
    first_fill = next(line for line in story(ticks, sends, DISPLAYED) if line.startswith("fill"))
    assert first_fill.startswith(f"fill {winner.split()[0]}")


def test_a_replace_to_a_marketable_limit_takes() -> None:
    sends = {1: [order("a", 1, limit=98)], 2: [replace("b", "a", 10, limit=105)]}
    assert story(trades(100, 100, 101, 102), sends) == ["replace b@30", "fill b@30 10 x 101 taker"]


def test_a_replaced_trailing_stop_keeps_its_best_price() -> None:
    sends = {1: [order("a", -1, trail=10)], 2: [replace("b", "a", 10, trail=4)]}
    assert story(trades(100, 100, 110, 108, 106), sends) == ["replace b@30", "trigger b@50", "fill b@50 10 x 106 taker"]


def test_requests_that_come_too_late_or_for_nobody_are_refused() -> None:
    sends = {
        1: [order("a", 1), cancel("c1", "a"), replace("r1", "a", 5), cancel("c2", "ghost"), order("b", 1, limit=90), replace("r2", "b", 10)],
        2: [replace("b2", "b", 10, limit=91), replace("b3", "b", 10, limit=92), cancel("c3", "b2"), cancel("c4", "b2")],
    }
    assert story(trades(100, 100, 100, 100), sends) == [
        "fill a@20 10 x 100 taker",
        "cancelrejected c1@20: too late: the order is gone",
        "cancelrejected r1@20: too late: the order is gone",
        "cancelrejected c2@20: the order is unknown",
        "cancelrejected r2@20: the limit price is missing or off the tick grid",
        "replace b2@30",
        "cancelrejected b3@30: too late: the order is gone",
        "canceled c3@30: requested",
        "cancelrejected c4@30: too late: the order is gone",
    ]


def test_a_replace_below_what_is_filled_is_too_late() -> None:
    sends = {1: [order("a", 1, 10, limit=100)], 2: [replace("b", "a", 4, limit=100), replace("c", "a", 5, limit=100)]}
    assert story(trades(100, (100, 4), 101, 99), sends, DISPLAYED) == [
        "fill a@20 4 x 100 taker", "cancelrejected b@30: too late: the quantity is already filled", "replace c@30", "fill c@40 1 x 100 maker",
    ]  # fmt: skip


GRID = (instrument("GRID", tick_size="0.05", lot_size="10"), instrument("INDEX", tradable=False))
REFUSED: list[tuple[Any, str]] = [
    (order("a", 1, 15), "the quantity is not a positive multiple of the lot"),
    (order("a", 1, 0), "the quantity is not a positive multiple of the lot"),
    (order("a", 0), "the order has no side"),
    (order("a", 1, limit=101), "the limit price is missing or off the tick grid"),
    (order("a", 1, stop=101), "the stop price is missing or off the tick grid"),
    (order("a", 1, stop=100, limit=99), "the limit price is missing or off the tick grid"),
    (order("a", 1, trail=7), "a trailing stop needs a trailing distance on the tick grid and no other price"),
    (order("a", 1, trail=5, stop=100), "a trailing stop needs a trailing distance on the tick grid and no other price"),
    (order("a", 1, limit=100, tif=GTD, expire=20), "the expiry time has passed"),
    (order("a", 1, post=True), "post-only needs a limit price and time to rest"),
    (order("a", 1, limit=100, tif=IOC, post=True), "post-only needs a limit price and time to rest"),
    (order("a", 1, i=1), "the instrument is not tradable"),
    (order("a", 1, i=2), "the instrument is unknown"),
    (order("a", 1, i=-1), "the instrument is unknown"),
]


@pytest.mark.parametrize(("sent", "reason"), REFUSED, ids=[f"{k} {c[1]}" for k, c in enumerate(REFUSED)])
def test_what_does_not_fit_is_rejected_with_the_reason(sent: Any, reason: str) -> None:
    assert story(trades(100, 100, 100), {1: [sent]}, instruments=GRID) == [f"rejected a@20: {reason}"]


def test_an_id_is_used_once() -> None:
    sends = {0: [order("a", 1), order("b", 1, limit=90)], 1: [order("a", 1), order("b", 1)]}
    assert story(trades(100, 100), sends) == [
        "fill a@10 10 x 100 taker", "rejected a@20: the order id was used before", "rejected b@20: the order id was used before",
    ]  # fmt: skip
