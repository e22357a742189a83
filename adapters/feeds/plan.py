"""Decides, once per feed, what each column of a file turns into: a layout resolved against the session's instruments.

Invariants: a row means the same whichever path reads it (`rows` one by one, `columns` at once); both read this plan only.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from adapters.feeds.layout import Layout, TimeColumn
from domain.errors import ConfigInvalid
from domain.instrument import Instrument
from domain.money import to_int
from domain.terms import Side, TickKind
from domain.ticks import PX

Ints = NDArray[np.int64]
UNIT_DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
SIDES = {"buy": int(Side.BUY), "sell": int(Side.SELL), "none": int(Side.NONE)}
KINDS = {"trades": TickKind.TRADE, "quotes": TickKind.QUOTE, "bars": TickKind.BAR}
SIZES = frozenset({"size", "bid_size", "ask_size", "volume"})
MAX = 2**63 - 1
_SECOND_NS = 1_000_000_000
_QUARTER_S = 900
QUARTER_NS = _QUARTER_S * _SECOND_NS
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NAIVE_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 (wall time of a named zone)
_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")


class RowRefused(Exception):
    """A row cannot become a tick; `reason` is one sentence."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Value:
    """One value row of the tick table: where it comes from and by which power of ten it becomes the instrument's integer.

    `shift[i]` is digits of instrument i minus the column's scale. `size` says that it is a quantity, not a price.
    """

    name: str
    row: int
    column: str | None
    default: str
    shift: Ints
    size: bool


@dataclass(slots=True)
class State:
    """What reading carries from row to row: the last receive time, the last filled quote sides, and what was seen and left out."""

    last_ns: int | None = None
    sides: dict[int, list[int]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Plan:
    """A layout with its instruments resolved. `index` maps a text of `symbol_column` to an instrument, `fixed` is the one of `symbol`."""

    layout: Layout
    kind: int
    fixed: int
    index: dict[str, int]
    values: tuple[Value, ...]
    symbols: tuple[str, ...]

    @property
    def shift_ns(self) -> int:
        """What is added to the time column to reach the moment of the tick."""
        interval = self.layout.interval
        return interval if interval is not None and self.layout.bar_time == "start" else 0


def plan_of(layout: Layout, instruments: Sequence[Instrument]) -> Plan:
    """The plan of a layout over these instruments. Raises ConfigInvalid for a symbol that is not among them."""
    by_symbol = {i.symbol: n for n, i in enumerate(instruments)}
    known = ", ".join(by_symbol)
    wanted = [("symbol", layout.symbol)] if layout.symbol is not None else [(f"aliases.{a}", s) for a, s in layout.aliases.items()]
    faults = [(place, f"no instrument has the symbol {s!r}; the symbols are {known}") for place, s in wanted if s not in by_symbol]
    if not faults and layout.symbol is not None:
        faults = _default_faults(layout, instruments[by_symbol[layout.symbol]])
    if faults:
        raise ConfigInvalid(faults, place=layout.name)
    index = by_symbol | {a: by_symbol[s] for a, s in layout.aliases.items()}
    values = []
    for row, (name, column) in enumerate(layout.numbers(), start=PX):
        size = name in SIZES
        shift = np.array([(i.qty_digits if size else i.price_digits) - column.scale for i in instruments], dtype=np.int64)
        values.append(Value(name, row, column.column, column.default or "", shift, size))
    fixed = by_symbol[layout.symbol] if layout.symbol is not None else -1
    return Plan(layout, int(KINDS[layout.data]), fixed, index, tuple(values), tuple(i.symbol for i in instruments))


def _default_faults(layout: Layout, instrument: Instrument) -> list[tuple[str, str]]:
    faults = []
    for name, column in layout.numbers():
        if column.default is not None:
            size = name in SIZES
            try:
                n = to_int(column.default, (instrument.qty_digits if size else instrument.price_digits) - column.scale)
            except ValueError as e:
                faults.append((f"{name}.default", f"{e}, which {instrument.symbol} cannot hold"))
            else:
                if size and n < 0:
                    faults.append((f"{name}.default", f"{column.default} is negative"))
    return faults


def day_of(text: str) -> dt.date:
    """The date of YYYYMMDD or YYYY-MM-DD. Raises RowRefused."""
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return dt.date(*map(int, found.groups()))
    except ValueError:
        raise RowRefused(f"date {text!r} is no date of the form YYYYMMDD or YYYY-MM-DD") from None


@lru_cache(maxsize=4096)
def midnight_ns(day: dt.date, zone: str) -> int:
    """UTC nanoseconds of the start of a day in a time zone."""
    at = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (at - _EPOCH) // dt.timedelta(seconds=1) * _SECOND_NS


def fixed_midnight_ns(time: TimeColumn) -> int:
    """The midnight that a time column counts from; 0 when it has no fixed date."""
    return midnight_ns(time.date, time.timezone) if time.date is not None else 0


@lru_cache(maxsize=65536)
def wall_offset_ns(zone: str, quarter: int) -> int:
    """UTC offset of the wall-clock quarter hour `quarter` (counted from 1970) in a zone. Raises RowRefused for one the clocks skip.

    Source: the IANA time zone database; its changes of this century fall on quarter hours.
    """
    wall = _NAIVE_EPOCH + dt.timedelta(seconds=quarter * _QUARTER_S)
    there = wall.replace(tzinfo=ZoneInfo(zone))
    if there.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall:
        raise RowRefused(f"the clocks of {zone} skip the time {wall.isoformat(sep=' ')}")
    offset = there.utcoffset() or dt.timedelta(0)
    return offset // dt.timedelta(seconds=1) * _SECOND_NS
