"""Decides how events become Parquet tables: trades, quotes, bars and all other events, each in its own file of a folder.

Invariants: prices and quantities are exact decimals in the digits of the finest instrument; times are UTC timestamps in nanoseconds;
memory is bounded by one row group; a file has its name only once it is complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.readable import Reader
from domain.commit import Commit
from domain.instrument import Instrument
from domain.money import POW10
from domain.terms import Side, TickKind
from domain.ticks import EVENT_NS, INSTRUMENT, INTERVAL_NS, KIND, PX, RECV_NS, SIDE, Columns, Ticks

GROUP_ROWS = 131_072
_TIME = pa.timestamp("ns", tz="UTC")
_WIDE = 38
_FILE_OF = {TickKind.TRADE: "trades", TickKind.QUOTE: "quotes", TickKind.BAR: "bars"}
_VALUES = {
    TickKind.TRADE: ("px", "qty", "side", "conditions"),
    TickKind.QUOTE: ("bid_px", "bid_qty", "ask_px", "ask_qty"),
    TickKind.BAR: ("open_px", "high_px", "low_px", "close_px", "volume_qty", "interval_ns"),
}
_EVENTS = pa.schema([
    ("seq", pa.int64()), ("type", pa.string()), ("time", _TIME), ("cause", pa.int64()), ("instrument", pa.string()),
    ("strategy", pa.string()), ("cl_ord_id", pa.string()), ("data", pa.string()),
])  # fmt: skip


def write_parquet(commits: Iterable[Commit], folder: Path) -> dict[str, int]:
    """Write `trades`, `quotes`, `bars` and `events` (as far as there are any) into `folder`; the rows of each file.

    `events.parquet` holds everything that is no tick, its fields as JSON text in `data`. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = _Folder(folder)
    try:
        for commit in commits:
            for seq, part in commit.segments():
                if isinstance(part, Ticks):
                    out.ticks(seq, part)
                else:
                    out.event(seq, part)
        return out.finish()
    except BaseException:
        out.abandon()
        raise


class _Folder:
    """The open files and the rows that wait for the next row group."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = Reader()
        self.writers: dict[str, pq.ParquetWriter] = {}
        self.rows: dict[str, int] = {}
        self.events: list[tuple[Any, ...]] = []
        self.waiting: dict[TickKind, list[tuple[Columns, Columns]]] = {}

    def event(self, seq: int, event: Any) -> None:
        row = self.reader.row(seq, event)
        data = {k: v for k, v in row.items() if k not in ("seq", "type", "time", "ns", "cause")}
        spec = self.reader.spec(self.reader.instrument_of(event))
        strategy = row.get("strategy")
        self.events.append((
            seq, row["type"], event.ns, event.cause, spec.symbol if spec else None, strategy if isinstance(strategy, str) else None,
            row.get("cl_ord_id"), msgspec.json.encode(data).decode(),
        ))  # fmt: skip
        if len(self.events) >= GROUP_ROWS:
            self._flush_events()

    def ticks(self, first_seq: int, ticks: Ticks) -> None:
        seqs = np.arange(first_seq, first_seq + len(ticks), dtype=np.int64)
        for kind in np.unique(ticks.kind).tolist():
            here = ticks.cols[KIND] == kind
            waiting = self.waiting.setdefault(TickKind(kind), [])
            waiting.append((seqs[here], ticks.cols[:, here]))
            if sum(len(s) for s, _ in waiting) >= GROUP_ROWS:
                self._flush_ticks(TickKind(kind))

    def _flush_ticks(self, kind: TickKind) -> None:
        waiting = self.waiting.pop(kind, [])
        if waiting:
            seqs = np.concatenate([s for s, _ in waiting])
            cols = np.concatenate([c for _, c in waiting], axis=1)
            self._write(_FILE_OF[kind], tick_table(kind, seqs, cols, self.reader.instruments))

    def _flush_events(self) -> None:
        if self.events:
            columns = list(zip(*self.events, strict=True))
            self.events = []
            self._write("events", pa.table([pa.array(c, type=f.type) for c, f in zip(columns, _EVENTS, strict=True)], schema=_EVENTS))

    def _write(self, name: str, table: pa.Table) -> None:
        writer = self.writers.get(name)
        if writer is None:
            writer = self.writers[name] = pq.ParquetWriter(self.folder / f"{name}.parquet.partial", table.schema, compression="zstd")
        writer.write_table(table)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def finish(self) -> dict[str, int]:
        for kind in list(self.waiting):
            self._flush_ticks(kind)
        self._flush_events()
        for name, writer in self.writers.items():
            writer.close()
            (self.folder / f"{name}.parquet.partial").replace(self.folder / f"{name}.parquet")
        return self.rows

    def abandon(self) -> None:
        for name, writer in self.writers.items():
            writer.close()
            (self.folder / f"{name}.parquet.partial").unlink(missing_ok=True)


def tick_table(kind: TickKind, seqs: Columns, cols: Columns, instruments: tuple[Instrument, ...]) -> pa.Table:
    """Ticks of one kind as an Arrow table. `cols`: int64 (10, n) as in `domain.ticks`, `seqs`: int64 (n,)."""
    index = cols[INSTRUMENT]
    symbols = pa.DictionaryArray.from_arrays(pa.array(index, type=pa.int32()), pa.array([i.symbol for i in instruments], type=pa.string()))
    columns: dict[str, pa.Array] = {
        "seq": pa.array(seqs), "symbol": symbols,
        "event_time": pa.array(cols[EVENT_NS]).view(_TIME), "recv_time": pa.array(cols[RECV_NS]).view(_TIME),
    }  # fmt: skip
    for row, name in enumerate(_VALUES[kind], start=PX):
        if name.endswith("px"):
            columns[name] = decimals(cols[row], index, [i.price_digits for i in instruments])
        elif name.endswith("qty"):
            columns[name] = decimals(cols[row], index, [i.qty_digits for i in instruments])
        elif kind == TickKind.TRADE and row == SIDE:
            columns[name] = pa.array([Side(s).name for s in (-1, 0, 1)]).take(pa.array(cols[row] + 1)).dictionary_encode()
        else:
            columns[name] = pa.array(cols[INTERVAL_NS] if name == "interval_ns" else cols[row])
    return pa.table(columns)


def decimals(values: Columns, index: Columns, digits: list[int]) -> pa.Array:
    """Integers in each instrument's digits as one exact decimal128 column in the finest instrument's. Raises OverflowError beyond 38 places."""
    scale = max(digits, default=0)
    if all(d == scale for d in digits):
        wide = np.empty((len(values), 2), dtype=np.int64)
        wide[:, 0] = values
        wide[:, 1] = values >> 63
        return pa.Array.from_buffers(pa.decimal128(_WIDE, scale), len(values), [None, pa.py_buffer(wide.tobytes())])
    lift = [POW10[scale - d] for d in digits]
    exact = [v * lift[i] for v, i in zip(values.tolist(), index.tolist(), strict=True)]
    raw = b"".join(n.to_bytes(16, "little", signed=True) for n in exact)
    return pa.Array.from_buffers(pa.decimal128(_WIDE, scale), len(exact), [None, pa.py_buffer(raw)])
