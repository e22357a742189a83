"""Decides how commits reach a log beside the engine's thread: for sessions in which nothing leaves the house.

Invariants: commits are written in the order handed over; after the first error nothing more is written; memory is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from adapters.logs import EventLog
from domain.errors import invariant

_WAITING_BYTES = 16 << 20
_INSERT_BYTES = 8 << 20
_WAKE_BYTES = 1 << 20  # the writer sleeps until this much waits, or _WAKE_S: fewer transactions, and the engine's thread is left in peace
_WAKE_S = 0.05


class BackgroundLog:
    """An `EventLog` whose `append` returns before the commits are durable; `flush` waits until they are.

    One thread writes what waits, as few inserts as it can. An error is raised by the next `append`, `flush` or read, and by
    every one after it, as it was; `close` raises it if nothing has yet. Owns `log` and closes it.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._waiting: deque[tuple[str, int, Sequence[bytes], int]] = deque()
        self._bytes = 0
        self._writing = False
        self._closing = False
        self._flushing = 0
        self._error: BaseException | None = None
        self._raised = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        """See `EventLog.append`; waits only while more than 16 MiB are under way. The records must not be changed afterwards."""
        size = sum(map(len, records))
        with self._changed:
            invariant(not self._closing, "a closed log is not used")
            self._changed.wait_for(lambda: self._error or not self._bytes or self._bytes + size <= _WAITING_BYTES)
            self._raise()
            self._waiting.append((session, number, records, size))
            self._bytes += size
            if len(self._waiting) == 1 or self._bytes >= _WAKE_BYTES:
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything handed over is durable. Raises what the writer ran into."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            self._changed.wait_for(self._idle)
            self._flushing -= 1
            self._raise()

    def _wanted(self) -> bool:
        """Whether the writer has something to do now."""
        return self._closing or (bool(self._waiting) and (self._flushing > 0 or self._bytes >= _WAKE_BYTES))

    def _wait(self) -> None:
        """Sleep until there is something to write, or to end."""
        self._changed.wait_for(lambda: self._waiting or self._closing)
        self._changed.wait_for(self._wanted, _WAKE_S)

    def _idle(self) -> bool:
        return self._error is not None or not (self._waiting or self._writing)

    def _raise(self) -> None:
        if self._error is not None:
            self._raised = True
            raise self._error

    def _run(self) -> None:
        """The writer thread: one insert after another until the log is closed or an insert fails."""
        while True:
            with self._changed:
                self._wait()
                if not self._waiting:
                    return
                session, number, records, size = self._together()
                self._writing = True
            error: BaseException | None = None
            try:
                self._log.append(session, number, records)
            except BaseException as e:  # noqa: BLE001  it is handed to the engine's thread, which stops on it
                error = e
            with self._changed:
                self._writing = False
                self._bytes -= size
                self._error = error
                self._changed.notify_all()
                if error is not None:
                    return

    def _together(self) -> tuple[str, int, Sequence[bytes], int]:
        """What waits and belongs together: consecutive commits of one session, up to some MiB."""
        session, number, records, size = self._waiting.popleft()
        if not self._waiting:
            return session, number, records, size
        together = list(records)
        while self._waiting and size < _INSERT_BYTES:
            other, following, more, bytes_more = self._waiting[0]
            if other != session or following != number + len(together):
                break
            self._waiting.popleft()
            together += more
            size += bytes_more
        return session, number, together, size

    def read(self, session: str, after: int = 0, upto: int | None = None) -> Iterator[bytes]:
        """See `EventLog.read`. Flushes first."""
        self.flush()
        return self._log.read(session, after, upto)

    def head(self, session: str) -> tuple[int, bytes] | None:
        """See `EventLog.head`. Flushes first."""
        self.flush()
        return self._log.head(session)

    def sessions(self) -> list[str]:
        """See `EventLog.sessions`. Flushes first."""
        self.flush()
        return self._log.sessions()

    def follow(self, session: str, after: int, stop: Callable[[], bool]) -> Iterator[bytes]:
        """See `EventLog.follow`. Flushes first, then shows commits as they become durable."""
        self.flush()
        return self._log.follow(session, after, stop)

    def close(self) -> None:
        """Write what waits, stop the thread and close the log. Raises the writer's error if nothing has raised it yet."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._log.close()
        if not self._raised:
            self._raise()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
