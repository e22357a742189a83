"""Decides how a file's columns become ticks: the configuration of the file feeds, for any layout.

Invariants: an unknown key is refused; every fault of a table is named; nothing here opens a file or imports a decoder.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from adapters.feeds.protocol import BLOCK
from adapters.times import duration_text, parse_duration
from domain.instrument import Instrument

if TYPE_CHECKING:
    from adapters.feeds.csv import CsvReader
    from adapters.feeds.parquet import ParquetReader

Policy = Literal["keep", "drop", "refuse"]
SideWord = Literal["buy", "sell", "none"]
FAR_NS = 10**18  # about 31 years: sums of times and shifts stay within 64 bits


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _day(value: object) -> object:
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no date; write for example 2013-10-07") from None


Day = Annotated[dt.date, BeforeValidator(_day)]
Duration = Annotated[int, BeforeValidator(_duration), PlainSerializer(duration_text, return_type=str)]


class Table(BaseModel):
    """A table of the configuration: nothing unknown in it, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, allow_inf_nan=False)


class TimeColumn(Table):
    """Where a time stands. `unit` iso reads "2013-10-07T09:30:00.5", "20131007 09:30" and the like; the others count units.

    Without a date, counted units start at 1970-01-01 UTC. With `date` or `date_column` (YYYYMMDD or YYYY-MM-DD) they are
    the time elapsed since midnight in `timezone`. iso text without an offset is wall time in `timezone`; a time that the
    clocks show twice is the first one, one that they skip is refused. `offset_ns` is added to every time of the column.
    """

    column: str
    unit: Literal["s", "ms", "us", "ns", "iso"] = "ns"
    date: Day | None = None
    date_column: str | None = None
    timezone: str = "UTC"
    offset_ns: int = Field(default=0, ge=-FAR_NS, le=FAR_NS)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as e:
            raise ValueError(f"no time zone has the name {name!r}; write for example America/New_York") from e
        return name

    @model_validator(mode="after")
    def _fits(self) -> Self:
        dated = self.date is not None or self.date_column is not None
        if self.date is not None and self.date_column is not None:
            raise ValueError("date and date_column exclude each other; keep one")
        if dated and self.unit == "iso":
            raise ValueError("iso times hold their date; leave date and date_column out")
        if not dated and self.unit != "iso" and self.timezone != "UTC":
            raise ValueError("a timezone needs date, date_column or unit = 'iso'; times counted from 1970 are UTC")
        return self


class NumberColumn(Table):
    """An exact number: text or integers in units of 10^-scale (scale 4 reads 1674100 as 167.4100), or a `default` for every row."""

    column: str | None = None
    scale: int = Field(default=0, ge=0, le=18)
    default: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.column is None) == (self.default is None):
            raise ValueError("a number needs either a column or a default")
        return self


class SideColumn(Table):
    """The aggressor. `values` says which text of the column means buy, sell or none; any other text is refused."""

    column: str
    values: dict[str, SideWord] = Field(min_length=1)


class ConditionsColumn(Table):
    """The venue's sale-condition bits, as an integer in base 10 or 16."""

    column: str
    base: Literal[10, 16] = 10


Number = Annotated[NumberColumn, BeforeValidator(_column)]
Conditions = Annotated[ConditionsColumn, BeforeValidator(_column)]

_NUMBERS = {
    "trades": ("price", "size"),
    "quotes": ("bid", "bid_size", "ask", "ask_size"),
    "bars": ("open", "high", "low", "close", "volume"),
}
_ONLY = {
    "trades": {"price", "size", "side", "conditions"},
    "quotes": {"bid", "bid_size", "ask", "ask_size", "crossed", "locked", "one_sided", "interval", "bar_time"},
    "bars": {"open", "high", "low", "close", "volume", "interval", "bar_time"},
}
_KIND_FIELDS = set[str]().union(*_ONLY.values())


