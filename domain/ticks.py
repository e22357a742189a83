"""Market data in columns: a run of ticks as one int64 table, and its canonical packing for the log.

Invariants: receive times never decrease inside a table; `unpack(pack(t)) == t`; equal tables pack to equal bytes; a packing
without `fault` is the one that `pack` gives for its table, and every tick of it is an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from domain.errors import LogCorrupt, invariant
from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.terms import Side, TickKind

# Final, each by itself: compiled rooms then hold the number and look nothing up.
ROWS: Final = 10
KIND: Final = 0
INSTRUMENT: Final = 1
EVENT_NS: Final = 2
RECV_NS: Final = 3
# The six value rows, by kind.
PX: Final = 4
QTY: Final = 5
SIDE: Final = 6
CONDITIONS: Final = 7
BID_PX: Final = 4
BID_QTY: Final = 5
ASK_PX: Final = 6
ASK_QTY: Final = 7
OPEN_PX: Final = 4
HIGH_PX: Final = 5
LOW_PX: Final = 6
CLOSE_PX: Final = 7
VOLUME_QTY: Final = 8
INTERVAL_NS: Final = 9
# The numbers of `TickKind`.
TRADE: Final = 1
QUOTE: Final = 2
BAR: Final = 3

_FEW = 16

Columns = NDArray[np.int64]
Tick = TradePrinted | QuoteUpdated | BarClosed
SIDE_OF = {int(s): s for s in Side}


class Ticks:
    """`cols`: int64 array of shape (10, n), one column per tick; rows are the constants of this module.

    Rows 0–3 hold kind, instrument index, venue time and receive time; rows 4–9 the values of the kind:
    trade (px, qty, side, conditions), quote (bid px, bid qty, ask px, ask qty), bar (open, high, low, close, volume, interval).
    `cache` is scratch space for whoever scans the table; it is no part of its value.
    """

    __slots__ = ("cache", "cols")

    def __init__(self, cols: Columns) -> None:
        self.cols = cols
        self.cache: dict[Any, Any] = {}

    def __len__(self) -> int:
        return self.cols.shape[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ticks) and np.array_equal(self.cols, other.cols)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ticks(n={len(self)})"

    @property
    def kind(self) -> Columns:
        return self.cols[KIND]

    @property
    def instrument(self) -> Columns:
        return self.cols[INSTRUMENT]

    @property
    def event_ns(self) -> Columns:
        return self.cols[EVENT_NS]

    @property
    def recv_ns(self) -> Columns:
        return self.cols[RECV_NS]

    def slice(self, start: int, stop: int) -> Ticks:
        """The ticks start..stop as a view, with an empty cache."""
        return Ticks(self.cols[:, start:stop])

    def lists(self) -> list[list[int]]:
        """All rows as Python lists (ten of length n), made once per table: scalar access is several times faster than on arrays."""
        rows = self.cache.get("lists")
        if rows is None:
            rows = self.cache["lists"] = self.cols.tolist()
        return rows

    def rows(self) -> list[Any]:
        """All rows for single values, made once per table: lists of a small one, memory views of a large one (nothing is converted that nobody
        asks for). Scalar access is faster than on arrays."""
        rows: list[Any] | None = self.cache.get("rows")
        if rows is None:
            rows = self.cache["rows"] = self.lists() if len(self) <= _FEW else [row.data for row in self.cols]
        return rows

    def uniform(self) -> tuple[int, int] | None:
        """(kind, instrument) when all ticks share both, else None. n must be > 0."""
        if "uniform" not in self.cache:
            head = self.cols[:2, 0]
            self.cache["uniform"] = (int(head[0]), int(head[1])) if bool((self.cols[:2] == head[:, None]).all()) else None
        return self.cache["uniform"]

    def event(self, i: int) -> Tick:
        """Tick i as an event."""
        return make_tick(*self.cols[:, i].tolist())

    def events(self, start: int = 0, stop: int | None = None) -> Iterator[Tick]:
        """Ticks start..stop as events, one by one."""
        end = len(self) if stop is None else stop
        if start >= end:
            return iter(())
        kind, inst, event, recv, *x = self.cols[:, start:end]
        uniform = self.uniform()
        if uniform is not None and uniform[0] != BAR:
            inst, event, recv, a, b, c, d = (row.tolist() for row in (inst, event, recv, *x[:4]))
            if uniform[0] == TRADE:
                return map(TradePrinted, recv, repeat(0), event, inst, a, b, map(SIDE_OF.__getitem__, c), d)
            return map(QuoteUpdated, recv, repeat(0), event, inst, a, b, c, d)
        return map(make_tick, *(row.tolist() for row in (kind, inst, event, recv, *x)))


def make_tick(kind: int, inst: int, event: int, recv: int, a: int, b: int, c: int, d: int, e: int, f: int) -> Tick:
    """One table column as an event. Raises ValueError for an unknown kind."""
    if kind == TRADE:
        return TradePrinted(recv, 0, event, inst, a, b, SIDE_OF[c], d)
    if kind == QUOTE:
        return QuoteUpdated(recv, 0, event, inst, a, b, c, d)
    if kind == BAR:
        return BarClosed(recv, 0, event, inst, a, b, c, d, e, f)
    raise ValueError(f"unknown tick kind {kind}")


def table(kind: TickKind, instrument: ArrayLike, event_ns: ArrayLike, recv_ns: ArrayLike, *values: ArrayLike) -> Ticks:
    """A table of one kind from parallel columns (scalars are repeated); `values` in the row order of the kind."""
    recv = np.asarray(recv_ns, dtype=np.int64)
    cols = np.zeros((ROWS, len(recv)), dtype=np.int64)
    cols[KIND] = int(kind)
    cols[INSTRUMENT] = instrument
    cols[EVENT_NS] = event_ns
    cols[RECV_NS] = recv
    for row, column in enumerate(values, start=PX):
        cols[row] = column
    return Ticks(cols)


def of_events(ticks: Sequence[Tick]) -> Ticks:
    """A table from single tick events, in order."""
    cols = np.zeros((ROWS, len(ticks)), dtype=np.int64)
    for i, t in enumerate(ticks):
        if isinstance(t, TradePrinted):
            cols[:8, i] = (TRADE, t.instrument, t.event_ns, t.ns, t.px, t.qty, t.side, t.conditions)
        elif isinstance(t, QuoteUpdated):
            cols[:8, i] = (QUOTE, t.instrument, t.event_ns, t.ns, t.bid_px, t.bid_qty, t.ask_px, t.ask_qty)
        else:
            cols[:, i] = (BAR, t.instrument, t.event_ns, t.ns, t.open_px, t.high_px, t.low_px, t.close_px, t.volume_qty, t.interval_ns)
    return Ticks(cols)


def concat(parts: Sequence[Ticks]) -> Ticks:
    """Tables one after another."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Ticks(np.zeros((ROWS, 0), dtype=np.int64))
    return Ticks(np.concatenate([p.cols for p in parts], axis=1))


