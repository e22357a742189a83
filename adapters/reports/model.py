"""Decides what a report consists of: figures, charts and tables, already in the words and numbers of its readers.

Invariants: charts hold integers in 10^-digits; a chart never holds more points than it can show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

MOST_POINTS = 4_000
MOST_MARKS = 2_000
MOST_ROWS = 500
Kind = Literal["signal", "order", "fill", "denied"]
Tone = Literal["", "good", "bad"]
Shape = Literal["price", "gain", "loss"]
T = TypeVar("T")


class Figure(msgspec.Struct, frozen=True):
    """One number of the summary; `tone` colours it."""

    label: str
    value: str
    note: str = ""
    tone: Tone = ""


class Line(msgspec.Struct, frozen=True):
    """A series: times in ns UTC, never decreasing, and values in 10^-digits."""

    name: str
    digits: int
    times_ns: Sequence[int]
    values: Sequence[int]


class Mark(msgspec.Struct, frozen=True):
    """Something that happened on a chart at a price (10^-digits of the chart's line; 0 where it had none)."""

    kind: Kind
    side: int
    time_ns: int
    px: int
    text: str


class Panel(msgspec.Struct, frozen=True):
    """A chart. `totals` counts the marks of each kind before the thinning; `step` holds a value until the next point."""

    title: str
    line: Line
    marks: Sequence[Mark] = ()
    totals: Mapping[Kind, int] = {}
    unit: str = ""
    tone: Shape = "price"
    step: bool = False


class Column(msgspec.Struct, frozen=True):
    """A column; numbers stand on the right."""

    name: str
    number: bool = False


class Table(msgspec.Struct, frozen=True):
    """Rows of text. `total` is how many there were before the cut."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: int
    empty: str = "None."


class Report(msgspec.Struct, frozen=True):
    """A whole page. `facts` are label and value pairs about the session; `appendix` is text shown as it is (the configuration)."""

    title: str
    subtitle: str
    figures: Sequence[Figure]
    panels: Sequence[Panel]
    tables: Sequence[Table]
    facts: Sequence[tuple[str, str]]
    appendix: Sequence[tuple[str, str]] = ()


def thinned(line: Line, most: int = MOST_POINTS) -> Line:
    """The line with at most `most` points: first, last, lowest and highest of each stretch, so that no extreme is lost."""
    n = len(line.values)
    if n <= most:
        return line
    stretches = max(1, most // 4)
    keep: list[int] = []
    for s in range(stretches):
        start, stop = s * n // stretches, (s + 1) * n // stretches
        span = range(start, stop)
        keep.extend(sorted({start, stop - 1, min(span, key=line.values.__getitem__), max(span, key=line.values.__getitem__)}))
    return Line(line.name, line.digits, [line.times_ns[i] for i in keep], [line.values[i] for i in keep])


def spread(items: Sequence[T], most: int) -> Sequence[T]:
    """At most `most` of the items, evenly spread over them."""
    n = len(items)
    return items if n <= most else [items[i * n // most] for i in range(most)]