class Layout(Table):
    """What the columns of a file mean.

    The instrument is `symbol`, or the text of `symbol_column` (translated by `aliases` where the file has other names).
    Receive time is `recv`, or the venue time plus `latency`. Bars, and quotes read from bars (`interval` set), happen at
    the bar's end: `bar_time` says whether the time column holds the start or the end.
    `skip` and `keep` name the texts of a column whose rows are left out or alone left in, `between` the numbers low <= x < high.
    A quote side with size 0 is empty; `one_sided = "carry"` takes the empty side from the row before of the same instrument.
    """

    data: Literal["trades", "quotes", "bars"]
    name: str = ""
    path: str | tuple[str, ...]
    symbol: str | None = None
    symbol_column: str | None = None
    aliases: dict[str, str] = Field(default_factory=dict)
    time: TimeColumn
    recv: TimeColumn | None = None
    latency: Duration = Field(default=0, ge=0, le=FAR_NS)
    price: Number | None = None
    size: Number | None = None
    side: SideColumn | None = None
    conditions: Conditions | None = None
    bid: Number | None = None
    bid_size: Number | None = None
    ask: Number | None = None
    ask_size: Number | None = None
    open: Number | None = None
    high: Number | None = None
    low: Number | None = None
    close: Number | None = None
    volume: Number | None = None
    interval: Duration | None = Field(default=None, gt=0, le=FAR_NS)
    bar_time: Literal["start", "end"] = "start"
    skip: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    keep: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    between: dict[str, tuple[Decimal, Decimal]] = Field(default_factory=dict)
    crossed: Policy = "keep"
    locked: Policy = "keep"
    one_sided: Literal["zero", "carry"] = "zero"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        faults = []
        if (self.symbol is None) == (self.symbol_column is None):
            faults.append("a feed needs either symbol or symbol_column")
        if self.symbol_column is None and self.aliases:
            faults.append("aliases translate the names of symbol_column; there is none")
        if self.recv is not None and self.latency:
            faults.append("recv and latency exclude each other; keep one")
        if not self.paths:
            faults.append("path names no file")
        missing = [n for n in _NUMBERS[self.data] if getattr(self, n) is None]
        if missing:
            faults.append(f"{self.data} need {', '.join(missing)}: a column, or {{ default = … }} for every row")
        defaults = Layout.model_fields
        foreign = sorted(f for f in _KIND_FIELDS - _ONLY[self.data] if getattr(self, f) != defaults[f].default)
        if foreign:
            faults.append(f"{', '.join(foreign)} {'is' if len(foreign) == 1 else 'are'} no part of {self.data}")
        if self.data == "bars" and self.interval is None:
            faults.append('bars need interval, for example "1m"')
        if self.bar_time == "end" and self.interval is None:
            faults.append("bar_time needs interval")
        faults.extend(f"between.{c}: {low} is not below {high}" for c, (low, high) in self.between.items() if low >= high)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path,) if isinstance(self.path, str) else self.path

    def numbers(self) -> tuple[tuple[str, NumberColumn], ...]:
        """The number columns of the kind with their names, in the order of the tick table's value rows."""
        return tuple((n, c) for n in _NUMBERS[self.data] if (c := getattr(self, n)) is not None)

    def columns(self) -> tuple[str, ...]:
        """Every column the layout reads, each once."""
        times = [t for t in (self.time, self.recv) if t is not None]
        found: list[str | None] = [t.column for t in times] + [t.date_column for t in times] + [self.symbol_column]
        found += [c.column for _, c in self.numbers()] + [c.column for c in (self.side, self.conditions) if c is not None]
        found += [*self.skip, *self.keep, *self.between]
        return tuple(dict.fromkeys(c for c in found if c is not None))


class CsvFeed(Layout):
    """Text tables: plain, gzip or zstandard. With `header = false`, `names` gives the columns from left to right."""

    kind: Literal["csv"] = "csv"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header: bool = True
    names: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.header == bool(self.names):
            raise ValueError("names belong to files without a header: set header = false and give names, or leave both out")
        if self.delimiter in '"\r\n':
            raise ValueError("delimiter must be one character, and no quote or line end")
        return self

    def reader(self, instruments: Sequence[Instrument], block: int = BLOCK) -> CsvReader:
        """The feed over these instruments (a tick's instrument is the position here). Raises FeedInvalid, ConfigInvalid."""
        from adapters.feeds.csv import CsvReader

        return CsvReader(self, instruments, block)


class ParquetFeed(Layout):
    """Parquet tables of any layout. `floats = "shortest"` reads a float as the shortest decimal that names it; "refuse" takes none."""

    kind: Literal["parquet"] = "parquet"
    floats: Literal["refuse", "shortest"] = "refuse"

    def reader(self, instruments: Sequence[Instrument], block: int = BLOCK) -> ParquetReader:
        """The feed over these instruments (a tick's instrument is the position here). Raises FeedInvalid, ConfigInvalid."""
        from adapters.feeds.parquet import ParquetReader

        return ParquetReader(self, instruments, block)
