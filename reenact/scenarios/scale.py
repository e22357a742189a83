"""Decides how large a scenario is for a user's configuration: which instruments it trades, from when, at which prices, in which quantities.

The first instruments that can be traded and settle in one currency are taken. A price is the first one that the configuration's own feeds
show, else 10,000 ticks; the scenario starts when they do. A unit is the quantity of one ordinary order: half of what the tightest of
max_order_qty, max_order_value, max_long and max_short would let through, else one hundredth of the cash, else 100 lots; at least eight times the
minimum notional. So an ordinary order passes, and what stops a scenario is what is done with ordinary orders.

Invariants: every number is on the instrument's grid; the same configuration gives the same scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from adapters.feeds.merge import MergedFeed
from domain.errors import FeedError
from domain.events import Balance, QuoteUpdated, TradePrinted
from domain.instrument import Instrument
from domain.limits import OFF, Limit
from domain.risk import WIDTH, Rule
from domain.terms import Scope
from domain.ticks import Ticks
from reenact import config_units

if TYPE_CHECKING:
    from reenact.config import SessionConfig

START_NS = 1_704_205_800 * 10**9  # 2024-01-02T14:30:00Z, where the feeds say nothing
_TICKS = 10_000
_LOTS = 100
_PARTS = 2
_CASH_PARTS = 100
_MIN_NOTIONALS = 8
_MOST_LOOKED_AT = 100_000
_BPS = 10_000
_MOST_QTY = 10**15


class Line(msgspec.Struct, frozen=True):
    """One instrument of a scenario: `px` at the start, `unit` the quantity of an ordinary order, both in the instrument's integers.

    `px_from`, `unit_from`: where they come from, in words.
    """

    spec: Instrument
    px: int
    unit: int
    px_from: str
    unit_from: str

    @property
    def text(self) -> str:
        """A sentence for people."""
        return (
            f"{self.spec.symbol}: from {self.spec.px_text(self.px)} {self.spec.quote} ({self.px_from}), "
            f"{self.spec.qty_text(self.unit)} an order ({self.unit_from})"
        )

    def ticks(self, bps: int) -> int:
        """A part of the price in ticks, at least one."""
        return max(1, self.px * bps // _BPS // self.spec.tick_px)

    def qty(self, units: int, parts: int = 1) -> int:
        """So many units, or parts of one, in whole lots."""
        return _whole(self.spec, self.unit * units // parts)


class Scale(msgspec.Struct, frozen=True):
    """The instruments of a scenario and when it starts."""

    lines: tuple[Line, ...]
    start_ns: int


def scale(config: SessionConfig, most: int, rules: Mapping[str, Rule], limits: Sequence[Limit]) -> Scale:
    """The scale of a scenario with at most so many instruments."""
    every = config_units.build_instruments(config)
    able = [i for i in every if i.tradable] or list(every)
    chosen = [i for i in able if i.settle == able[0].settle][:most]
    start_ns, seen = _first_seen(config, every, chosen)
    balances = config_units.build_balances(config, every)
    lines = []
    for spec in chosen:
        px, px_from = (seen[spec.symbol], "the first of its feed") if spec.symbol in seen else (_TICKS * spec.tick_px, f"{_TICKS:,} ticks")
        unit, unit_from = _unit(spec, px, _numbers(spec, rules, limits), balances)
        lines.append(Line(spec, px, unit, px_from, unit_from))
    return Scale(tuple(lines), start_ns)


def _unit(spec: Instrument, px: int, numbers: dict[str, int], balances: Sequence[Balance]) -> tuple[int, str]:
    """The quantity of an ordinary order, and what it follows from."""
    lot_amt = max(1, spec.notional(px, spec.lot_qty))
    unit, unit_from = _wanted(spec, lot_amt, numbers, balances)
    least = _whole(spec, _MIN_NOTIONALS * spec.min_notional_amt // lot_amt * spec.lot_qty)
    return (unit, unit_from) if unit >= least else (least, "eight times the minimum notional")


def _wanted(spec: Instrument, lot_amt: int, numbers: dict[str, int], balances: Sequence[Balance]) -> tuple[int, str]:
    """The same without a minimum."""
    bounds: list[tuple[int, str]] = [(numbers[name], name) for name in ("max_order_qty", "max_long", "max_short") if name in numbers]
    if "max_order_value" in numbers:
        bounds.append((numbers["max_order_value"] // lot_amt * spec.lot_qty, "max_order_value"))
    if bounds:
        most, name = min(bounds)
        return _whole(spec, most // _PARTS), f"half of {name}"
    cash = next((b.amt for b in balances if b.currency == spec.settle), 0)
    if cash > 0:
        return _whole(spec, cash // _CASH_PARTS // lot_amt * spec.lot_qty), "one hundredth of the cash"
    return _LOTS * spec.lot_qty, f"{_LOTS} lots"


def _whole(spec: Instrument, qty: int) -> int:
    """Whole lots, at least one, and no more than what a hundredfold still fits 64 bits."""
    return max(1, min(qty, _MOST_QTY) // spec.lot_qty) * spec.lot_qty


def _numbers(spec: Instrument, rules: Mapping[str, Rule], limits: Sequence[Limit]) -> dict[str, int]:
    """The least number of each parameter that binds an instrument, whatever the scope."""
    member = {Scope.INSTRUMENT: spec.symbol, Scope.CLASS: spec.asset_class, Scope.VENUE: spec.venue}
    found: dict[str, int] = {}
    for limit in limits:
        own = member.get(limit.scope)
        if own is not None and own not in limit.members:
            continue
        at = 0
        for param in rules[limit.rule].params:
            n = limit.values[at]
            at += WIDTH[param.unit]
            if n != OFF:
                found[param.name] = min(n, found.get(param.name, n))
    return found


def _first_seen(config: SessionConfig, every: Sequence[Instrument], chosen: Sequence[Instrument]) -> tuple[int, dict[str, int]]:
    """When the configuration's own feeds start and the first price of each instrument, as far as they can be read and soon say one."""
    wanted = {n: i for n, i in enumerate(every) if i in chosen}
    found: dict[str, int] = {}
    start_ns = looked_at = 0
    try:
        for block in MergedFeed([feed.reader(every) for feed in config.feeds]).blocks():
            if not isinstance(block, Ticks):
                continue
            start_ns = start_ns or int(block.recv_ns[0])
            for n, spec in wanted.items():
                px = _price_in(block, n) // spec.tick_px * spec.tick_px
                if px > 0:
                    found.setdefault(spec.symbol, px)
            looked_at += len(block)
            if len(found) == len(wanted) or looked_at > _MOST_LOOKED_AT:
                break
    except (FeedError, OSError):
        pass  # the scenario needs a scale, not the data: without it the scale is a round one, and says so
    return start_ns or START_NS, found


def _price_in(block: Ticks, instrument: int) -> int:
    """The first price of an instrument in a table, 0 without any."""
    for at in (block.instrument == instrument).nonzero()[0].tolist():
        tick = block.event(at)
        if isinstance(tick, TradePrinted):
            return tick.px
        if not isinstance(tick, QuoteUpdated):
            return tick.close_px
        if tick.bid_qty or tick.ask_qty:
            return tick.bid_px if tick.bid_qty else tick.ask_px
    return 0
