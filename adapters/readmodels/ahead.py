"""Decides how a rebuild uses two processors: one batch is written while the next one is folded.

Invariants: batches are written in the order in which they were handed over, each after the one before is committed; nothing is
written after a failure.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from adapters.readmodels.store import Batch, ModelStore, Position, RowsRefused
from domain.errors import ReenactError


class LateRefusal(ReenactError):
    """Rows of a batch that was handed over earlier were refused; what came after it is not written."""


class Ahead:
    """A `ModelStore` whose `apply` returns before the batch is written. The end of the context waits for the last one."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._writer = ThreadPoolExecutor(1, "read models")
        self._under_way: Future[None] | None = None

    @property
    def building(self) -> bool:
        return self._store.building

    def _settle(self) -> None:
        """Wait for the batch under way. Raises what it ran into."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            try:
                under_way.result()
            except RowsRefused as e:
                raise LateRefusal(e.sentence, place=e.place, remedy=e.remedy) from e

    def apply(self, batch: Batch) -> None:
        """See `ModelStore.apply`; raises what the batch before ran into."""
        self._settle()
        self._under_way = self._writer.submit(self._store.apply, batch)

    def tracked(self) -> dict[str, Position]:
        """See `ModelStore.tracked`."""
        self._settle()
        return self._store.tracked()

    def note(self, session: str, before: Position | None, problem: str) -> None:
        """See `ModelStore.note`."""
        self._settle()
        self._store.note(session, before, problem)

    def finish(self) -> None:
        """See `ModelStore.finish`."""
        self._settle()
        self._store.finish()

    def close(self) -> None:
        """Wait for the batch under way, whatever becomes of it; the store stays open."""
        self._writer.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                self._settle()
        finally:
            self.close()
