"""Decides what the market looked like at the point folded to: last trade, quote and bar per instrument, and a chart of each.

Invariants: a chart holds a bounded number of buckets; its interval doubles when there are too many, so what is kept depends on the data alone.
Trades and bars make one series, the middles of quotes another; the chart shows trades where there are any.
"""

from __future__ import annotations

import msgspec
import numpy as np

from domain.events import BarClosed, QuoteUpdated, SessionOpened, TradePrinted
from domain.instrument import Instrument
from domain.ticks import (
    ASK_PX,
    ASK_QTY,
    BAR,
    BID_PX,
    BID_QTY,
    CLOSE_PX,
    EVENT_NS,
    HIGH_PX,
    INSTRUMENT,
    KIND,
    LOW_PX,
    OPEN_PX,
    PX,
    QTY,
    QUOTE,
    RECV_NS,
    TRADE,
    VOLUME_QTY,
    Columns,
    Tick,
    Ticks,
)
from projections import Fold
from projections.columns import BATCH, Numbers, Pending, groups, numbers, reach

MINUTE_NS = 60_000_000_000
BUCKETS = 2_000


class Last(msgspec.Struct, frozen=True, gc=False):
    """The last tick of each sort with its seq, None and 0 before the first."""

    index: int
    instrument: Instrument
    trade: TradePrinted | None
    trade_seq: int
    quote: QuoteUpdated | None
    quote_seq: int
    bar: BarClosed | None
    bar_seq: int


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """One candle of a chart: from start_ns, for the chart's interval. Prices in 10^-price_digits of the chart, volume in 10^-qty_digits of the instrument."""

    start_ns: int
    open_px: int
    high_px: int
    low_px: int
    close_px: int
    volume_qty: int
    ticks: int


class Chart(msgspec.Struct, frozen=True, gc=False):
    """Candles of one instrument, only where something happened. `of`: trades (and bars), or quotes (middles, one digit more)."""

    index: int
    instrument: Instrument
    of: str
    interval_ns: int
    price_digits: int
    buckets: tuple[Bucket, ...]


class _Series:
    """Buckets of one price series, as [cell, open, high, low, close, volume, ticks]."""

    __slots__ = ("interval_ns", "limit", "rows")

    def __init__(self, interval_ns: int, limit: int) -> None:
        self.interval_ns = interval_ns
        self.limit = limit
        self.rows: list[list[int]] = []

    def extend(self, ns: Columns, opens: Numbers, highs: Numbers, lows: Numbers, closes: Numbers, volumes: Numbers) -> None:
        """Append points in order of time, arrays of shape (n,), n > 0."""
        while True:
            cells = ns // self.interval_ns
            starts = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
            joins = bool(self.rows) and self.rows[-1][0] == int(cells[0])
            if len(self.rows) - joins + len(starts) <= self.limit:
                break
            self._double()
        ends = np.append(starts[1:], len(ns))
        fresh = zip(
            cells[starts].tolist(), opens[starts].tolist(), np.maximum.reduceat(highs, starts).tolist(), np.minimum.reduceat(lows, starts).tolist(),
            closes[ends - 1].tolist(), np.add.reduceat(volumes, starts).tolist(), (ends - starts).tolist(), strict=True,
        )  # fmt: skip
        for row in fresh:
            self._append(list(row))

    def _append(self, row: list[int]) -> None:
        if not self.rows or self.rows[-1][0] != row[0]:
            self.rows.append(row)
            return
        last = self.rows[-1]
        last[2] = max(last[2], row[2])
        last[3] = min(last[3], row[3])
        last[4] = row[4]
        last[5] += row[5]
        last[6] += row[6]

    def _double(self) -> None:
        self.interval_ns *= 2
        rows, self.rows = self.rows, []
        for row in rows:
            row[0] //= 2
            self._append(row)


class _Sight:
    """One instrument: its last ticks as (seq, table column), its two series, and the time its charts have reached."""

    __slots__ = ("last", "mids", "prints", "reached_ns")

    def __init__(self, interval_ns: int, limit: int) -> None:
        self.last: dict[int, tuple[int, Tick]] = {}
        self.prints = _Series(interval_ns, limit)
        self.mids = _Series(interval_ns, limit)
        self.reached_ns = 0


