"""Topics for tests, and records that no log would write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import TopicPartition

from adapters.logs.kafka import KafkaSettings, create_topic
from tests.servers.fixtures import Kafka


def address(kafka: Kafka, topic: str, index: Path, *more: str) -> str:
    return "&".join((f"kafka://{kafka.bootstrap}/{topic}?index={index}", *more))


def made(kafka: Kafka, index: Path, *more: str, partitions: int = 2) -> KafkaSettings:
    """Settings of a new topic."""
    settings = KafkaSettings.from_url(address(kafka, kafka.topic(), index, *more))
    create_topic(settings, partitions=partitions)
    return settings


def settings_of(kafka: Kafka, place: Path) -> KafkaSettings:
    """The topic that belongs to a place; it is made when there is none."""
    note = place.with_name(f"{place.name}.topic")
    if not note.exists():
        settings = made(kafka, place.with_name(f"{place.name}.index"))
        note.write_text(settings.topic)
    return KafkaSettings.from_url(address(kafka, note.read_text(), place.with_name(f"{place.name}.index")))


@contextmanager
def raw(settings: KafkaSettings) -> Iterator[Any]:
    """A producer that knows of no writer: `put(key, value, headers)` or any other keyword of `send`."""
    producer = KafkaProducer(bootstrap_servers=list(settings.servers), max_request_size=96 << 20)
    try:
        yield lambda **record: producer.send(settings.topic, **record).get(30)
    finally:
        producer.close()


def everything(settings: KafkaSettings) -> list[Any]:
    """All records of a topic, uncommitted ones too, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=list(settings.servers), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        places = [TopicPartition(settings.topic, part) for part in sorted(consumer.partitions_for_topic(settings.topic))]
        ends = consumer.end_offsets(places)
        found = []
        for place in places:
            consumer.assign([place])
            consumer.seek(place, 0)
            while consumer.position(place) < ends[place]:
                found += consumer.poll(timeout_ms=200).get(place, [])
        return found
    finally:
        consumer.close()


def copy_without(kafka: Kafka, place: Path, session: str, number: int) -> None:
    """Give a place another topic: a copy in which every record stands for itself, and one is not there.

    Kafka cannot take a record out of the middle; who restores a topic from a copy that lacks one, has this.
    """
    before = settings_of(kafka, place)
    after = made(kafka, place.with_name(f"{place.name}.index"))
    with raw(after) as put:
        for record in everything(before):
            known = dict(record.headers)
            if (record.key, known.get("version")) != (session.encode(), b"%d" % number):
                headers = [(name, b"1/1" if name == "insert" else value) for name, value in record.headers]
                put(key=record.key, value=record.value, headers=headers, partition=record.partition, timestamp_ms=record.timestamp)
    place.with_name(f"{place.name}.topic").write_text(after.topic)
