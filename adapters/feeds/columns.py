"""Decides what whole columns mean at once: the fast path, which either agrees with `rows` on every row or declines the lot.

Invariants: exact (text → decimal128 → int64, never through float); a batch is declined, and the state left alone, as soon as one row
would be refused; text numbers have at most 19 digits here, because arrow wraps around silently beyond 38, and a zero is believed
only of a text that says zero, because arrow reads 7E-44 as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adapters.feeds.layout import TimeColumn
from adapters.feeds.plan import (
    QUARTER_NS,
    SIDES,
    UNIT_DIGITS,
    Ints,
    Plan,
    RowRefused,
    State,
    Value,
    day_of,
    fixed_midnight_ns,
    midnight_ns,
    wall_offset_ns,
)
from adapters.feeds.rows import bits, exact
from domain.ticks import (
    ASK_PX,
    ASK_QTY,
    BAR,
    BID_PX,
    BID_QTY,
    CLOSE_PX,
    CONDITIONS,
    EVENT_NS,
    HIGH_PX,
    INSTRUMENT,
    INTERVAL_NS,
    KIND,
    LOW_PX,
    OPEN_PX,
    QTY,
    QUOTE,
    RECV_NS,
    ROWS,
    SIDE,
    TRADE,
    Ticks,
)

_TEXT_DIGITS = 19
_MAX_SCALE = 18
_FAR = 1 << 62
_NEAR = 1 << 60
_WORD = pa.dictionary(pa.int32(), pa.string())
_NOT_ZERO = "^[^eE]*[1-9]"
_BAD = np.iinfo(np.int64).min

Mask = NDArray[np.bool_]


class Declined(Exception):
    """Some row of the batch has to be looked at one by one."""


def decline_if(condition: object) -> None:
    """Raise Declined when `condition` is true."""
    if condition:
        raise Declined


def text_types(plan: Plan) -> dict[str, Any]:
    """The arrow type in which each column of a text table is read; string where two uses want different ones."""
    layout = plan.layout
    wanted: dict[str, set[Any]] = {}

    def want(column: str | None, kind: Any) -> None:
        if column is not None:
            wanted.setdefault(column, set()).add(kind)

    for time in (layout.time, layout.recv):
        if time is not None:
            want(time.column, pa.string() if time.unit == "iso" else pa.decimal128(_TEXT_DIGITS, UNIT_DIGITS[time.unit]))
            want(time.date_column, _WORD)
    for value in plan.values:
        want(value.column, pa.decimal128(_TEXT_DIGITS, _top(value, plan.fixed)))
    want(layout.symbol_column, _WORD)
    for coded in (layout.side, layout.conditions):
        want(coded.column if coded is not None else None, _WORD)
    for column in (*layout.skip, *layout.keep):
        want(column, _WORD)
    for column, bounds in layout.between.items():
        want(column, pa.decimal128(_TEXT_DIGITS, _bounds_scale(bounds)))
    return {column: kinds.pop() if len(kinds) == 1 else pa.string() for column, kinds in wanted.items()}


def _top(value: Value, fixed: int) -> int:
    """The decimal digits that hold the column for every instrument it may belong to."""
    return min(_MAX_SCALE, max(0, int(value.shift[fixed] if fixed >= 0 else value.shift.max())))


def _bounds_scale(bounds: tuple[Any, Any]) -> int:
    return min(_MAX_SCALE, max(0, *(-int(b.as_tuple().exponent) for b in bounds)))


def scaled(column: Any, digits: int) -> Ints:
    """An arrow column × 10^digits as int64, exact. Raises Declined for nulls, off-grid or too large numbers; ArrowInvalid for text that is none."""
    kind = column.type
    decline_if(column.null_count)
    if pa.types.is_integer(kind) and digits == 0 and kind != pa.uint64():
        return column.cast(pa.int64()).to_numpy()
    if pa.types.is_floating(kind):
        column = column.cast(pa.string())
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    told = column
    if not (pa.types.is_decimal128(column.type) and column.type.scale == digits):
        column = column.cast(pa.decimal128(_TEXT_DIGITS if text else 38, digits))
    words = np.frombuffer(column.buffers()[1], dtype="<i8")[2 * column.offset : 2 * (column.offset + len(column))]
    low = words[0::2].astype(np.int64, copy=False)
    decline_if((words[1::2] != low >> 63).any())
    if text and not low.all():
        zeros = told.filter(pa.array(low == 0))
        decline_if(pc.any(pc.match_substring_regex(zeros, _NOT_ZERO)).as_py())
    return low


def mapped(column: Any, meaning: Callable[[str], int]) -> Ints:
    """Each text of a column through `meaning`, called once per distinct text. Raises Declined where a text that occurs is refused."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    decline_if(column.null_count or column.dictionary.null_count)

    def code(text: str) -> int:
        try:
            return meaning(text)
        except RowRefused:
            return _BAD

    table = np.array([code(str(word)) for word in column.dictionary.to_pylist()], dtype=np.int64)
    found = table[column.indices.to_numpy()] if len(table) else np.zeros(0, dtype=np.int64)
    decline_if((found == _BAD).any())
    return found


