"""Decides how records come out of a topic: judged into the index up to its end, and fetched again where the index says.

Invariants: what a producer was told is durable before a read began is seen by it; a few MiB in memory at a time; a follower that nobody
reads costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Condition, Lock
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import CorruptRecordError, KafkaTimeoutError
from kafka.structs import TopicPartition

from adapters.logs.kafka.index import Index
from adapters.logs.kafka.settings import KafkaSettings
from adapters.logs.kafka.topic import Topic

_FETCH_BYTES = 1 << 20
_IDLE_MOST = 2  # consumers kept for the next read
_READ_WAIT_MS = 5  # what a fetch that finds nothing may hold up the next one
_TAIL_WAIT_MS = 500
_POLL_MS = 100
_JUMP = 1000  # offsets: read over fewer, seek over more
_JUDGED_MOST = 2000  # records in one transaction of the index


class _Consumer:
    """A consumer of one partition at a time, and where it stands."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.part = -1
        self.at = -1

    def seek(self, place: TopicPartition, at: int) -> None:
        """Stand before an offset; what was fetched ahead is kept if it begins there."""
        if place.partition != self.part:
            self.client.assign([place])
        if place.partition != self.part or at != self.at:
            self.client.seek(place, at)
        self.part, self.at = place.partition, at


class Reader:
    """Reads one topic for one handle. May be used from several threads."""

    def __init__(self, settings: KafkaSettings, topic: Topic, index: Index) -> None:
        self._settings = settings
        self._index = index
        self._places = [TopicPartition(topic.name, part) for part in range(topic.partitions)]
        self._idle: list[_Consumer] = []
        self._tail: Any = None
        self._at: dict[int, int] = {}
        self._polling = Lock()
        self._grown = Condition()
        self._closed = False

    def _consumer(self, wait_ms: int) -> Any:
        return KafkaConsumer(
            **self._settings.client(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            isolation_level="read_uncommitted",
            check_crcs=find_spec("crc32c") is not None,  # the brokers check them, too; in Python alone it takes 7 ms for 64 KiB
            fetch_max_bytes=2 * _FETCH_BYTES,
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=wait_ms,
            max_poll_records=_JUDGED_MOST,
            metrics_enabled=False,
            retry_backoff_ms=20,
            reconnect_backoff_max_ms=1000,
            bootstrap_timeout_ms=int(self._settings.timeout_s * 1000),
        )

    @contextmanager
    def _borrowed(self, part: int = -1, at: int = -1) -> Iterator[_Consumer]:
        """A consumer of one's own for a while; the one that stands there already if there is one. One that failed is not used again."""
        with self._grown:
            found = next((c for c in self._idle if (c.part, c.at) == (part, at)), self._idle[0] if self._idle else None)
            if found is not None:
                self._idle.remove(found)
        consumer = found or _Consumer(self._consumer(_READ_WAIT_MS))
        try:
            yield consumer
        except BaseException:
            consumer.client.close()
            raise
        with self._grown:
            kept = not self._closed and len(self._idle) < _IDLE_MOST
            if kept:
                self._idle.append(consumer)
        if not kept:
            consumer.client.close()

    def catch_up(self, *parts: int) -> None:
        """Judge what the partitions (none: all) hold by now."""
        places = [self._places[part] for part in parts] or self._places
        before = {place.partition: self._index.position(place.partition) for place in places}
        with self._borrowed() as consumer:
            ends = {place.partition: end for place, end in consumer.client.end_offsets(places, timeout_ms=self._settings.timeout_s * 1000).items()}
        for part, end in ends.items():
            if before[part] > end:  # the topic was cut: brokers lost what they had not written to disk
                self._index.forget(part)
        self._judge_upto(ends)

    def _judge_upto(self, ends: Mapping[int, int]) -> None:
        deadline = time.monotonic() + self._settings.timeout_s
        before: dict[int, int] = {}
        while True:
            now = {part: self._index.position(part) for part in ends}
            if all(now[part] >= end for part, end in ends.items()):
                return
            if now != before:
                before, deadline = now, time.monotonic() + self._settings.timeout_s
            elif time.monotonic() > deadline:
                raise KafkaTimeoutError("no records within the time-out")
            with self._polling:
                self._judge_next(_POLL_MS)

    def _judge_next(self, wait_ms: int) -> None:
        """Judge the next records of any partition. Holds `_polling`."""
        if self._tail is None:
            self._tail = self._consumer(_TAIL_WAIT_MS)
            self._tail.assign(self._places)
            self._at.clear()
        try:
            for place in self._places:
                at = self._index.position(place.partition)
                if self._at.get(place.partition) != at:
                    self._tail.seek(place, at)
                    self._at[place.partition] = at
            found = self._tail.poll(timeout_ms=wait_ms)
            moved = {place: at for place in self._places if (at := self._tail.position(place)) != self._at[place.partition]}
            for place, at in moved.items():
                ours = self._index.judge(place.partition, self._at[place.partition], at, found.get(place, ()))
                self._at[place.partition] = at if ours else -1
        except BaseException:
            self._tail.close()
            self._tail = None
            raise
        if moved:
            with self._grown:
                self._grown.notify_all()

    def wait(self, seconds: float) -> None:
        """Return when something new was judged, or after a while. The first to wait listens for all."""
        if self._polling.acquire(blocking=False):
            try:
                if not self._closed:
                    self._judge_next(int(seconds * 1000))
            finally:
                self._polling.release()
        else:
            with self._grown:
                self._grown.wait(seconds)

    def records(self, part: int, offsets: Sequence[int]) -> list[Any]:
        """The records at ascending offsets of a partition. Raises CorruptRecordError when one is not there."""
        found: list[Any] = []
        place = self._places[part]
        deadline = time.monotonic() + self._settings.timeout_s
        with self._borrowed(part, offsets[0]) as consumer:
            consumer.seek(place, offsets[0])
            while len(found) < len(offsets):
                if offsets[len(found)] - consumer.at > _JUMP:
                    consumer.seek(place, offsets[len(found)])
                got = consumer.client.poll(timeout_ms=_POLL_MS, max_records=offsets[-1] - consumer.at + 1).get(place, ())
                for record in got:
                    if record.offset == offsets[len(found)]:
                        found.append(record)
                    elif record.offset > offsets[len(found)]:
                        raise CorruptRecordError(f"offset {offsets[len(found)]} is not there")
                    if len(found) == len(offsets):
                        break
                consumer.at = consumer.client.position(place)
                if got:
                    deadline = time.monotonic() + self._settings.timeout_s
                elif time.monotonic() > deadline:
                    raise KafkaTimeoutError("no records within the time-out")
        return found

    def close(self) -> None:
        """Close every connection. A read that is under way ends with an error or closes its own."""
        with self._grown:
            self._closed = True
            idle, self._idle = self._idle, []
            self._grown.notify_all()
        for consumer in idle:
            consumer.client.close()
        with self._polling:
            if self._tail is not None:
                self._tail.close()
                self._tail = None
