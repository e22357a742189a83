"""Decides the Parquet form of ticks: one row a tick, named integer columns, the instruments' digits in the file's metadata.

Invariants: what `write_ticks` wrote, `TicksFile` reads back equal; a file whose digits differ from the session's is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.feeds.parquet import batches, opened
from adapters.feeds.protocol import BLOCK, FeedInput, cut
from domain.errors import FeedInvalid
from domain.instrument import Instrument
from domain.terms import TickKind
from domain.ticks import BAR, EVENT_NS, INSTRUMENT, KIND, PX, QUOTE, RECV_NS, ROWS, TRADE, Ticks

_META = b"reenact.instruments"
_KINDS = {kind.name.lower(): int(kind) for kind in TickKind}
VALUES = {
    TRADE: ("px", "qty", "side", "conditions"),
    QUOTE: ("bid_px", "bid_qty", "ask_px", "ask_qty"),
    BAR: ("open_px", "high_px", "low_px", "close_px", "volume_qty", "interval_ns"),
}
_NAMED = [(kind, row, name) for kind, names in VALUES.items() for row, name in enumerate(names, start=PX)]
COLUMNS = ("kind", "symbol", "event_ns", "recv_ns", *(name for _, _, name in _NAMED))
_WORD = pa.dictionary(pa.int32(), pa.string())
_ROW_GROUP = 1 << 18


def write_ticks(path: str | Path, ticks: Iterable[Ticks], instruments: Sequence[Instrument]) -> int:
    """Write tables of ticks to a Parquet file; returns how many ticks. A column that a tick's kind does not have is null."""
    digits = [{"symbol": i.symbol, "price_digits": i.price_digits, "qty_digits": i.qty_digits} for i in instruments]
    fields = [pa.field(c, _WORD if c in ("kind", "symbol") else pa.int64()) for c in COLUMNS]
    schema = pa.schema(fields, metadata={_META: json.dumps(digits).encode()})
    symbols = pa.array([i.symbol for i in instruments], pa.string())
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(ticks):
            writer.write_table(_table(group, schema, symbols))
            count += len(group)
    return count


def _groups(ticks: Iterable[Ticks]) -> Iterator[Ticks]:
    """The tables joined into row groups of at least a quarter million ticks, so that small blocks make no small groups."""
    waiting: list[Ticks] = []
    held = 0
    for part in ticks:
        waiting.append(part)
        held += len(part)
        if held >= _ROW_GROUP:
            yield Ticks(np.concatenate([p.cols for p in waiting], axis=1))
            waiting, held = [], 0
    if held:
        yield Ticks(np.concatenate([p.cols for p in waiting], axis=1))


def _table(ticks: Ticks, schema: Any, symbols: Any) -> Any:
    kinds = ticks.kind
    names = pa.array(list(_KINDS), pa.string())
    columns = [
        pa.DictionaryArray.from_arrays(pa.array((kinds - 1).astype(np.int32)), names),
        pa.DictionaryArray.from_arrays(pa.array(ticks.instrument.astype(np.int32)), symbols),
        pa.array(ticks.event_ns),
        pa.array(ticks.recv_ns),
    ]
    columns += [pa.array(ticks.cols[row], mask=kinds != kind) for kind, row, _ in _NAMED]
    return pa.Table.from_arrays(columns, schema=schema)


class TicksFile:
    """A feed over files that `write_ticks` wrote. Symbols are matched by name. Raises FeedInvalid."""

    def __init__(self, paths: str | Sequence[str], instruments: Sequence[Instrument], name: str = "", block: int = BLOCK) -> None:
        self._paths = (paths,) if isinstance(paths, str) else tuple(paths)
        self._instruments = {i.symbol: (n, i) for n, i in enumerate(instruments)}
        self._block = block
        self._name = name
        for path in self._paths:
            with opened(path) as file:
                self._index(path, file.schema_arrow)

    @property
    def name(self) -> str:
        return self._name or Path(self._paths[0]).name

    def blocks(self) -> Iterator[Ticks | FeedInput]:
        """The files from their start, one after another. Raises FeedInvalid for damaged data and receive times that go back."""
        last: int | None = None
        for path in self._paths:
            with opened(path) as file:
                index = self._index(path, file.schema_arrow)
                for batch in batches(path, file, list(COLUMNS)):
                    ticks = _ticks(batch, index)
                    recv = ticks.recv_ns
                    if len(recv) == 0:
                        continue
                    if (recv[1:] < recv[:-1]).any() or (last is not None and recv[0] < last):
                        raise FeedInvalid("receive times go back", place=path, remedy="Give the files in time order.")
                    last = int(recv[-1])
                    yield from cut(ticks, self._block)

    def _index(self, path: str, schema: Any) -> dict[str, int]:
        """Symbol -> instrument of the session."""
        meta = (schema.metadata or {}).get(_META)
        missing = [c for c in COLUMNS if c not in schema.names]
        if meta is None or missing:
            raise FeedInvalid("the file was not written as ticks by Reenact", place=path, remedy="Read it as a parquet feed with a layout.")
        index = {}
        for told in json.loads(meta):
            symbol = told["symbol"]
            n, known = self._instruments.get(symbol, (-1, None))
            if known is None:
                raise FeedInvalid(
                    f"the symbol {symbol!r} is not among the session's instruments", place=path, remedy="Add the instrument to the configuration."
                )
            if (known.price_digits, known.qty_digits) != (told["price_digits"], told["qty_digits"]):
                raise FeedInvalid(
                    f"{symbol} was written with {told['price_digits']} price and {told['qty_digits']} quantity digits,"
                    f" the session has {known.price_digits} and {known.qty_digits}", place=path, remedy="Give the instrument the digits of the file.",
                )  # fmt: skip
            index[symbol] = n
        return index


def _ticks(batch: Any, index: dict[str, int]) -> Ticks:
    cols = np.zeros((ROWS, batch.num_rows), dtype=np.int64)
    cols[KIND] = _codes(batch.column("kind"), _KINDS)
    cols[INSTRUMENT] = _codes(batch.column("symbol"), index)
    cols[EVENT_NS] = batch.column("event_ns").to_numpy()
    cols[RECV_NS] = batch.column("recv_ns").to_numpy()
    for _, row, name in _NAMED:
        column = batch.column(name)
        if column.null_count < len(column):
            cols[row] += column.fill_null(0).to_numpy()
    return Ticks(cols)


def _codes(column: Any, codes: dict[str, int]) -> Any:
    found = np.array([codes[word] for word in column.dictionary.to_pylist()], dtype=np.int64)
    return found[column.indices.to_numpy()]
