"""Decides who may write: a writer is a fixed transactional id, and each new holder of it fences out the one before.

How it is safe. `init_transactions` makes the brokers end the older holder's open transaction and refuse its epoch from then on: when it
returns, the markers that end it are replicated behind everything that holder ever wrote. So whoever reads the tail *afterwards* has seen all
that can ever be there, and what it appends is next. The id is one per stream, not one per partition: two engines whose sessions lie in one
partition must not fence each other.

A writer that was fenced must stay out. kafka-python, like Java's client, answers a refused epoch by asking for a new one (KIP-360), and a broker
whose new writer has a transaction open aborts that one before it looks at the old epoch: the fenced writer would fence out its successor.
So our producers speak the protocol of Kafka 2.4, which has no such request, and a refused epoch is the end.

How it is fast. A transaction per append would cost three round trips more. One transaction stays open instead; an append waits for its
records to be acknowledged by all in-sync replicas, and returns. The transaction is committed when nothing was appended for 5 seconds, every
minute otherwise, and at the end - long before the brokers would end it themselves (15 minutes), which would fence this writer.
So transactions are for fencing only. A record that was acknowledged counts, even when the transaction around it was ended by a takeover: our
readers read uncommitted and judge by number and previous hash. Others that read committed only are some seconds late, and do not see
what a takeover or an outage cut off.

Invariants: after a failure nothing more is sent by this writer; what it had not sent is dropped before anything else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from adapters.logs.kafka.settings import KafkaSettings

BATCH_BYTES = 512 << 10
_ROOM = 1 << 20
_TRANSACTION_MS = 15 * 60 * 1000  # the most that brokers allow unless told otherwise
_IDLE_S = 5.0
_OPEN_S = 60.0
_REQUEST_MS = 10_000
_SPOKEN = (2, 4)  # before KIP-360, see above


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record on its way. `timestamp_ms` None: now."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int | None


def producer(settings: KafkaSettings, record_bytes: int, transactional_id: str | None = None) -> KafkaProducer:
    """A producer whose acknowledgement means: on all replicas in sync, once."""
    timeout_ms = int(settings.timeout_s * 1000)
    return KafkaProducer(
        **settings.client(),
        api_version=_SPOKEN,
        transactional_id=transactional_id,
        transaction_timeout_ms=_TRANSACTION_MS,
        enable_idempotence=True,
        acks="all",
        compression_type=settings.compression,
        batch_size=BATCH_BYTES,
        linger_ms=0,
        max_request_size=record_bytes + _ROOM,
        request_timeout_ms=min(_REQUEST_MS, timeout_ms),
        delivery_timeout_ms=timeout_ms,
        max_block_ms=timeout_ms,
        bootstrap_timeout_ms=timeout_ms,
        retry_backoff_ms=10,
        reconnect_backoff_max_ms=1000,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )


class Writer:
    """The holder of a transactional id, from its making until it is ended. Making it fences out the holder before.

    Raises KafkaError (see `errors.fenced`), also KafkaTimeoutError when the brokers do not answer in time.
    """

    def __init__(self, settings: KafkaSettings, topic: str, record_bytes: int, name: str) -> None:
        self._topic = topic
        self._timeout_s = settings.timeout_s
        self._producer = producer(settings, record_bytes, f"{topic}.{name}")
        try:
            self._producer.init_transactions()
        except BaseException:
            self._producer.close(timeout=0)
            raise
        self._changed = Condition()
        self._open = False  # a transaction is
        self._busy = False
        self._ending = False
        self._failed: BaseException | None = None
        self._since = self._used = 0.0
        self._thread = Thread(target=self._run, name=f"kafka writer {name}", daemon=True)
        self._thread.start()

    def append(self, records: Sequence[Outgoing]) -> list[int]:
        """Write records in order and wait until they are durable; their offsets. After an error their fate is unknown and the writer is of no more use."""
        deadline = time.monotonic() + self._timeout_s
        with self._changed:
            if not self._changed.wait_for(lambda: not self._busy, self._timeout_s):
                raise KafkaTimeoutError("the transaction was not committed in time")
            if self._failed is not None:
                raise self._failed
            self._busy = True
        failed: BaseException | None = None
        try:
            if not self._open:
                self._producer.begin_transaction()
                self._open, self._since = True, time.monotonic()
            sent = [self._producer.send(self._topic, r.value, r.key, r.headers, r.partition, r.timestamp_ms) for r in records]
            return [future.get(max(0.0, deadline - time.monotonic())).offset for future in sent]
        except BaseException as e:
            failed = e
            raise
        finally:
            with self._changed:
                self._busy, self._failed, self._used = False, failed, time.monotonic()
                self._changed.notify_all()

    def _due_s(self) -> float:
        """Seconds until the open transaction is to be committed."""
        if not self._open or self._failed is not None:
            return _TRANSACTION_MS / 1000
        return min(self._used + _IDLE_S, self._since + _OPEN_S) - time.monotonic()

    def _run(self) -> None:
        """Commit when it is time, until the end. A commit waits as long as the brokers do not answer, so it has a thread of its own."""
        while True:
            with self._changed:
                while self._busy or not (self._ending or self._due_s() <= 0):
                    self._changed.wait(None if self._busy else self._due_s())
                if self._ending:
                    break
                self._busy = True
            failed = self._commit()
            with self._changed:
                self._busy, self._failed = False, failed
                self._changed.notify_all()
        if self._failed is not None:
            self._abort()
        elif self._open:
            self._commit()
        self._close()

    def _commit(self) -> KafkaError | None:
        try:
            self._producer.commit_transaction()
        except KafkaError as e:
            return e
        self._open = False
        return None

    def _abort(self) -> None:
        """Drop what waits to be sent: it is not known whether it may still be."""
        try:
            self._producer.abort_transaction()
        except KafkaError:
            return  # fenced, or in a state in which nothing can be sent any more

    def _close(self) -> None:
        try:
            self._producer.close(timeout=self._timeout_s + 1)
        except KafkaError:
            self._producer.close()

    def end(self) -> None:
        """Commit, or give up after a failure, and close; does not wait for it."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether everything of it is gone."""
        return not self._thread.is_alive()

    def join(self, deadline: float) -> None:
        """Wait until it has ended; brokers that do not answer are waited for up to `deadline` (monotonic) only, then its client is cut off."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if not self.ended:
            with suppress(KafkaError):
                self._producer.close(timeout=0)
