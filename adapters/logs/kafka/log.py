"""Decides how sessions lie in a topic: one stream each, written by one writer each, its commits at their event time.

Invariants: a session is announced in the stream "~sessions" before its first commit is written, and listed once it has one.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

import msgspec
from eventsourcing.persistence import StoredEvent  # noqa: TC002  the house keeps run-time imports
from kafka.errors import KafkaError

from adapters.logs.kafka.errors import explained
from adapters.logs.kafka.index import Dropped
from adapters.logs.kafka.recorder import Described, KafkaRecorder
from adapters.logs.kafka.settings import KafkaSettings
from adapters.logs.kafka.topic import Topic, check_topic
from adapters.logs.recorded import RecordedLog
from domain.errors import LogError, LogUnavailable


class _Start(msgspec.Struct, array_like=True, gc=False):
    """The first fields of `domain.commit.Commit`."""

    format: int
    session: str
    number: int
    first_seq: int
    count: int
    prev: bytes
    first_ns: int
    last_ns: int


_start = msgspec.msgpack.Decoder(_Start)
_FIELDS = len(_Start.__struct_fields__)
_NUMBER_BYTES = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_LENGTH_BYTES = {0xC4: 1, 0xC5: 2, 0xD9: 1, 0xDA: 2}


def _behind(record: bytes, at: int) -> int:
    """Where the number, text or bytes of msgpack that begin at `at` end. A decoder would walk through the whole record to skip its rest."""
    kind = record[at]
    if kind in _LENGTH_BYTES:
        n = _LENGTH_BYTES[kind]
        return at + 1 + n + int.from_bytes(record[at + 1 : at + 1 + n])
    short_text = kind & 0x1F if 0xA0 <= kind < 0xC0 else 0
    return at + 1 + _NUMBER_BYTES.get(kind, short_text)


def described(event: StoredEvent) -> Described:
    """A commit's event time, and its events in headers. The brokers refuse the future, so a simulated one is written as now."""
    try:
        end = 1
        for _ in range(_FIELDS):
            end = _behind(event.state, end)
        start = _start.decode(bytes([0x90 + _FIELDS]) + event.state[1:end])
    except (IndexError, msgspec.DecodeError, UnicodeDecodeError):
        return None, []
    timestamp_ms = min(max(0, start.last_ns // 1_000_000), int(time.time() * 1000))
    return timestamp_ms, [("first_seq", b"%d" % start.first_seq), ("count", b"%d" % start.count), ("last_ns", b"%d" % start.last_ns)]


class KafkaLog(RecordedLog):
    """An `EventLog` in a topic of Apache Kafka. The topic must be there (`create_topic`) and must not forget.

    Raises LogUnavailable when it is not there, not fit for a log or cannot be reached, with the remedy. A log that does not answer holds up
    an append for `settings.timeout_s`; then it is LogUnavailable and the same append may be tried again: it is written once.
    """

    raises = (*RecordedLog.raises, KafkaError, OSError, sqlite3.Error)

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.topic = check_topic(settings)
        self._kafka = KafkaRecorder(settings, self.topic, describe=described)
        super().__init__(self._kafka)

    def explained(self, error: Exception, session: str) -> LogError:
        """See `RecordedLog.explained`."""
        if isinstance(error, sqlite3.Error):
            return LogUnavailable(
                f"the local index of {self.settings.url} cannot be used: {error}", session=session,
                remedy="Everything committed so far is safe. Free space, or name another folder with `index=PATH`.",
            )  # fmt: skip
        return explained(error, self.settings, session)

    def _open(self, session: str, events: list[StoredEvent]) -> None:
        """Announce the session and insert its first commits; of several announcements the first counts."""
        self._kafka.announce(session)
        self._kafka.insert_events(events)

    def _await_growth(self, session: str, after: int) -> None:
        """Listen to the brokers, who answer when there is something new."""
        with self._explaining(session):
            self._kafka.wait()

    def sessions(self) -> list[str]:
        """See `EventLog.sessions`."""
        with self._explaining():
            return self._kafka.sessions()

    def report(self) -> TopicReport:
        """What the topic holds."""
        with self._explaining():
            counted, dropped = self._kafka.dropped()
        return TopicReport(self.topic, counted, tuple(dropped))

    def close(self) -> None:
        """See `EventLog.close`."""
        if not self._closed:
            super().close()
            self._kafka.close()


@dataclass(frozen=True, slots=True)
class TopicReport:
    """A topic as `reenact log check` tells it: its settings, how many records count, and which do not."""

    topic: Topic
    counted: int
    dropped: tuple[Dropped, ...]


def describe_topic(settings: KafkaSettings) -> TopicReport:
    """Read a topic to its end and say what it holds. Raises LogUnavailable like `KafkaLog`."""
    with KafkaLog(settings) as log:
        return log.report()
