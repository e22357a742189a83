"""Decides how commits lie in a recorder of the `eventsourcing` library: the one adapter for every store that library can drive.

A commit is StoredEvent(originator_id=session, originator_version=number, topic="commit:1", state=record). The index stream
"~sessions" holds one event per session, written in the same transaction as the session's first commit.

Invariants: the store's uniqueness of (originator, version) is the single-writer check; a handle that has written to a session takes
only the commit after its own last one, so that one overtaken by another writer stays out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition
from types import TracebackType
from typing import ClassVar, Self

from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, StoredEvent

from domain.errors import ConfigInvalid, LogConflict, LogCorrupt, LogError, LogGap, LogUnavailable, invariant

COMMIT_TOPIC = "commit:1"
INDEX = "~sessions"
INDEX_TOPIC = "session:1"
_BATCH_BYTES = 1 << 20  # what the last batch took is taken again, and stays in the cache
_BATCH_MOST = 256
_POLL_S = 0.05
_NAME_MOST = 200


class RecordedLog:
    """An `EventLog` over any `ApplicationRecorder` with text originator ids. Subclasses name what their store raises and what it means."""

    raises: ClassVar[tuple[type[Exception], ...]] = (EventSourcingError,)

    def __init__(self, recorder: ApplicationRecorder) -> None:
        self._recorder = recorder
        self._heads: dict[str, int] = {}
        self._grown = Condition()
        self._closed = False

    def explained(self, error: Exception, session: str) -> LogError:
        """The store's error as one of ours, in a plain sentence."""
        return LogUnavailable(f"the log cannot be used: {error}", session=session, remedy="Everything committed so far is safe; try again.")

    @contextmanager
    def _explaining(self, session: str = "") -> Iterator[None]:
        invariant(not self._closed, "a closed log is not used")
        try:
            yield
        except self.raises as e:
            raise self.explained(e, session) from e

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        """See `EventLog.append`. One transaction; no statement beside the inserts once this handle has written to the session."""
        if not records:
            return
        with self._explaining(session):
            known = self._heads.get(session)
            if known is None:
                _check_name(session)
                last = self._last(session)
                known = last.originator_version if last else 0
            if number != known + 1:
                raise _conflict(session, number, known)
            events = [StoredEvent(session, n, COMMIT_TOPIC, record) for n, record in enumerate(records, start=number)]
            try:
                if number == 1:
                    self._open(session, events)
                else:
                    self._recorder.insert_events(events)
            except IntegrityError as e:
                raise _conflict(session, number, None) from e
            except self.raises:
                self._heads[session] = known  # whether it was written is not known: the same append may be tried again
                raise
            self._heads[session] = number + len(events) - 1
        with self._grown:
            self._grown.notify_all()

    def _open(self, session: str, events: list[StoredEvent]) -> None:
        """Insert a session's first commits together with its line in the index; other sessions may be opening at the same time."""
        name = session.encode()
        while True:
            last = self._last(INDEX)
            line = StoredEvent(INDEX, last.originator_version + 1 if last else 1, INDEX_TOPIC, name)
            try:
                self._recorder.insert_events([line, *events])
            except IntegrityError:
                newest = self._last(INDEX)
                if self._last(session) or newest is None or newest.originator_version < line.originator_version:
                    raise
            else:
                return

    def _last(self, originator: str) -> StoredEvent | None:
        found = self._recorder.select_events(originator, desc=True, limit=1)
        return found[0] if found else None

    def read(self, session: str, after: int = 0, upto: int | None = None) -> Iterator[bytes]:
        """See `EventLog.read`. The size of a batch follows the size of the records."""
        _check_name(session)
        limit = 4
        while upto is None or after < upto:
            with self._explaining(session):
                batch = self._recorder.select_events(session, gt=after, lte=upto, limit=limit)
            if not batch:
                return
            for event in batch:
                after += 1
                if event.originator_version != after:
                    raise LogGap(f"commit {after} is missing, commit {event.originator_version} is there", session=session, commit=after)
                if not isinstance(event.state, bytes):
                    raise LogCorrupt("the commit holds no bytes: it was altered", session=session, commit=after)
                yield event.state
            size = sum(len(event.state) for event in batch) // len(batch)
            limit = max(1, min(_BATCH_MOST, 4 * limit, _BATCH_BYTES // max(1, size)))
            del batch, event  # not two batches in memory

    def head(self, session: str) -> tuple[int, bytes] | None:
        """See `EventLog.head`."""
        _check_name(session)
        with self._explaining(session):
            last = self._last(session)
        return (last.originator_version, last.state) if last else None

    def sessions(self) -> list[str]:
        """See `EventLog.sessions`."""
        with self._explaining():
            lines = self._recorder.select_events(INDEX)
        try:
            return [line.state.decode() for line in lines]
        except (AttributeError, UnicodeDecodeError) as e:
            raise LogCorrupt("the list of sessions is damaged") from e

    def follow(self, session: str, after: int, stop: Callable[[], bool]) -> Iterator[bytes]:
        """See `EventLog.follow`. Appends through this handle are seen at once, those of others within 50 ms."""
        while not stop():
            seen = after
            for record in self.read(session, after):
                yield record
                after += 1
                if stop():
                    return
            if after == seen:
                self._await_growth(session, after)

    def _await_growth(self, session: str, after: int) -> None:
        """Return when there may be records after `after`, and after 50 ms at the latest."""
        with self._grown:
            if self._heads.get(session, 0) <= after:
                self._grown.wait(_POLL_S)

    def close(self) -> None:
        """See `EventLog.close`."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _check_name(session: str) -> None:
    """Refuse names that some store could not hold or that collide with the index."""
    if not session or not session.isprintable() or session.startswith("~") or len(session) > _NAME_MOST:
        sentence = f"{session!r} cannot name a session: use 1 to {_NAME_MOST} printable characters, the first not '~'"
        raise ConfigInvalid([("session", sentence)])


def _conflict(session: str, number: int, known: int | None) -> LogConflict:
    """Why commit `number` cannot be appended by a writer that knows of `known` commits (None: of all before it)."""
    if known is None:
        sentence = f"another writer has appended commit {number} of this session; this one is fenced out"
    elif number <= known:
        sentence = f"commit {number} is taken"
    else:
        sentence = f"commit {number} is not the next after {known}"
    return LogConflict(
        sentence, session=session, commit=number, remedy="Stop this writer; resume the session from its log if no other engine runs it."
    )
