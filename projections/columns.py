"""Decides how views read ticks in bulk: runs are set aside and worked on together, in int64 where that is proven to be exact.

Invariants: a batch holds the runs in order with every tick's seq; numbers that could leave int64 are Python integers instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.ticks import Columns, Ticks, concat

BATCH = 1 << 16
_SAFE = 1 << 62

# int64, or object when the numbers do not fit: numpy's operations are then Python's own, exact and slow.
Numbers = NDArray[Any]


class Pending:
    """Runs of ticks not yet worked on. `n` is their number; a view works on them when it is asked, or at `BATCH` ticks."""

    __slots__ = ("_firsts", "_lengths", "_parts", "n")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._parts: list[Ticks] = []
        self._firsts: list[int] = []
        self._lengths: list[int] = []
        self.n = 0

    def add(self, first_seq: int, ticks: Ticks) -> None:
        self._parts.append(ticks)
        self._firsts.append(first_seq)
        n = len(ticks)
        self._lengths.append(n)
        self.n += n

    def take(self) -> tuple[Columns, Columns]:
        """The ticks as one table of shape (10, n) and their seqs of shape (n,); nothing is pending afterwards."""
        cols = concat(self._parts).cols
        lengths = np.array(self._lengths, dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        seqs = np.repeat(np.array(self._firsts, dtype=np.int64) - starts, lengths) + np.arange(self.n, dtype=np.int64)
        self.clear()
        return cols, seqs


def groups(instruments: Columns) -> Iterator[tuple[int, Columns]]:
    """Each instrument of a column with the places where it stands, in order."""
    if not len(instruments):
        return
    first = int(instruments[0])
    if bool((instruments == first).all()):
        yield first, np.arange(len(instruments), dtype=np.int64)
        return
    order = np.argsort(instruments, kind="stable")
    names = instruments[order]
    cuts = np.flatnonzero(names[1:] != names[:-1]) + 1
    for places in np.split(order, cuts):
        yield int(instruments[places[0]]), places


def reach(column: Numbers) -> int:
    """The largest absolute value of a column, 0 when it is empty; exact also at the ends of int64."""
    return max(abs(int(column.max())), abs(int(column.min()))) if len(column) else 0


def numbers(bound: int) -> type:
    """The dtype in which numbers up to `bound` in absolute value are exact."""
    return np.int64 if bound < _SAFE else object
