"""Decides how a view says which of its rows changed since somebody last asked.

Invariants: nothing is kept before the first question, whose answer is "all"; asking changes no row.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Changed(Generic[T]):
    """The rows marked since the last `take`, each once, in the order in which they were first marked."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[int, T] | None = None

    def mark(self, key: int, row: T) -> None:
        """The row named `key` changed."""
        if self._rows is not None:
            self._rows[key] = row

    def take(self) -> list[T] | None:
        """What was marked; None for the first question: all rows."""
        rows, self._rows = self._rows, {}
        return None if rows is None else list(rows.values())
