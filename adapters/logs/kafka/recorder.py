"""Decides how events of the `eventsourcing` library are written to and read from a topic.

Which writer (`kafka.writer`) a stream belongs to is a parameter: a session has its own, an application has one for all its aggregates.

Invariants: an event is written only when it is the next of its stream at the end of the topic, read after the writer was fenced in; events
inserted together count together or not at all; a writer that was fenced out stays out; what failed with unknown fate is found again or
written again, never both.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock, RLock
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Subscription,
)
from kafka import KafkaProducer  # noqa: TC002  the house keeps run-time imports
from kafka.errors import KafkaError

from adapters.logs.kafka.errors import fenced
from adapters.logs.kafka.index import Dropped, Index
from adapters.logs.kafka.reader import Reader
from adapters.logs.kafka.records import SESSION_TOPIC, SESSIONS, Head, headers, link, stored
from adapters.logs.kafka.settings import KafkaSettings
from adapters.logs.kafka.topic import Topic
from adapters.logs.kafka.writer import Outgoing, Writer, producer

WRITERS_MOST = 8  # open at once by one handle; one that is put away fences itself in again
_HEADS_MOST = 10_000
_CLOSE_S = 10.0
_LISTEN_S = 0.05

Described = tuple[int | None, list[tuple[str, bytes]]]


def undescribed(_event: StoredEvent) -> Described:
    """No time of its own, nothing to add for people."""
    return None, []


class _Seat:
    """One writer id in this process. Its lock is held while it writes."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.writer: Writer | None = None
        self.lost = False
        self.heads: OrderedDict[str, Head] = OrderedDict()
        self.forgot = False  # some heads, so that the index may be behind this writer's own events
        self.unsure: dict[tuple[str, int], bytes] = {}  # links of events whose fate is unknown