def iso(column: Any, zone: str) -> Ints:
    """UTC nanoseconds of ISO text or timestamps; without an offset they are wall time in `zone`."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    decline_if(column.null_count)
    if pa.types.is_timestamp(column.type):
        return _utc(column.cast(pa.timestamp("ns", column.type.tz)), None if column.type.tz else zone)
    column = column.cast(pa.timestamp("s") if pa.types.is_date(column.type) else pa.string())
    if pa.types.is_timestamp(column.type):
        return _utc(column.cast(pa.timestamp("ns")), zone)
    if len(column) and "-" not in column[0].as_py()[:8]:
        column = pc.replace_substring_regex(column, r"^(\d{4})(\d{2})(\d{2})([ T]|$)", r"\1-\2-\3\4")
    try:
        return _utc(column.cast(pa.timestamp("ns")), zone)
    except pa.ArrowInvalid:
        return _utc(column.cast(pa.timestamp("ns", "UTC")), None)


def _utc(stamps: Any, zone: str | None) -> Ints:
    ns: Ints = stamps.cast(pa.int64()).to_numpy()
    if zone in (None, "UTC") or not len(ns):
        return ns
    quarter = ns // QUARTER_NS
    starts = np.concatenate(([0], np.flatnonzero(np.diff(quarter)) + 1))
    offsets = np.array([wall_offset_ns(str(zone), q) for q in quarter[starts].tolist()], dtype=np.int64)
    return ns - np.repeat(offsets, np.diff(np.append(starts, len(ns))))


class Columns:
    """Reads batches of arrow columns by a plan; `state` is shared with `Rows`."""

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan = plan
        self.state = state

    def ticks(self, get: Callable[[str], Any], n: int) -> Ticks | None:
        """The n rows as a tick table without the rows the layout leaves out; None, and nothing changed, when a row needs the slow path."""
        try:
            return self._ticks(get, n)
        except (Declined, RowRefused, pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None

    def _ticks(self, get: Callable[[str], Any], n: int) -> Ticks:
        plan, layout = self.plan, self.plan.layout
        left_out, alive = self._alive(get, n)
        cols = np.zeros((ROWS, n), dtype=np.int64)
        cols[KIND] = plan.kind
        cols[INSTRUMENT] = plan.fixed if layout.symbol_column is None else mapped(get(layout.symbol_column), self._index)
        np.add(_time(layout.time, get), plan.shift_ns, out=cols[EVENT_NS])
        if layout.recv is None:
            np.add(cols[EVENT_NS], layout.latency, out=cols[RECV_NS])
        else:
            cols[RECV_NS] = _time(layout.recv, get)
        for value in plan.values:
            self._value(value, get, cols)
        if plan.kind == TRADE:
            self._trades(get, cols)
        if not alive.all():
            cols = cols[:, alive]
        recv = cols[RECV_NS]
        last = self.state.last_ns
        if len(recv):
            decline_if((recv[1:] < recv[:-1]).any() or (last is not None and recv[0] < last))
            last = int(recv[-1])
        if plan.kind == BAR:
            cols[INTERVAL_NS] = layout.interval or 0
            decline_if((cols[LOW_PX] > np.minimum(cols[OPEN_PX], cols[CLOSE_PX])).any())
            decline_if((cols[HIGH_PX] < np.maximum(cols[OPEN_PX], cols[CLOSE_PX])).any())
        elif plan.kind == QUOTE:
            cols = self._quotes(cols)
        self.state.dropped.update(left_out)
        self.state.last_ns = last
        return Ticks(cols)

    def _alive(self, get: Callable[[str], Any], n: int) -> tuple[dict[str, int], Mask]:
        """Which rows the layout takes, and how many it leaves out by which condition, the first that applies."""
        layout = self.plan.layout
        alive = np.ones(n, dtype=np.bool_)
        left_out: dict[str, int] = {}

        def leave(name: str, out: Mask) -> None:
            count = int((out & alive).sum())
            if count:
                left_out[name] = count
                np.logical_and(alive, ~out, out=alive)

        for column, texts in layout.skip.items():
            leave(f"skip {column}", mapped(get(column), _among(texts)) != 0)
        for column, texts in layout.keep.items():
            leave(f"keep {column}", mapped(get(column), _among(texts)) == 0)
        for column, bounds in layout.between.items():
            digits = _bounds_scale(bounds)
            low, high = (int(b.scaleb(digits)) for b in bounds)
            found = scaled(get(column), digits)
            leave(f"between {column}", (found < low) | (found >= high))
        return left_out, alive

    def _index(self, text: str) -> int:
        found = self.plan.index.get(text)
        if found is None:
            raise RowRefused("unknown symbol")
        return found

    def _value(self, value: Value, get: Callable[[str], Any], cols: Ints) -> None:
        """Fills one value row: the column's numbers in the digits of each row's instrument."""
        out = cols[value.row]
        inst = cols[INSTRUMENT]
        if value.column is None:
            for i in np.unique(inst).tolist():
                out[inst == i] = exact(value.name, value.default, int(value.shift[i]), "")
        else:
            top = _top(value, self.plan.fixed)
            found = scaled(get(value.column), top)
            down = top - (value.shift[self.plan.fixed] if self.plan.fixed >= 0 else value.shift[inst])
            decline_if(np.any(down < 0) or np.any(down > _MAX_SCALE))
            if np.any(down):
                divisor = 10 ** np.asarray(down, dtype=np.int64)
                decline_if((found % divisor).any())
                found = found // divisor
            decline_if((found == _BAD).any())
            out[:] = found
        decline_if(value.size and (out < 0).any())

    def _trades(self, get: Callable[[str], Any], cols: Ints) -> None:
        layout = self.plan.layout
        decline_if((cols[QTY] == 0).any())
        if layout.side is not None:
            values = {text: SIDES[word] for text, word in layout.side.values.items()}
            cols[SIDE] = mapped(get(layout.side.column), lambda text: values.get(text, _BAD))
        if layout.conditions is not None:
            base = layout.conditions.base
            cols[CONDITIONS] = mapped(get(layout.conditions.column), lambda text: bits(text, base))

    def _quotes(self, cols: Ints) -> Ints:
        """Fills empty sides and applies the policies; the state's sides and counts follow when nothing declines."""
        layout, state = self.plan.layout, self.state
        sides = _carry(cols, state.sides) if layout.one_sided == "carry" else {}
        both = (cols[BID_QTY] != 0) & (cols[ASK_QTY] != 0)
        out = np.zeros(cols.shape[1], dtype=np.bool_)
        counts = {}
        for word, policy, mask in (
            ("crossed", layout.crossed, both & (cols[BID_PX] > cols[ASK_PX])),
            ("locked", layout.locked, both & (cols[BID_PX] == cols[ASK_PX])),
        ):
            count = int(mask.sum())
            if not count:
                continue
            decline_if(policy == "refuse")
            counts[word] = (count, policy == "drop")
            if policy == "drop":
                out |= mask
        state.sides.update(sides)
        for word, (count, dropped) in counts.items():
            state.seen[word] += count
            if dropped:
                state.dropped[word] += count
        return cols[:, ~out] if out.any() else cols