MOST = 1 << 22
_INT64_MOST = (1 << 63) - 1
Int64 = Annotated[int, msgspec.Meta(ge=-_INT64_MOST - 1, le=_INT64_MOST)]


class PackedTicks(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`n` ticks in frame-of-reference packing: each row as its minimum and the unsigned distances from it in 0, 1, 2, 4 or 8 bytes.

    Receive times are packed as differences, venue times as distance from the receive time. `first_ns` is the first receive time.
    """

    n: Annotated[int, msgspec.Meta(ge=0, le=MOST)]
    first_ns: Int64
    widths: bytes
    bases: tuple[Int64, ...]
    data: bytes


_UNSIGNED: dict[int, np.dtype[Any]] = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<u8")}


def _width(span: int) -> int:
    """The bytes that hold 0..span."""
    return 0 if span == 0 else 1 if span < 0x100 else 2 if span < 0x10000 else 4 if span < 0x1_0000_0000 else 8


def pack(ticks: Ticks) -> PackedTicks:
    """The canonical packing; the same table always gives the same bytes. Raises InvariantBroken for a table that is no table of ticks."""
    cols = ticks.cols
    n = cols.shape[1]
    if n == 0:
        return PackedTicks(0, 0, b"", (), b"")
    invariant(n <= MOST, f"a commit holds at most {MOST} ticks")
    recv = cols[RECV_NS]
    waits = np.empty(n, dtype=np.int64)
    waits[0] = 0
    np.subtract(recv[1:], recv[:-1], out=waits[1:])
    rows: list[Columns] = list(cols)
    rows[EVENT_NS] = cols[EVENT_NS] - recv
    rows[RECV_NS] = waits
    bases = cols.min(axis=1).tolist()
    highs = cols.max(axis=1).tolist()
    for row in (EVENT_NS, RECV_NS):
        bases[row], highs[row] = int(rows[row].min()), int(rows[row].max())
    strange = _strange(bases, highs, cols.__getitem__)
    invariant(not strange, f"ticks have known kinds and sides and ordered times; this table holds {strange}")
    widths = bytes(map(_width, map(int.__sub__, highs, bases)))
    data = b"".join([(rows[row] - bases[row]).astype(_UNSIGNED[w]).tobytes() for row, w in enumerate(widths) if w])
    return PackedTicks(n, int(recv[0]), widths, tuple(bases), data)


def _strange(low: Sequence[int], high: Sequence[int], row: Callable[[int], Columns]) -> str:
    """What in a table is no tick, empty when nothing. `low`, `high`: the extremes of the packed rows; `row`: a row of the table."""
    if low[KIND] < TRADE or high[KIND] > BAR:
        return "an unknown kind of tick"
    if low[INSTRUMENT] < 0:
        return "a negative instrument"
    if low[RECV_NS] < 0:
        return "receive times that decrease"
    surplus = any(low[8:]) or any(high[8:])
    sides = low[SIDE] < Side.SELL or high[SIDE] > Side.BUY
    if low[KIND] == high[KIND]:
        surplus = surplus and low[KIND] != BAR
        sides = sides and low[KIND] == TRADE
    elif surplus or sides:
        kind = row(KIND)
        surplus = surplus and bool((row(8) | row(9))[kind != BAR].any())
        side = row(SIDE)[kind == TRADE]
        sides = sides and bool(((side < Side.SELL) | (side > Side.BUY)).any())
    if surplus:
        return "values beyond those of the tick's kind"
    return "an unknown side" if sides else ""


def _parts(packed: PackedTicks) -> list[NDArray[Any] | None]:
    """The packed rows as views of the data, None for constant ones. Raises LogCorrupt when the parts do not fit together."""
    n = packed.n
    if len(packed.widths) != ROWS or len(packed.bases) != ROWS or len(packed.data) != n * sum(packed.widths):
        raise LogCorrupt("a block of ticks has the wrong length")
    parts: list[NDArray[Any] | None] = []
    offset = 0
    for width in packed.widths:
        if width and width not in _UNSIGNED:
            raise LogCorrupt(f"a block of ticks has a column of width {width}")
        parts.append(np.frombuffer(packed.data, _UNSIGNED[width], n, offset) if width else None)
        offset += n * width
    return parts


def fault(packed: PackedTicks) -> str:
    """Why `pack` would not have written this, empty when it would have. Looks at the packed rows only: no table is made."""
    if packed.n == 0:
        return "" if packed == PackedTicks(0, 0, b"", (), b"") else "an empty block of ticks is not empty"
    try:
        parts = _parts(packed)
    except LogCorrupt as e:
        return e.sentence
    highs = list(packed.bases)
    for row, part in enumerate(parts):
        if part is None:
            continue
        span = int(part.max())
        highs[row] += span
        if part.min() or _width(span) != part.itemsize or highs[row] > _INT64_MOST:
            return "a block of ticks is not in canonical encoding"
    recv = parts[RECV_NS]
    if (0 if recv is None else int(recv[0])) + packed.bases[RECV_NS] or packed.first_ns + _spent(recv) > _INT64_MOST:
        return "a block of ticks has receive times that do not start at the first"
    strange = _strange(packed.bases, highs, lambda row: _column(parts[row], packed.bases[row], packed.n))
    return f"a block of ticks holds {strange}" if strange else ""


def _spent(recv: NDArray[Any] | None) -> int:
    """The time from the first to the last tick, exact; the differences have base 0 wherever this counts."""
    return 0 if recv is None else int(recv.sum(dtype=np.uint64)) if recv.itemsize < 8 else sum(recv.tolist())


def _column(part: NDArray[Any] | None, base: int, n: int) -> Columns:
    """One packed row as it was."""
    if part is None:
        return np.full(n, base, dtype=np.int64)
    return part.astype(np.int64) + base


def unpack(packed: PackedTicks) -> Ticks:
    """The table again. Raises LogCorrupt when the parts do not fit together; see `fault` for what it does not look at."""
    n = packed.n
    if n == 0:
        return Ticks(np.zeros((ROWS, 0), dtype=np.int64))
    cols = np.empty((ROWS, n), dtype=np.int64)
    for row, part in enumerate(_parts(packed)):
        if part is None:
            cols[row] = packed.bases[row]
        else:
            cols[row] = part.view(np.int64) if part.itemsize == 8 else part
            if packed.bases[row]:
                cols[row] += packed.bases[row]
    recv = cols[RECV_NS]
    recv[0] = packed.first_ns
    np.cumsum(recv, out=recv)
    cols[EVENT_NS] += recv
    return Ticks(cols)
