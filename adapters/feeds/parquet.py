"""Decides how Parquet tables of any layout are read: row group by row group, by the same mapping as text tables.

Invariants: a row that cannot become a tick is refused with its file and row number, counted from 1; floats are read only when
the configuration says how; memory is bounded by one row group's packed bytes and one batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.feeds.columns import Columns
from adapters.feeds.layout import ParquetFeed
from adapters.feeds.place import Place
from adapters.feeds.plan import RowRefused, State, plan_of
from adapters.feeds.protocol import BLOCK, Emitted, FeedInput, Refusal, in_order
from adapters.feeds.rows import Rows, table_of
from domain.errors import FeedInvalid
from domain.instrument import Instrument
from domain.ticks import Ticks

BATCH = 1 << 16
LEAF = 256


class ParquetReader:
    """A feed over Parquet tables; `dropped` and `seen` as for text tables.

    The files are opened and their schemas checked at once. Raises FeedInvalid, ConfigInvalid.
    """

    def __init__(self, config: ParquetFeed, instruments: Sequence[Instrument], block: int = BLOCK) -> None:
        self._config = config
        self._block = block
        self._plan = plan_of(config, instruments)
        self._state = State()
        self._place: Place | None = None
        for path in config.paths:
            with opened(path) as file:
                self._check(path, file.schema_arrow)

    @property
    def name(self) -> str:
        return self._config.name or Path(self._config.paths[0]).name

    @property
    def dropped(self) -> Counter[str]:
        """How many rows of the last reading were left out, by cause."""
        return self._state.dropped

    @property
    def seen(self) -> Counter[str]:
        """How many crossed and locked quotes the last reading met."""
        return self._state.seen

    @property
    def place(self) -> Place | None:
        """Where the batch read last begins; None before the first good row."""
        return self._place

    def blocks(self, place: Place | None = None) -> Iterator[Ticks | FeedInput]:
        """The files from their start or a place, one after another. Raises FeedInvalid for a file that is damaged."""
        self._place = None
        self._state = State() if place is None else deepcopy(place.at.state)
        return in_order(self.name, self._items(place), self._block, self._state.dropped, None if place is None else place.at.last_ns)

    def _check(self, path: str, schema: Any) -> None:
        config = self._config
        wanted = config.columns()
        missing = [c for c in wanted if c not in schema.names]
        if missing:
            raise FeedInvalid(
                f"there is no column {', '.join(map(repr, missing))}", place=path, remedy=f"The columns are: {', '.join(schema.names)}."
            )
        if config.floats == "refuse":
            floats = [c for c in wanted if pa.types.is_floating(schema.field(c).type)]
            if floats:
                raise FeedInvalid(
                    f"the column {floats[0]!r} holds floats, which are not exact", place=path,
                    remedy='Store decimals or integers, or set floats = "shortest" to read each float as the shortest decimal that names it.',
                )  # fmt: skip
        for time in (config.time, config.recv):
            if time is not None and time.unit != "iso" and pa.types.is_temporal(schema.field(time.column).type):
                raise FeedInvalid(
                    f"the column {time.column!r} holds timestamps, the layout counts in {time.unit}", place=path, remedy='Set unit = "iso".'
                )

    def _items(self, place: Place | None) -> Iterator[Ticks | Refusal]:
        columns, rows = Columns(self._plan, self._state), Rows(self._plan, self._state)
        begin: _At | None = None if place is None else place.at
        emitted = Emitted() if place is None or begin is None else Emitted(place.ticks, place.inputs, begin.last_ns)
        for number, path in enumerate(self._config.paths):
            if begin is not None and number < begin.file:
                continue
            with opened(path) as file:
                self._check(path, file.schema_arrow)
                row = begin.row if begin is not None and number == begin.file else 1
                for batch in batches(path, file, list(self._config.columns()), row - 1):
                    if emitted.last_ns is not None:
                        self._place = Place(emitted.ticks, emitted.inputs, _At(number, row, emitted.last_ns, deepcopy(self._state)))
                    yield from emitted.counted(_part(columns, rows, path, batch, row))
                    row += batch.num_rows


class _At(NamedTuple):
    """The number of a file and of a row in it, the last receive time and what reading carries."""

    file: int
    row: int
    last_ns: int
    state: State


def opened(path: str) -> Any:
    """The Parquet file. Raises FeedInvalid for one that is missing or none."""
    try:
        # pre_buffer keeps the packed bytes of every row group it has read: memory would grow with the file.
        return pq.ParquetFile(path, pre_buffer=False)
    except FileNotFoundError as e:
        raise FeedInvalid("there is no such file", place=path, remedy="Check the path in the configuration.") from e
    except (OSError, pa.ArrowInvalid) as e:
        raise FeedInvalid(f"the file is no readable Parquet table: {e}", place=path, remedy="Copy or write the file again.") from e


def batches(path: str, file: Any, columns: list[str], skip: int = 0) -> Iterator[Any]:
    """The file's record batches with these columns, without the first `skip` rows. Raises FeedInvalid where its bytes are damaged."""
    group = 0
    while group < file.num_row_groups - 1 and skip >= (held := file.metadata.row_group(group).num_rows):
        skip -= held
        group += 1
    try:
        for batch in file.iter_batches(batch_size=BATCH, columns=columns, row_groups=range(group, file.num_row_groups)):
            if skip < batch.num_rows:
                yield batch.slice(skip)
            skip = max(0, skip - batch.num_rows)
    except (OSError, pa.ArrowInvalid) as e:
        raise FeedInvalid(f"the Parquet data is damaged: {e}", place=path, remedy="Copy or write the file again.") from e


def _part(columns: Columns, rows: Rows, path: str, batch: Any, row: int) -> Iterator[Ticks | Refusal]:
    """The batch's rows in order; `row` is the number of its first row."""
    ticks = columns.ticks(batch.column, batch.num_rows)
    if ticks is not None:
        yield ticks
        return
    if batch.num_rows > LEAF:
        middle = batch.num_rows // 2
        yield from _part(columns, rows, path, batch.slice(0, middle), row)
        yield from _part(columns, rows, path, batch.slice(middle), row + middle)
        return
    good: list[list[int]] = []
    texts = {name: _texts(batch.column(name)) for name in batch.schema.names}
    for n in range(batch.num_rows):
        cells = {name: found[n] for name, found in texts.items()}
        try:
            tick = rows.tick(cells)
        except RowRefused as refused:
            if good:
                yield table_of(good)
                good = []
            yield Refusal(f"{path}:{row + n}", refused.reason, ",".join(f"{k}={v}" for k, v in cells.items()))
        else:
            if tick is not None:
                good.append(tick)
    if good:
        yield table_of(good)


def _texts(column: Any) -> list[str]:
    """A column as text, a missing value as empty text."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return [text or "" for text in column.cast(pa.string()).to_pylist()]