def _among(texts: tuple[str, ...]) -> Callable[[str], int]:
    return lambda text: int(text in texts)


def _time(time: TimeColumn, get: Callable[[str], Any]) -> Ints:
    if time.unit == "iso":
        ns = iso(get(time.column), time.timezone)
        decline_if((ns > _FAR).any() or (ns < -_FAR).any())
        return ns + time.offset_ns
    ns = scaled(get(time.column), UNIT_DIGITS[time.unit])
    dated = time.date is not None or time.date_column is not None
    reach = _NEAR if dated else _FAR
    decline_if((ns > reach).any() or (ns < -reach).any())
    if not dated:
        return ns + time.offset_ns
    if time.date_column is not None:
        start: Any = mapped(get(time.date_column), lambda text: _start(midnight_ns(day_of(text), time.timezone)))
    else:
        start = _start(fixed_midnight_ns(time))
    return ns + start + time.offset_ns


def _start(ns: int) -> int:
    decline_if(abs(ns) > _FAR)
    return ns


def _carry(cols: Ints, known: dict[int, list[int]]) -> dict[int, list[int]]:
    """Replaces empty sides by the last filled ones, instrument by instrument, in place; returns the sides after the last row."""
    sides: dict[int, list[int]] = {}
    for inst in np.unique(cols[INSTRUMENT]).tolist():
        rows = np.flatnonzero(cols[INSTRUMENT] == inst)
        before = known.get(inst, [0, 0, 0, 0])
        after = list(before)
        for px, qty in ((BID_PX, BID_QTY), (ASK_PX, ASK_QTY)):
            at = np.maximum.accumulate(np.where(cols[qty, rows] != 0, np.arange(len(rows)), -1))
            for row in (px, qty):
                filled = np.where(at >= 0, cols[row, rows][np.maximum(at, 0)], before[row - BID_PX])
                cols[row, rows] = filled
                after[row - BID_PX] = int(filled[-1])
        sides[inst] = after
    return sides
