"""Decides how text tables are read: plain, gzip or zstandard, in pieces of about a megabyte, whole columns where every row is good.

Invariants: every line ends up in a tick, in a refusal that names its file, line and raw text, or in a count of what was left out;
memory does not grow with the file; a piece with a bad row is halved until that row stands among a few.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.csv

from adapters.feeds.columns import Columns, text_types
from adapters.feeds.layout import CsvFeed
from adapters.feeds.place import Place
from adapters.feeds.plan import RowRefused, State, plan_of
from adapters.feeds.protocol import BLOCK, Emitted, FeedInput, Refusal, in_order
from adapters.feeds.rows import Rows, table_of
from domain.errors import FeedInvalid
from domain.instrument import Instrument
from domain.ticks import Ticks

PIECE = 1 << 20
LEAF = 256
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SUFFIX = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_TINY = re.compile(rb"[0-9.][eE]-[0-9]")
_BOM = b"\xef\xbb\xbf"


class CsvReader:
    """A feed over text tables. `dropped` counts the rows left out by cause, `seen` the crossed and locked quotes met, kept or not.

    The files are opened and their headers checked at once. Raises FeedInvalid, ConfigInvalid.
    """

    def __init__(self, config: CsvFeed, instruments: Sequence[Instrument], block: int = BLOCK) -> None:
        self._config = config
        self._block = block
        self._plan = plan_of(config, instruments)
        self._types = text_types(self._plan)
        self._state = State()
        self._place: Place | None = None
        for path in config.paths:
            self._header(path, _pieces(path))

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
        """Where the piece read last begins; None before the first good row."""
        return self._place

    def blocks(self, place: Place | None = None) -> Iterator[Ticks | FeedInput]:
        """The files from their start or a place, one after another. Raises FeedInvalid for a file that breaks off or is no text table."""
        self._place = None
        self._state = State() if place is None else deepcopy(place.at.state)
        return in_order(self.name, self._items(place), self._block, self._state.dropped, None if place is None else place.at.last_ns)

    def _items(self, place: Place | None) -> Iterator[Ticks | Refusal]:
        begin: _At | None = None if place is None else place.at
        emitted = Emitted() if place is None or begin is None else Emitted(place.ticks, place.inputs, begin.last_ns)
        for number, path in enumerate(self._config.paths):
            if begin is not None and number < begin.file:
                continue
            pieces = _Counted(_pieces(path))
            names, line, rest = self._header(path, pieces)
            offset = pieces.offset - len(rest)
            source: Iterator[bytes] = pieces
            if begin is not None and number == begin.file:
                offset, line, rest, source = begin.offset, begin.line, b"", _pieces(path, begin.offset)
            part = _Part(path, names, self._config, self._types, Columns(self._plan, self._state), Rows(self._plan, self._state))
            for piece in _whole_lines(path, rest, source):
                if emitted.last_ns is not None:
                    self._place = Place(emitted.ticks, emitted.inputs, _At(number, offset, line, emitted.last_ns, deepcopy(self._state)))
                yield from emitted.counted(part.items(piece, line))
                line += piece.count(b"\n")
                offset += len(piece)

    def _header(self, path: str, pieces: Iterator[bytes]) -> tuple[list[str], int, bytes]:
        """The column names, the number of the first data line and what was read beyond the header."""
        head = next(pieces, b"").removeprefix(_BOM)
        if not head:
            raise FeedInvalid("the file is empty", place=path, remedy="Give a file with rows, or take it out of the configuration.")
        names, line = list(self._config.names), 1
        if self._config.header:
            while b"\n" not in head and (more := next(pieces, b"")):
                head += more
                _limit(path, 1, head)
            first, _, head = head.partition(b"\n")
            try:
                names, line = next(csv.reader([first.decode().rstrip("\r")], delimiter=self._config.delimiter), []), 2
            except UnicodeDecodeError:
                raise FeedInvalid("the header is not UTF-8 text", place=path, line=1, remedy="Is this a CSV file?") from None
        missing = [c for c in self._config.columns() if c not in names]
        if missing:
            raise FeedInvalid(
                f"there is no column {', '.join(map(repr, missing))}", place=path, line=line - 1,
                remedy=f"The columns are: {', '.join(names)}." + ("" if len(names) > 1 else f" Is {self._config.delimiter!r} the delimiter?"),
            )  # fmt: skip
        twice = [c for c in self._config.columns() if names.count(c) > 1]
        if twice:
            raise FeedInvalid(
                f"the column {twice[0]!r} stands twice in the header", place=path, line=line - 1, remedy="Give each column its own name."
            )
        return names, line, head


class _At(NamedTuple):
    """The number of a file, the place in its unpacked bytes and the line there, the last receive time and what reading carries."""

    file: int
    offset: int
    line: int
    last_ns: int
    state: State


class _Counted:
    """Pieces and how many bytes they held."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.offset = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self.offset += len(piece)
        return piece