class KafkaRecorder(ApplicationRecorder):
    """Events in a topic. `writer_of` names the writer of a stream; `describe` gives an event's time (ms) and more headers for people.

    Raises, like every recorder, IntegrityError for a conflict and OperationalError or KafkaError when the brokers fail.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: Topic,
        *,
        writer_of: Callable[[str], str] = str,
        describe: Callable[[StoredEvent], Described] = undescribed,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._writer_of = writer_of
        self._describe = describe
        self._index = Index(settings.index or _cache(), topic)
        self._reader = Reader(settings, topic, self._index)
        self._lock = RLock()
        self._seats: OrderedDict[str, _Seat] = OrderedDict()
        self._ended: list[Writer] = []
        self._announcer: KafkaProducer | None = None

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Write events of one writer into one partition, all of them or none. The notification ids, where a topic has them."""
        if not stored_events:
            return []
        streams = {str(event.originator_id) for event in stored_events}
        parts, names = {self._topic.partition(s) for s in streams}, {self._writer_of(s) for s in streams}
        if len(parts) > 1 or len(names) > 1:
            raise ProgrammingError("events of several partitions or writers cannot be inserted together: use a topic with one partition")
        (name,), (part,) = names, parts
        with self._lock:
            seat = self._seats.setdefault(name, _Seat())
            self._seats.move_to_end(name)
        with seat.lock:
            written = self._insert(seat, name, part, stored_events)
        self._put_away()
        return [at + 1 for at in written] if self._topic.partitions == 1 else None

    def _insert(self, seat: _Seat, name: str, part: int, events: Sequence[StoredEvent]) -> list[int]:
        if seat.lost:
            raise IntegrityError(f"writer {name} was fenced out by another")
        if seat.writer is None:
            seat.heads.clear()
            self._reader.catch_up(part)
            self._known(seat, part, events)  # who comes too late must not fence out who is in time
            self._fence(seat, name)
            self._reader.catch_up(part)
            seat.heads.clear()  # they were read before the fence
        skipped = self._known(seat, part, events)
        records, heads = self._outgoing(seat, name, part, events[skipped:])
        assert seat.writer is not None  # noqa: S101  for mypy
        try:
            written = seat.writer.append(records) if records else []
        except BaseException as e:
            seat.unsure |= {(str(e.originator_id), e.originator_version): link(e.topic, e.state) for e in events}
            self._leave(seat)
            if isinstance(e, KafkaError):
                self._raise(seat, name, e)
            raise
        seat.unsure.clear()
        seat.heads |= heads
        while len(seat.heads) > _HEADS_MOST:
            seat.heads.popitem(last=False)
            seat.forgot = True
        if skipped:
            stream, last = str(events[0].originator_id), events[skipped - 1].originator_version
            written = [at for _, at in self._index.places(stream, last - skipped, last, desc=False, limit=None)] + written
        return written

    def _fence(self, seat: _Seat, name: str) -> None:
        try:
            seat.writer = Writer(self._settings, self._topic.name, self._topic.record_bytes, name)
        except KafkaError as e:
            self._raise(seat, name, e)

    def _raise(self, seat: _Seat, name: str, error: KafkaError) -> None:
        if fenced(error):
            seat.lost = True
            raise IntegrityError(f"writer {name} was fenced out by another") from error
        raise OperationalError(str(error)) from error

    def _known(self, seat: _Seat, part: int, events: Sequence[StoredEvent]) -> int:
        """How many of the events are there already from an insert of unknown fate. Raises IntegrityError when the others are not the next."""
        heads: dict[str, Head] = {}
        skipped = 0
        for event in events:
            stream, version, mark = str(event.originator_id), event.originator_version, link(event.topic, event.state)
            head = heads.get(stream) or self._head(seat, part, stream)
            if seat.unsure and version <= head.version and mark == seat.unsure.get((stream, version)) == self._index.link(stream, version):
                skipped += 1
                continue
            if version != head.version + 1:
                raise IntegrityError(f"event {version} of {stream} is not the next after {head.version}")
            heads[stream] = Head(version, mark)
        return skipped

    def _head(self, seat: _Seat, part: int, stream: str) -> Head:
        """The end of a stream: as this writer left it, or as the topic says."""
        if stream not in seat.heads:
            if seat.forgot:
                self._reader.catch_up(part)
            seat.heads[stream] = self._index.head(stream)
        return seat.heads[stream]

    def _outgoing(self, seat: _Seat, name: str, part: int, events: Sequence[StoredEvent]) -> tuple[list[Outgoing], dict[str, Head]]:
        heads: dict[str, Head] = {}
        records = []
        for i, event in enumerate(events, start=1):
            stream = str(event.originator_id)
            prev = (heads.get(stream) or seat.heads[stream]).link
            heads[stream] = Head(event.originator_version, link(event.topic, event.state))
            timestamp_ms, more = self._describe(event)
            records.append(Outgoing(part, stream.encode(), event.state, headers(event, prev, i, len(events), name) + more, timestamp_ms))
        return records, heads

    def _leave(self, seat: _Seat) -> None:
        """End the seat's writer; the next insert fences itself in anew and reads the tail. Its lock is held."""
        writer, seat.writer = seat.writer, None
        seat.heads.clear()
        if writer is not None:
            writer.end()
            with self._lock:
                self._ended = [w for w in self._ended if not w.ended] + [writer]

    def _put_away(self) -> None:
        """Keep the open writers few: end those that have not written for longest."""
        with self._lock:
            open_seats = [seat for seat in self._seats.values() if seat.writer is not None]
        for seat in open_seats[:-WRITERS_MOST]:
            if seat.lock.acquire(blocking=False):
                try:
                    self._leave(seat)
                finally:
                    seat.lock.release()

    def announce(self, session: str) -> None:
        """Write a line into the list of sessions. It counts once the session has its first commit."""
        with self._lock:
            if self._announcer is None:
                self._announcer = producer(self._settings, self._topic.record_bytes)
            place = self._topic.partition(SESSIONS)
            headers = [("topic", SESSION_TOPIC.encode())]
            self._announcer.send(self._topic.name, session.encode(), SESSIONS.encode(), headers, place).get(self._settings.timeout_s + 1)

    def sessions(self) -> list[str]:
        """The sessions in the order in which they were announced."""
        self._reader.catch_up()
        self._reader.catch_up(self._topic.partition(SESSIONS))  # again: a commit that was seen was announced before it was written
        return self._index.sessions()

    def dropped(self) -> tuple[int, list[Dropped]]:
        """How many records count, and those that do not."""
        self._reader.catch_up()
        return self._index.counted(), self._index.dropped()

    def select_events(
        self, originator_id: UUID | str, *, gt: int | None = None, lte: int | None = None, desc: bool = False, limit: int | None = None
    ) -> Sequence[StoredEvent]:
        """The events of a stream that count."""
        stream = str(originator_id)
        part = self._topic.partition(stream)
        places = self._index.places(stream, gt, lte, desc=desc, limit=limit)
        whole = places and places[-1][0] == (gt or 0) + len(places) and (len(places) == limit or places[-1][0] == lte)
        if desc or not whole:
            self._reader.catch_up(part)
            places = self._index.places(stream, gt, lte, desc=desc, limit=limit)
        if not places:
            return []
        in_order = list(reversed(places)) if desc else places
        records = self._reader.records(part, sorted(at for _, at in places))
        events = [stored(record, originator_id) for record in records if record.key == stream.encode()]
        if [(e.originator_version, r.offset) for e, r in zip(events, records, strict=False)] != in_order:
            self._index.forget(part)
            raise OperationalError("the local index does not fit the topic; it is made anew")
        return list(reversed(events)) if desc else events

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), *, inclusive_of_start: bool = True
    ) -> Sequence[Notification]:
        """The events of the topic in their order; an id is an offset + 1. Raises ProgrammingError for a topic of several partitions."""
        self._single()
        self._reader.catch_up(0)
        found: list[Notification] = []
        at = (start or 1) - 1 + (0 if inclusive_of_start or start is None else 1)
        end = (1 << 62) if stop is None else stop - 1
        while len(found) < limit:
            places = self._index.notified(0, at, end, limit - len(found))
            if not places:
                break
            at = places[-1][1] + 1
            for record, (stream, offset) in zip(self._reader.records(0, [place for _, place in places]), places, strict=True):
                event = stored(record, stream)
                if not topics or event.topic in topics:
                    found.append(Notification(_identifier(stream), event.originator_version, event.topic, event.state, offset + 1))
        return found

    def max_notification_id(self) -> int | None:
        """The id of the last event. Raises ProgrammingError for a topic of several partitions."""
        self._single()
        self._reader.catch_up(0)
        last = self._index.last_notified(0)
        return None if last is None else last + 1

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Notifications as they come. Raises ProgrammingError for a topic of several partitions."""
        self._single()
        return _Subscription(self, gt, topics)

    def wait(self) -> None:
        """Return when the topic has grown, or after 50 ms."""
        self._reader.wait(_LISTEN_S)

    def _single(self) -> None:
        if self._topic.partitions != 1:
            raise ProgrammingError("notifications have one order only in a topic with one partition: `reenact log create URL --partitions 1`")

    def close(self) -> None:
        """Commit what is open, end every writer and close every connection."""
        with self._lock:
            seats = list(self._seats.values())
        for seat in seats:
            with seat.lock:
                seat.lost = True
                self._leave(seat)
        deadline = time.monotonic() + _CLOSE_S
        for writer in self._ended:
            writer.join(deadline)
        if self._announcer is not None:
            self._announcer.close(timeout=_CLOSE_S)
        self._reader.close()
        self._index.close()


class _Subscription(Subscription[ApplicationRecorder]):
    def __init__(self, recorder: KafkaRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._kafka = recorder
        self._found: list[Notification] = []

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if not self._found:
                found = self._kafka.select_notifications(self._last_notification_id, 500, topics=self._topics, inclusive_of_start=False)
                self._found = list(reversed(found))
            if self._found:
                notification = self._found.pop()
                self._last_notification_id = notification.id
                return notification
            self._kafka.wait()
        raise StopIteration


def _identifier(stream: str) -> UUID | str:
    """The aggregate's id as it was: text that is a UUID was one."""
    try:
        return UUID(stream)
    except ValueError:
        return stream


def _cache() -> Path:
    """Where the user's programs keep what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reenact" / "kafka"