class Market(Fold):
    """Market data of a session, as of the last tick folded. `interval_ns` and `buckets` bound the charts."""

    def __init__(self, *, interval_ns: int = MINUTE_NS, buckets: int = BUCKETS) -> None:
        self.instruments: tuple[Instrument, ...] = ()
        self._interval_ns = interval_ns
        self._buckets = buckets
        self._sights: list[_Sight] = []
        self._pending = Pending()
        self.handlers = {SessionOpened: self._open}

    def _open(self, seq: int, event: SessionOpened) -> None:
        self.instruments = event.instruments
        self._sights = [_Sight(self._interval_ns, self._buckets) for _ in event.instruments]

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        self._pending.add(first_seq, ticks)
        if self._pending.n >= BATCH:
            self._work()

    def _work(self) -> None:
        if not self._pending.n:
            return
        cols, seqs = self._pending.take()
        table = Ticks(cols)
        for i, places in groups(cols[INSTRUMENT]):
            sight = self._sights[i]
            kind = cols[KIND][places]
            for sort in (TRADE, QUOTE, BAR):
                found = places[kind == sort]
                if len(found):
                    place = int(found[-1])
                    sight.last[sort] = (int(seqs[place]), table.event(place))
            self._chart(sight, cols[:, places], kind)

    def _chart(self, sight: _Sight, cols: Columns, kind: Columns) -> None:
        # A bar belongs to the time it covers, and arrives when that is over.
        ns = np.where(kind == BAR, np.minimum(cols[EVENT_NS], cols[RECV_NS]) - 1, cols[RECV_NS])
        ns = np.maximum.accumulate(np.maximum(ns, sight.reached_ns))
        sight.reached_ns = int(ns[-1])
        prints = kind != QUOTE
        if prints.any():
            bar = kind[prints] == BAR
            p = cols[:, prints]
            volume = np.where(bar, p[VOLUME_QTY], p[QTY])
            sight.prints.extend(
                ns[prints], np.where(bar, p[OPEN_PX], p[PX]), np.where(bar, p[HIGH_PX], p[PX]), np.where(bar, p[LOW_PX], p[PX]),
                np.where(bar, p[CLOSE_PX], p[PX]), volume.astype(numbers(len(volume) * reach(volume))),
            )  # fmt: skip
        quoted = ~prints & (cols[BID_QTY] > 0) & (cols[ASK_QTY] > 0)
        if quoted.any():
            bid, ask = cols[BID_PX][quoted], cols[ASK_PX][quoted]
            dtype = numbers(2 * max(reach(bid), reach(ask)))
            middle = bid.astype(dtype) + ask.astype(dtype)
            sight.mids.extend(ns[quoted], middle, middle, middle, middle, np.zeros(len(middle), dtype=np.int64))

    def last(self, index: int) -> Last:
        """The last ticks of one instrument."""
        self._work()
        found = self._sights[index].last
        trade_seq, trade = found.get(TRADE, (0, None))
        quote_seq, quote = found.get(QUOTE, (0, None))
        bar_seq, bar = found.get(BAR, (0, None))
        return Last(index, self.instruments[index], trade, trade_seq, quote, quote_seq, bar, bar_seq)  # type: ignore[arg-type]

    def rows(self) -> list[Last]:
        """The last ticks of every instrument of the session."""
        return [self.last(i) for i in range(len(self.instruments))]

    def chart(self, index: int) -> Chart:
        """The instrument's candles, oldest first."""
        self._work()
        sight, spec = self._sights[index], self.instruments[index]
        of_trades = bool(sight.prints.rows) or not sight.mids.rows
        series, by = (sight.prints, 1) if of_trades else (sight.mids, 5)
        step = series.interval_ns
        buckets = tuple(Bucket(cell * step, o * by, h * by, lo * by, c * by, v, n) for cell, o, h, lo, c, v, n in series.rows)
        return Chart(index, spec, "trades" if of_trades else "quotes", step, spec.price_digits + (not of_trades), buckets)
