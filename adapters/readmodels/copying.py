"""Decides how ticks become a binary COPY stream of PostgreSQL: whole columns at once, no Python object per tick.

Invariants: the bytes are those that PostgreSQL's COPY … (FORMAT BINARY) documents; one field per column of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from adapters.readmodels.schema import Table, Type
from adapters.readmodels.tables import BARS, QUOTES, TRADES
from domain.terms import TickKind
from domain.ticks import EVENT_NS, INSTRUMENT, KIND, PX, RECV_NS, Columns

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
OF_KIND = {TickKind.TRADE: TRADES, TickKind.QUOTE: QUOTES, TickKind.BAR: BARS}
_BLOCK = 16_384


def by_table(cols: Columns, seqs: Columns) -> Iterator[tuple[Table, list[Columns]]]:
    """Ticks by their table, as the table's columns after the session. `cols`: int64 (10, n), `seqs`: int64 (n,)."""
    for kind in np.unique(cols[KIND]).tolist():
        table = OF_KIND[TickKind(kind)]
        here = cols[KIND] == kind
        some = not here.all()
        part, named = (cols[:, here], seqs[here]) if some else (cols, seqs)
        yield table, [named, part[INSTRUMENT], part[EVENT_NS], part[RECV_NS], *part[PX : PX + len(table.columns) - 5]]


def stream(table: Table, session: str, columns: list[Columns]) -> Iterator[bytes]:
    """The rows in blocks, without header and trailer; `columns` as from `by_table`."""
    name = session.encode()
    fields: list[Any] = [("fields", ">i2"), ("l0", ">i4"), ("c0", f"V{len(name)}")]
    for i, column in enumerate(table.columns[1:], start=1):
        fields += [(f"l{i}", ">i4"), (f"c{i}", ">i4" if column.type is Type.INT else ">i8")]
    block = np.zeros(min(_BLOCK, len(columns[0])), dtype=fields)
    block["fields"] = len(table.columns)
    block["l0"] = len(name)
    block["c0"] = np.void(name)
    for i in range(1, len(table.columns)):
        block[f"l{i}"] = block.dtype[f"c{i}"].itemsize
    for start in range(0, len(columns[0]), _BLOCK):
        rows = block[: len(columns[0]) - start]
        for i, values in enumerate(columns, start=1):
            rows[f"c{i}"] = values[start : start + len(rows)]
        yield rows.tobytes()
