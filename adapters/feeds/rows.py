"""Decides what one row of text means, exactly and with the reason when it means nothing: the slow path and the reference of `columns`.

Invariants: no float; a number that the instrument's digits cannot hold is refused, never rounded; every refusal says the column and the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from adapters.feeds.layout import TimeColumn
from adapters.feeds.plan import (
    MAX,
    QUARTER_NS,
    SIDES,
    UNIT_DIGITS,
    Plan,
    RowRefused,
    State,
    Value,
    day_of,
    fixed_midnight_ns,
    midnight_ns,
    wall_offset_ns,
)
from adapters.times import time_text
from domain.ticks import (
    ASK_PX,
    ASK_QTY,
    BAR,
    BID_PX,
    BID_QTY,
    CLOSE_PX,
    CONDITIONS,
    HIGH_PX,
    INTERVAL_NS,
    LOW_PX,
    OPEN_PX,
    QUOTE,
    ROWS,
    SIDE,
    TRADE,
    Ticks,
)

_NUMBER = re.compile(r"[ \t]*([+-]?)([0-9]*)(?:[.]([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?[ \t]*")
_TIME = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]{1,9}))?)?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_NS = 1_000_000_000
_DIGITS = 60
_MEANING = {"locked": "bid and ask are at one price", "crossed": "the bid is above the ask"}


def parts(what: str, text: str) -> tuple[int, int]:
    """The exact number of a text as (integer n, power of ten p): its value is n × 10^p. Raises RowRefused."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        if not text.strip():
            raise RowRefused(f"{what} is missing")
        finite = "finite " if text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity") else ""
        raise RowRefused(f"{what} {text!r} is not a {finite}number")
    sign, whole, part, power = found[1], found[2], found[3] or "", int(found[4] or 0)
    if len(whole) + len(part) > _DIGITS:
        raise RowRefused(f"{what} {text!r} has more than {_DIGITS} digits")
    n = int(whole + part)
    return (-n if sign == "-" else n), power - len(part)


def exact(what: str, text: str, shift: int, unit: str) -> int:
    """The text's number × 10^shift as an integer. Raises RowRefused when it is none or exceeds 64 bits; `unit` names the grid it is off."""
    n, power = parts(what, text)
    power += shift
    if n == 0:
        return 0
    if power >= 0:
        value = n * 10 ** min(power, _DIGITS)
    else:
        value, left = divmod(n, 10 ** min(-power, 2 * _DIGITS))
        if left:
            raise RowRefused(f"{what} {text!r} has more decimal digits than {unit}")
    if abs(value) > MAX:
        raise RowRefused(f"{what} {text!r} is too large")
    return value


