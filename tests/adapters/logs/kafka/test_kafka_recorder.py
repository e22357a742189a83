"""PERSISTENCE_MODULE=adapters.logs.kafka: an application of the `eventsourcing` library on a topic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, NotSupportedError, ProgrammingError, StoredEvent

from adapters.logs.kafka import Factory, KafkaSettings
from tests.adapters.logs.kafka.topics import made
from tests.servers.fixtures import Kafka


class Account(Aggregate):
    """An aggregate with a UUID for its id."""

    def __init__(self) -> None:
        self.balance = 0

    @event("Credited")
    def credit(self, amount: int) -> None:
        self.balance += amount


class Bank(Application[UUID]):
    """The library's application as it comes."""


def environment(settings: KafkaSettings) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": "adapters.logs.kafka", "KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.servers), "KAFKA_TOPIC": settings.topic,
        "KAFKA_OPTIONS": f"index={settings.index}",
    }  # fmt: skip


@contextmanager
def bank(settings: KafkaSettings) -> Iterator[Bank]:
    application = Bank(env=environment(settings))
    try:
        yield application
    finally:
        application.close()


@pytest.fixture
def settings(kafka: Kafka, tmp_path: Path) -> KafkaSettings:
    return made(kafka, tmp_path / "index", partitions=1)


def test_aggregates_are_saved_loaded_and_notified_in_their_order(settings: KafkaSettings) -> None:
    with bank(settings) as application:
        one, other = Account(), Account()
        one.credit(10)
        recordings = application.save(one, other)
        one.credit(5)
        recordings += application.save(one)
        ids = [recording.notification.id for recording in recordings]
        assert ids == sorted(set(ids))
        found: Any = application.repository.get(one.id)
        assert (found.balance, found.version) == (15, 3)
        with pytest.raises(AggregateNotFoundError):
            application.repository.get(uuid4())
    with bank(settings) as application:
        found = application.repository.get(one.id)
        found.credit(1)
        application.save(found)
        notifications = application.recorder.select_notifications(start=1, limit=10)
        assert [(n.originator_id, n.originator_version) for n in notifications] == [(one.id, 1), (one.id, 2), (other.id, 1), (one.id, 3), (one.id, 4)]
        assert [n.id for n in notifications][:4] == ids
        assert application.recorder.max_notification_id() == notifications[-1].id
        assert application.recorder.select_notifications(start=notifications[1].id, limit=2, inclusive_of_start=False) == notifications[2:4]
        assert application.recorder.select_notifications(start=1, limit=10, stop=ids[1]) == notifications[:2]
        assert application.recorder.select_notifications(start=1, limit=10, topics=[notifications[1].topic]) == [
            n for n in notifications if n.topic == notifications[1].topic
        ]


def test_an_aggregate_that_was_saved_by_somebody_else_meanwhile_is_a_conflict(settings: KafkaSettings) -> None:
    with bank(settings) as application:
        account = Account()
        application.save(account)
        one: Any = application.repository.get(account.id)
        other: Any = application.repository.get(account.id)
        one.credit(1)
        application.save(one)
        other.credit(2)
        with pytest.raises(IntegrityError):
            application.save(other, Account())
        one.credit(3)
        application.save(one)
        assert application.repository.get(account.id).balance == 4  # type: ignore[attr-defined]
        assert len(application.recorder.select_notifications(start=1, limit=10)) == 3


def test_a_second_process_that_writes_fences_out_the_first(settings: KafkaSettings) -> None:
    with bank(settings) as first, bank(settings) as second:
        first.save(Account())
        second.save(Account())
        with pytest.raises(IntegrityError, match="fenced out"):
            first.save(Account())
        second.save(Account())
        assert len(first.recorder.select_notifications(start=1, limit=10)) == 3


def test_a_subscriber_gets_what_is_there_and_what_comes(settings: KafkaSettings) -> None:
    seen: list[UUID | str] = []
    with bank(settings) as application:
        accounts = [Account() for _ in range(20)]
        application.save(*accounts[:3])
        with application.recorder.subscribe(gt=None) as subscription:
            reader = Thread(target=lambda: [seen.append(next(subscription).originator_id) for _ in accounts])
            reader.start()
            for account in accounts[3:]:
                application.save(account)
            reader.join(30)
            assert not reader.is_alive()
    assert seen == [account.id for account in accounts]


def test_what_a_topic_cannot_do_is_said(kafka: Kafka, tmp_path: Path) -> None:
    many = made(kafka, tmp_path / "index", partitions=8)
    with InfrastructureFactory.construct(environment(many)) as factory:
        assert isinstance(factory, Factory)
        recorder = factory.application_recorder()
        with pytest.raises(ProgrammingError, match="one partition"):
            recorder.select_notifications(start=1, limit=1)
        with pytest.raises(ProgrammingError, match="several partitions"):
            recorder.insert_events([StoredEvent(uuid4(), 1, "t", b"") for _ in range(40)])
        for make in (factory.tracking_recorder, factory.process_recorder, factory.aggregate_recorder):
            with pytest.raises(NotSupportedError):
                make()