class _Part:
    """Reads pieces of one file."""

    def __init__(self, path: str, names: list[str], config: CsvFeed, types: dict[str, Any], columns: Columns, rows: Rows) -> None:
        self.path = path
        self.names = names
        self.delimiter = config.delimiter
        self.columns = columns
        self.rows = rows
        self.wanted = {c: names.index(c) for c in config.columns()}
        self.parse = pa.csv.ParseOptions(delimiter=self.delimiter)
        self.positions = [f"{n}" for n in range(len(names))]
        self.convert = pa.csv.ConvertOptions(
            column_types={f"{n}": types[c] for c, n in self.wanted.items()},
            include_columns=[f"{n}" for n in self.wanted.values()], null_values=[], strings_can_be_null=False,
        )  # fmt: skip

    def items(self, piece: bytes, line: int) -> Iterator[Ticks | Refusal]:
        """The piece's rows in order; `line` is the number of its first line."""
        ticks = self._at_once(piece)
        if ticks is not None:
            yield ticks
            return
        lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
        middle = piece.find(b"\n", len(piece) // 2) + 1
        if lines <= LEAF or middle in (0, len(piece)):
            yield from self._one_by_one(piece, line)
            return
        head = piece[:middle]
        yield from self.items(head, line)
        yield from self.items(piece[middle:], line + head.count(b"\n"))

    def _at_once(self, piece: bytes) -> Ticks | None:
        if (b"e-" in piece or b"E-" in piece) and _TINY.search(piece):
            return None  # arrow reads 7E-44 as 0
        read = pa.csv.ReadOptions(block_size=len(piece) + 1, column_names=self.positions)
        try:
            table = pa.csv.read_csv(pa.py_buffer(piece), read_options=read, parse_options=self.parse, convert_options=self.convert)
        except pa.ArrowInvalid:
            return None
        if table.num_rows != piece.count(b"\n") + (not piece.endswith(b"\n")):
            return None
        return self.columns.ticks(lambda column: _array(table.column(f"{self.wanted[column]}")), table.num_rows)

    def _one_by_one(self, piece: bytes, line: int) -> Iterator[Ticks | Refusal]:
        good: list[list[int]] = []
        for number, raw in enumerate(piece.removesuffix(b"\n").split(b"\n"), start=line):
            text = raw.removesuffix(b"\r").decode(errors="backslashreplace")
            if not text:
                continue
            try:
                tick = self.rows.tick(self._cells(text))
            except RowRefused as refused:
                if good:
                    yield table_of(good)
                    good = []
                yield Refusal(f"{self.path}:{number}", refused.reason, text)
            else:
                if tick is not None:
                    good.append(tick)
        if good:
            yield table_of(good)

    def _cells(self, text: str) -> dict[str, str]:
        try:
            fields = next(csv.reader([text], delimiter=self.delimiter, strict=True), [])
        except csv.Error as e:
            raise RowRefused(f"the row cannot be split into fields: {e}") from e
        if len(fields) != len(self.names):
            raise RowRefused(f"the row has {len(fields)} fields where the table has {len(self.names)} columns")
        return {c: fields[n] for c, n in self.wanted.items()}


def _array(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _pieces(path: str, offset: int = 0) -> Iterator[bytes]:
    """The unpacked bytes of a file from `offset` on; packed ones before it are unpacked but not looked at. Raises FeedInvalid for a file that is missing, unreadable, cut off or not what its name says."""
    named = _SUFFIX.get(Path(path).suffix.lower())
    packing = named
    try:
        with pa.OSFile(path) as file:
            start = file.read(4)
            file.seek(0)
            packing = next((p for magic, p in _MAGIC.items() if start.startswith(magic)), None)
            if named is not None and start and packing != named:
                raise FeedInvalid(f"the file is not {named} data", place=path, remedy="Rename it, or pack it again.")
            source = pa.CompressedInputStream(file, packing) if packing else file
            if packing is None:
                source.seek(offset)
            else:
                for start_of in range(0, offset, PIECE):
                    source.read(min(PIECE, offset - start_of))
            while piece := source.read(PIECE - offset % PIECE):
                yield piece
                offset = 0
    except FileNotFoundError as e:
        raise FeedInvalid("there is no such file", place=path, remedy="Check the path in the configuration.") from e
    except OSError as e:
        if packing is None or e.errno:
            raise FeedInvalid(f"the file cannot be read: {e}", place=path, remedy="Check that it is a file and that you may read it.") from e
        raise FeedInvalid(f"the {packing} data is damaged or cut off: {e}", place=path, remedy="Copy or download the file again.") from e


def _limit(path: str, line: int, text: bytes) -> None:
    if len(text) > 2 * PIECE:
        raise FeedInvalid(f"there is no line end within {len(text)} bytes", place=path, line=line, remedy="Is this a text table?")


def _whole_lines(path: str, rest: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes regrouped so that every piece ends with a line end, but for the last of the file."""
    line = 1
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        line += piece.count(b"\n")
        if not cut:
            rest += piece
            _limit(path, line, rest)
            continue
        yield rest + piece[:cut]
        rest = piece[cut:]
    if rest:
        yield rest
