"""Decides what a log of commits is: the port through which sessions are written, read and followed.

Invariants: what `append` has returned for is durable; numbers are gapless; a second writer of a session gets LogConflict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self


class EventLog(Protocol):
    """An append-only store of records (`domain.commit`), numbered 1, 2, … within each session. It does not look inside them.

    Every method raises LogUnavailable (locked, full, unreachable: retryable), LogCorrupt (the store itself is damaged) and
    ConfigInvalid (no name for a session: 1 to 200 printable characters, the first not "~").
    Methods may be called from several threads.
    """

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        """Write consecutive commits, the first of them `number`: all of them or none.

        Raises LogConflict when `number` is taken or is not the next. A handle that another writer has overtaken stays out of
        the session; open the log anew to resume it.
        """

    def read(self, session: str, after: int = 0, upto: int | None = None) -> Iterator[bytes]:
        """The records numbered after + 1 .. upto (None: to the end), in order, a few MiB in memory at a time.

        Raises LogGap when a number is missing before a later one.
        """

    def head(self, session: str) -> tuple[int, bytes] | None:
        """Number and record of the session's last commit; None when there is none."""

    def sessions(self) -> list[str]:
        """All sessions, in the order in which they were opened."""

    def follow(self, session: str, after: int, stop: Callable[[], bool]) -> Iterator[bytes]:
        """The records after `after` and then new ones as they come, until `stop()` is true. Raises LogGap like `read`."""

    def close(self) -> None:
        """Release everything. A second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
