"""What a consumer of committed records finds on a topic."""

from __future__ import annotations

import json
from typing import Any

from kafka import KafkaConsumer, TopicPartition


def committed(bootstrap: str, topic: str) -> list[tuple[int, Any]]:
    """Every committed record with its partition, each partition's in order."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    places = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    found = []
    while any(consumer.position(place) < end for place, end in ends.items()):
        for place, records in consumer.poll(timeout_ms=200).items():
            found += [(place.partition, record) for record in records]
    consumer.close()
    return found


def published(bootstrap: str, topic: str) -> dict[str, list[dict[str, Any]]]:
    """By session the published events in the order in which a consumer gets them; a session lies in one partition."""
    found: dict[str, list[dict[str, Any]]] = {}
    places: dict[str, set[int]] = {}
    for partition, record in committed(bootstrap, topic):
        session = record.key.decode()
        found.setdefault(session, []).append(json.loads(record.value))
        places.setdefault(session, set()).add(partition)
    assert all(len(partitions) == 1 for partitions in places.values())
    return found
