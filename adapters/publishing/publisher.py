"""Decides how records reach a topic exactly once: one Kafka transaction holds a batch and the position it leads to.

The topic `<topic>.positions` is compacted: by session the last `Position`, and under `~publisher` who owns the topic. A later publisher claims it;
the transactional id alone does not say who may go on, because Kafka also fences who was merely away for long, and kafka-python then asks for a new
epoch by itself.

Invariants: after every reconnection the positions are read again, behind `init_transactions`, which ends what was under way; a publisher that
finds another's claim never sends again; nothing is sent twice because its outcome was not heard.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner import murmur2

from adapters.publishing.records import FORMAT, Position, Record
from adapters.publishing.topics import LARGEST_BYTES, Target, configured, explanation
from domain.errors import ConfigInvalid, LogConflict, LogCorrupt, invariant

_OWNER = b"~publisher"
_PAUSE_S = 0.5
_CLOSE_S = 2.0
_READ_S = 30.0
_RAISES = (KafkaError, OSError)
_PRODUCER: dict[str, Any] = {
    "compression_type": "zstd", "batch_size": 512 << 10, "linger_ms": 5, "max_request_size": LARGEST_BYTES,
    "retry_backoff_ms": 10,  # the coordinator is still busy with the last transaction when the next begins; 100 ms would be its price each time
}  # fmt: skip


class _Claim(msgspec.Struct, frozen=True):
    """Who owns the topic: host, process and when it claimed it."""

    owner: str


class TopicPublisher:
    """The one publisher of a topic. Topics must be prepared (`adapters.publishing.prepare`). Not for several threads."""

    def __init__(self, target: Target) -> None:
        """Fence any other publisher and claim the topic. Raises LogUnavailable, LogConflict."""
        self._target = target
        self._claim = _Claim(f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}")
        self._producer: Any = None
        self._partitions = 0
        self._positions: dict[str, Position] = {}
        self._closed = False
        self._insist(None, time.monotonic() + target.timeout_s, claiming=True)

    @property
    def name(self) -> str:
        """The topic's address as people read it."""
        return self._target.name

    def position(self, session: str) -> Position:
        """How far the session is published. A new one is given the partition that the field's partitioner gives its name (murmur2)."""
        found = self._positions.get(session)
        if found is None:
            found = self._positions[session] = Position(session, (murmur2(session.encode()) & 0x7FFF_FFFF) % self._partitions)
        return found

    def publish(self, records: Sequence[Record], position: Position) -> None:
        """Send the records and the position they lead to, all of them or none; waits while the brokers are away.

        Raises LogConflict when another publisher has taken over, LogUnavailable when the brokers stay away or refuse the records.
        """
        invariant(not self._closed, "a closed publisher is not used")
        before = self.position(position.session).commit
        until = 0.0
        while self.position(position.session).commit == before:
            try:
                self._transaction(records, position)
            except _RAISES as e:
                until = until or time.monotonic() + self._target.timeout_s
                self._insist(e, until)
            else:
                self._positions[position.session] = position

    def _transaction(self, records: Sequence[Record], position: Position) -> None:
        """One attempt. kafka-python commits a transaction of which a send has failed, so each answer is looked at first."""
        producer = self._producer
        key = position.session.encode()
        producer.begin_transaction()
        send, topic = producer.send, self._target.topic
        sent = [send(topic, value, key, headers, position.partition, ms) for value, headers, ms in records]
        sent.append(producer.send(self._target.positions, msgspec.json.encode(position), key, partition=0))
        self._commit(sent)

    def _commit(self, sent: Sequence[Any]) -> None:
        """Wait for every answer; `flush` of kafka-python 3.0 fails when the brokers make it split a batch."""
        for answer in sent:
            answer.get(self._target.timeout_s)
        self._producer.commit_transaction()

    def _insist(self, error: BaseException | None, until: float, *, claiming: bool = False) -> None:
        """Connect (again) until it works, the time is up, or somebody else owns the topic."""
        while True:
            self._disconnect()
            if error is not None:
                if _hopeless(error) or time.monotonic() > until:
                    raise explanation(self._target, error) from error
                time.sleep(_PAUSE_S)  # also leaves a successor that has just fenced this one the time to claim the topic
            try:
                if not claiming:
                    self._check_owner()
                self._connect()
                if claiming:
                    self._take()
                self._check_owner()
            except _RAISES as e:
                error = e
            else:
                return

    def _connect(self) -> None:
        """A new producer, behind everything that was under way under this transactional id."""
        options = _PRODUCER | dict(self._target.producer)
        with configured(self._target):
            self._producer = KafkaProducer(**self._target.client, **options, transactional_id=self._target.transactional_id)
        self._producer.init_transactions()
        self._partitions = len(self._producer.partitions_for(self._target.topic))

    def _take(self) -> None:
        """Write the claim."""
        self._producer.begin_transaction()
        sent = [self._producer.send(self._target.positions, msgspec.json.encode(self._claim), _OWNER, partition=0)]
        self._commit(sent)

    def _check_owner(self) -> None:
        """Read owner and positions. Raises LogConflict when the owner is another."""
        owner, self._positions = _read(self._target)
        if owner != self._claim.owner:
            self._disconnect()
            raise LogConflict(
                f"another publisher has taken over {self._target.name}; this one is fenced out and has stopped",
                remedy="Nothing is lost or doubled. Run one publisher for each topic; give this one another topic if both are wanted.",
            )

    def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(*_RAISES):
                producer.close(timeout=_CLOSE_S)

    def close(self) -> None:
        """Let go of the topic. A second call does nothing."""
        self._closed = True
        self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _hopeless(error: BaseException) -> bool:
    """Whether trying again cannot help."""
    said = f"{type(error).__name__} {error}"
    return any(word in said for word in ("AuthenticationFailed", "AuthorizationFailed", "MessageSizeTooLarge", "InvalidTopic"))


def _read(target: Target) -> tuple[str, dict[str, Position]]:
    """Owner and positions: the last committed word on each."""
    consumer = KafkaConsumer(
        **target.client, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed",
    )  # fmt: skip
    try:
        place = TopicPartition(target.positions, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        last: dict[bytes, bytes] = {}
        until = time.monotonic() + _READ_S
        while consumer.position(place) < end:
            if time.monotonic() > until:
                raise KafkaTimeoutError(f"{target.positions} could not be read to its end")
            for record in consumer.poll(timeout_ms=200).get(place, []):
                last[record.key] = record.value
    finally:
        consumer.close()
    try:
        owner = msgspec.json.decode(last.pop(_OWNER, b'{"owner":""}'), type=_Claim).owner
        positions = {key.decode(): msgspec.json.decode(value, type=Position) for key, value in last.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError) as e:
        raise LogCorrupt(
            f"the topic {target.positions} holds something that no publisher wrote: {e}",
            remedy="Publish to another topic, or delete both topics and publish everything again.",
        ) from e
    if any(p.format != FORMAT for p in positions.values()):
        raise ConfigInvalid([(f"topic {target.topic}", f"was published in another format than {FORMAT}; publish to another topic.")])
    return owner, positions