def iso_ns(what: str, text: str, zone: str) -> int:
    """UTC nanoseconds of an ISO 8601 time; without an offset it is wall time in `zone`. Raises RowRefused. Source: ISO 8601."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise RowRefused(f"{what} {text!r} is not an ISO time" if text.strip() else f"{what} is missing")
    year, month, day, hour, minute, second, part, offset = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        raise RowRefused(f"{what} {text!r} is no time that exists") from None
    ns = (moment - _EPOCH) // timedelta(seconds=1) * _SECOND_NS + int((part or "0").ljust(9, "0"))
    if not -MAX <= ns <= MAX:
        raise RowRefused(f"{what} {text!r} is outside the years 1678 to 2262")
    if offset is None:
        return ns - wall_offset_ns(zone, ns // QUARTER_NS) if zone != "UTC" else ns
    digits = offset[1:].replace(":", "").ljust(4, "0") if offset != "Z" else "0000"
    ahead = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * _SECOND_NS
    return ns + ahead if offset[0] == "-" else ns - ahead


class Rows:
    """Reads rows given as column -> text. `state` is shared with the fast path; it changes only by rows that are taken or left out."""

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan = plan
        self.state = state

    def tick(self, cells: Mapping[str, str]) -> list[int] | None:
        """The row as a tick-table column of ten integers, None when the layout leaves it out. Raises RowRefused."""
        plan, layout = self.plan, self.plan.layout
        if self._left_out(cells):
            return None
        inst = self._instrument(cells)
        event = self._time("time", layout.time, cells) + plan.shift_ns
        recv = self._time("recv", layout.recv, cells) if layout.recv is not None else event + layout.latency
        if not (-MAX <= event <= MAX and -MAX <= recv <= MAX):
            raise RowRefused(f"time {cells[layout.time.column]!r} is outside the years 1678 to 2262")
        tick = [plan.kind, inst, event, recv, *[0] * (ROWS - 4)]
        for value in plan.values:
            tick[value.row] = self._value(value, inst, cells)
        if self.state.last_ns is not None and recv < self.state.last_ns:
            raise RowRefused(f"time goes back: {time_text(recv)} after {time_text(self.state.last_ns)}")
        if plan.kind == TRADE:
            self._trade(tick, cells)
        elif plan.kind == BAR:
            self._bar(tick)
        dropped = plan.kind == QUOTE and self._quote(tick)
        self.state.last_ns = recv
        return None if dropped else tick

    def _left_out(self, cells: Mapping[str, str]) -> bool:
        layout, dropped = self.plan.layout, self.state.dropped
        for column, texts in layout.skip.items():
            if cells[column] in texts:
                dropped[f"skip {column}"] += 1
                return True
        for column, texts in layout.keep.items():
            if cells[column] not in texts:
                dropped[f"keep {column}"] += 1
                return True
        for column, (low, high) in layout.between.items():
            n, power = parts(column, cells[column])
            if not low <= Decimal(f"{n}E{power}") < high:
                dropped[f"between {column}"] += 1
                return True
        return False

    def _instrument(self, cells: Mapping[str, str]) -> int:
        plan = self.plan
        if plan.layout.symbol_column is None:
            return plan.fixed
        text = cells[plan.layout.symbol_column]
        found = plan.index.get(text)
        if found is None:
            raise RowRefused(f"symbol {text!r} is not among the session's instruments ({', '.join(plan.symbols)})")
        return found

    def _time(self, what: str, time: TimeColumn, cells: Mapping[str, str]) -> int:
        text = cells[time.column]
        if time.unit == "iso":
            return iso_ns(what, text, time.timezone) + time.offset_ns
        ns = exact(what, text, UNIT_DIGITS[time.unit], "a nanosecond")
        start = midnight_ns(day_of(cells[time.date_column]), time.timezone) if time.date_column is not None else fixed_midnight_ns(time)
        return start + ns + time.offset_ns

    def _value(self, value: Value, inst: int, cells: Mapping[str, str]) -> int:
        symbol = self.plan.symbols[inst]
        text = value.default if value.column is None else cells[value.column]
        n = exact(value.name, text, int(value.shift[inst]), f"{symbol} has")
        if value.size and n < 0:
            raise RowRefused(f"{value.name} {text!r} is negative")
        return n

    def _trade(self, tick: list[int], cells: Mapping[str, str]) -> None:
        layout = self.plan.layout
        if tick[5] == 0:
            raise RowRefused("size is zero")
        if layout.side is not None:
            text = cells[layout.side.column]
            word = layout.side.values.get(text)
            if word is None:
                raise RowRefused(f"side {text!r} is none of {', '.join(layout.side.values)}")
            tick[SIDE] = SIDES[word]
        if layout.conditions is not None:
            tick[CONDITIONS] = bits(cells[layout.conditions.column], layout.conditions.base)

    def _bar(self, tick: list[int]) -> None:
        tick[INTERVAL_NS] = self.plan.layout.interval or 0
        if not (tick[LOW_PX] <= min(tick[OPEN_PX], tick[CLOSE_PX]) and max(tick[OPEN_PX], tick[CLOSE_PX]) <= tick[HIGH_PX]):
            raise RowRefused("the bar's open and close are not between its low and high")

    def _quote(self, tick: list[int]) -> bool:
        """Fills empty sides, applies the policies; True when the quote is left out."""
        layout, state = self.plan.layout, self.state
        if layout.one_sided == "carry":
            sides = state.sides.setdefault(tick[1], [0, 0, 0, 0])
            for px, qty in ((BID_PX, BID_QTY), (ASK_PX, ASK_QTY)):
                if tick[qty]:
                    sides[px - BID_PX], sides[qty - BID_PX] = tick[px], tick[qty]
            tick[BID_PX : ASK_QTY + 1] = sides
        if not (tick[BID_QTY] and tick[ASK_QTY]) or tick[BID_PX] < tick[ASK_PX]:
            return False
        word = "locked" if tick[BID_PX] == tick[ASK_PX] else "crossed"
        policy = layout.locked if word == "locked" else layout.crossed
        state.seen[word] += 1
        if policy == "refuse":
            raise RowRefused(f"the quote is {word}: {_MEANING[word]}")
        if policy == "drop":
            state.dropped[word] += 1
        return policy == "drop"


def bits(text: str, base: int) -> int:
    """Condition bits as a non-negative integer. Raises RowRefused."""
    try:
        n = int(text, base) if re.fullmatch(r"(?:0[xX])?[0-9a-fA-F]+" if base == 16 else r"[0-9]+", text) else -1
    except ValueError:
        n = -1
    if not 0 <= n <= MAX:
        raise RowRefused(f"conditions {text!r} are not bits in base {base}")
    return n


def table_of(ticks: list[list[int]]) -> Ticks:
    """A table from single tick columns of ten integers."""
    return Ticks(np.array(ticks, dtype=np.int64).reshape(-1, ROWS).T.copy())
