"""One Kafka transaction holds a batch and the position it leads to; topics that would lose events are refused; one publisher owns a topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource

from adapters.publishing import Position, Record, Target, TopicPublisher, prepare
from domain.errors import ConfigInvalid, LogConflict, LogCorrupt, LogUnavailable
from tests.adapters.publishing.reading import committed
from tests.servers.fixtures import Kafka


@pytest.fixture
def target(kafka: Kafka) -> Target:
    """A topic that nobody has made yet."""
    topic = kafka.topic()
    return Target(topic=topic, name=f"kafka://{kafka.bootstrap}/{topic}", client={"bootstrap_servers": kafka.bootstrap}, timeout_s=60)


@pytest.fixture
def admin(kafka: Kafka) -> Iterator[Any]:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    yield admin
    admin.close()


def batch(first: int, n: int) -> list[Record]:
    return [Record(b"%d" % i, [("seq", b"%d" % i)], 1_700_000_000_000 + i) for i in range(first, first + n)]


def after(position: Position, n: int) -> Position:
    return Position(position.session, position.partition, position.commit + 1, position.seq + n)


def test_missing_topics_are_made_for_ever_and_a_second_time_nothing_happens(target: Target, admin: Any) -> None:
    """Given no topic, then one for events is made that keeps them and one for positions that is compacted; made again, all stays."""
    prepare(target, 5)
    prepare(target, 7)
    events, positions = admin.describe_topics([target.topic, target.positions])
    assert [len(t["partitions"]) for t in (events, positions)] == [5, 1]
    found = admin.describe_configs([ConfigResource("topic", t) for t in (target.topic, target.positions)], config_filter="all")["topic"]
    assert (found[target.topic]["retention.ms"]["value"], found[target.topic]["cleanup.policy"]["value"]) == ("-1", "delete")
    assert found[target.positions]["cleanup.policy"]["value"] == "compact"


@pytest.mark.parametrize(
    ("configs", "words"),
    [
        ({"cleanup.policy": "compact"}, "cleanup.policy=delete"),
        ({"retention.ms": "86400000"}, "retention.ms=-1"),
        ({"cleanup.policy": "compact,delete", "retention.ms": "86400000"}, "is compacted"),
    ],
)
def test_a_topic_that_would_lose_events_is_refused_with_the_remedy(target: Target, admin: Any, configs: dict[str, str], words: str) -> None:
    """Given compaction, or retention by the events' own time, then a sentence names the topic and the setting."""
    admin.create_topics({target.topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True)
    with pytest.raises(ConfigInvalid, match=words) as caught:
        prepare(target, 1)
    assert target.topic in str(caught.value)


def test_a_topic_that_is_kept_for_a_time_after_publishing_is_taken(target: Target, admin: Any) -> None:
    """Given retention that counts from the time of publishing, then the topic is as wanted."""
    configs = {"retention.ms": "86400000", "message.timestamp.type": "LogAppendTime"}
    admin.create_topics({target.topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True)
    prepare(target, 1)


def test_a_topic_whose_positions_are_gone_and_positions_without_their_topic_are_refused(target: Target, admin: Any) -> None:
    """Given one topic of the pair deleted, then nothing is published a second time or left out: a sentence says what to delete."""
    prepare(target, 1)
    with TopicPublisher(target) as publisher:
        publisher.publish(batch(1, 3), after(publisher.position("s"), 3))
    admin.delete_topics([target.positions])
    with pytest.raises(ConfigInvalid, match="holds records, but"):
        prepare(target, 1)
    other = Target(topic=f"{target.topic}-b", name="b", client=target.client)
    prepare(other, 1)
    admin.delete_topics([other.topic])
    with pytest.raises(ConfigInvalid, match="is gone, but"):
        prepare(other, 1)


def test_what_is_published_is_there_once_in_order_under_its_session_and_time(target: Target) -> None:
    """Given two sessions in turns, then each lies whole and in order in one partition, with key, headers and the events' time."""
    prepare(target, 4)
    with TopicPublisher(target) as publisher:
        for turn in range(5):
            for session in ("one", "two"):
                publisher.publish(batch(turn * 3 + 1, 3), after(publisher.position(session), 3))
        places = {session: publisher.position(session).partition for session in ("one", "two")}
    found = committed(target.client["bootstrap_servers"], target.topic)
    for session, place in places.items():
        mine = [record for partition, record in found if record.key == session.encode() and partition == place]
        assert [record.value for record in mine] == [b"%d" % i for i in range(1, 16)]
        assert mine[4].headers == [("seq", b"5")]
        assert mine[4].timestamp == 1_700_000_000_005
    assert len(found) == 30


def test_a_session_stays_in_its_partition_when_the_topic_is_given_more(target: Target, admin: Any) -> None:
    """Given a topic that grows from 1 to 8 partitions, then a session goes on in its own and new ones use the others."""
    prepare(target, 1)
    with TopicPublisher(target) as publisher:
        publisher.publish(batch(1, 1), after(publisher.position("s"), 1))
    admin.create_partitions({target.topic: 8})
    with TopicPublisher(target) as publisher:
        assert publisher.position("s") == Position("s", 0, 1, 1)
        publisher.publish(batch(2, 1), after(publisher.position("s"), 1))
        assert {publisher.position(f"new-{n}").partition for n in range(40)} > {0, 1, 2}
    assert [(p, r.value) for p, r in committed(target.client["bootstrap_servers"], target.topic)] == [(0, b"1"), (0, b"2")]


def test_the_positions_are_what_the_next_publisher_goes_on_from(target: Target, admin: Any) -> None:
    """Given publishers one after the other, then each finds where the last one stopped."""
    prepare(target, 1)
    for turn in range(3):
        with TopicPublisher(target) as publisher:
            before = publisher.position("s")
            assert (before.commit, before.seq) == (turn, 4 * turn)
            publisher.publish(batch(before.seq + 1, 4), after(before, 4))
    assert [r.value for _, r in committed(target.client["bootstrap_servers"], target.topic)] == [b"%d" % i for i in range(1, 13)]


@pytest.mark.parametrize("busy", [False, True], ids=["between two batches", "in the middle of a batch"])
def test_a_publisher_that_was_overtaken_stops_and_its_successor_goes_on(target: Target, busy: bool) -> None:
    """Given a second publisher of the same topic, then the first one sends nothing more and says why; the second one is not disturbed."""
    prepare(target, 1)
    first = TopicPublisher(target)
    start = first.position("s")
    first.publish(batch(1, 2), after(start, 2))
    second: list[TopicPublisher] = []

    def takeover() -> Iterator[Record]:
        yield from batch(3, 1)
        second.append(TopicPublisher(target))
        yield from batch(4, 1)

    records: Any = takeover() if busy else batch(3, 2)
    if not busy:
        second.append(TopicPublisher(target))
    with pytest.raises(LogConflict, match="another publisher has taken over"):
        first.publish(records, after(first.position("s"), 2))
    first.close()
    (publisher,) = second
    for n in range(3):
        here = publisher.position("s")
        assert here.seq == 2 + 2 * n
        publisher.publish(batch(here.seq + 1, 2), after(here, 2))
    publisher.close()
    assert [r.value for _, r in committed(target.client["bootstrap_servers"], target.topic)] == [b"%d" % i for i in range(1, 9)]


def test_what_was_under_way_is_ended_before_the_positions_are_read(target: Target) -> None:
    """Given a publisher that died between sending and committing, then its records are never seen and the next starts where it had started."""
    prepare(target, 1)
    dead = KafkaProducer(**target.client, transactional_id=target.transactional_id)
    dead.init_transactions()
    dead.begin_transaction()
    dead.send(target.topic, b"half", b"s")
    dead.send(target.positions, json.dumps({"session": "s", "partition": 0, "commit": 9, "seq": 9}).encode(), b"s", partition=0)
    dead.flush()
    with TopicPublisher(target) as publisher:
        assert publisher.position("s").commit == 0
        publisher.publish(batch(1, 1), after(publisher.position("s"), 1))
    dead.close(timeout=0)
    assert [r.value for _, r in committed(target.client["bootstrap_servers"], target.topic)] == [b"1"]


def test_an_event_larger_than_the_topic_takes_is_refused_with_the_remedy(target: Target, admin: Any) -> None:
    """Given a topic of the operator's with small records, then the sentence names the setting, and nothing of the batch is seen."""
    configs = {"retention.ms": "-1", "max.message.bytes": "2000"}
    admin.create_topics({target.topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True)
    prepare(target, 1)
    large = Record(bytes(i * 7919 % 251 for i in range(100_000)), [], 0)
    plain = Target(topic=target.topic, name=target.name, client=target.client, producer={"compression_type": None}, timeout_s=20)
    with TopicPublisher(plain) as publisher, pytest.raises(LogUnavailable, match=r"max\.message\.bytes"):
        publisher.publish([*batch(1, 1), large], after(publisher.position("s"), 2))
    assert committed(target.client["bootstrap_servers"], target.topic) == []


def test_brokers_that_are_not_there_are_one_sentence(target: Target) -> None:
    """Given a port where nobody listens, then the address is named with what to check."""
    nowhere = Target(topic="t", name="kafka://127.0.0.1:1/t", client={"bootstrap_servers": "127.0.0.1:1", "bootstrap_timeout_ms": 300})
    with pytest.raises(LogUnavailable, match=r"kafka://127\.0\.0\.1:1/t.*[Cc]heck host"):
        prepare(nowhere, 1)


def test_foreign_records_among_the_positions_are_named(target: Target) -> None:
    """Given something else on the topic of positions, then the topic is named and nothing is sent."""
    prepare(target, 1)
    producer = KafkaProducer(**target.client)
    producer.send(target.positions, b"hello", b"s", partition=0).get(30)
    producer.close()
    with pytest.raises(LogCorrupt, match=target.positions):
        TopicPublisher(target)


def test_settings_that_the_client_refuses_are_one_sentence(target: Target) -> None:
    """Given a compression that is none, then the address is named with what the client says of it."""
    prepare(target, 1)
    wrong = Target(topic=target.topic, name=target.name, client=target.client, producer={"compression_type": "none-such"})
    with pytest.raises(ConfigInvalid, match="refuses the settings"):
        TopicPublisher(wrong)
