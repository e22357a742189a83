"""The log in a topic of a real Apache Kafka: the contract, and what only Kafka can do to a log."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from adapters.logs import EventLog
from adapters.logs.kafka import KafkaLog, KafkaSettings, create_topic, describe_topic
from adapters.logs.kafka.log import described
from adapters.logs.recorded import COMMIT_TOPIC
from domain.commit import decode, digest, encode
from domain.errors import ConfigInvalid, LogConflict, LogGap, LogUnavailable
from tests.adapters.logs.kafka.topics import address, copy_without, everything, made, raw, settings_of
from tests.contracts.log_contract import LogContract, in_threads
from tests.crash.sessions import NAME, session
from tests.servers.fixtures import Kafka
from tests.servers.kafka import KafkaCluster
from tests.servers.process import free_port


class TestKafkaLog(LogContract):
    """A place is a topic of its own; the handles on it share one index."""

    examples = 4  # opening a handle takes a tenth of a second and more
    many = 23  # more than there are writers open at once

    @pytest.fixture(autouse=True)
    def _servers(self, kafka: Kafka) -> None:
        self.kafka = kafka

    def open(self, place: Path) -> EventLog:
        return KafkaLog(settings_of(self.kafka, place))

    def drop(self, place: Path, session: str, number: int) -> None:
        copy_without(self.kafka, place, session, number)


@pytest.fixture
def settings(kafka: Kafka, tmp_path: Path) -> KafkaSettings:
    """Of a new topic with one partition."""
    return made(kafka, tmp_path / "index", partitions=1)


def anew(settings: KafkaSettings, tmp_path: Path) -> KafkaLog:
    """A log whose index begins with nothing."""
    return KafkaLog(replace(settings, index=tmp_path / f"anew-{len(list(tmp_path.iterdir()))}"))


def header(version: int, prev: bytes, insert: str = "1/1") -> list[tuple[str, bytes]]:
    return [("version", b"%d" % version), ("topic", b"commit:1"), ("prev", prev.hex().encode()), ("insert", insert.encode())]


def test_foreign_records_are_left_out_and_told(settings: KafkaSettings, tmp_path: Path) -> None:
    with KafkaLog(settings) as log, raw(settings) as put:
        put(value=b"no key")
        put(key=b"s", value=b"no headers")
        put(key=b"s", value=b"impossible", headers=header(0, b""))
        put(key=b"s", value=b"impossible", headers=header(1, bytes(32), "3/2"))
        put(key=b"\xff", value=b"no text", headers=header(1, bytes(32)))
        put(key=b"s", value=None, headers=header(1, bytes(32)))
        put(key=b"~sessions", value=b"\xff", headers=[("topic", b"session:1")])
        log.append("s", 1, [b"1"])
        put(key=b"s", value=b"foreign")
        log.append("s", 2, [b"2"])
        assert list(log.read("s")) == [b"1", b"2"]
        report = log.report()
    assert [dropped.offset for dropped in report.dropped] == [*range(7), 9]
    assert all("foreign" in dropped.reason for dropped in report.dropped)
    assert report.counted == 3  # two commits and the announcement
    with anew(settings, tmp_path) as other:
        assert other.report() == report


def test_records_of_a_writer_that_does_not_know_the_end_do_not_count(settings: KafkaSettings, tmp_path: Path) -> None:
    """Given a writer that no broker fences, then what it writes under a taken number or behind another hash is dropped, with the reason."""
    with KafkaLog(settings) as log, raw(settings) as put:
        log.append("s", 1, [b"1", b"2"])
        put(key=b"s", value=b"x", headers=header(2, b"1"))
        put(key=b"s", value=b"x", headers=header(3, b"1"))
        put(key=b"s", value=b"x", headers=header(3, b"1", "1/2"))
        put(key=b"s", value=b"x", headers=header(4, b"x", "2/2"))
        log.append("s", 3, [b"3"])
        log.append("s", 4, [b"4", b"5"])
        reasons = [dropped.reason for dropped in log.report().dropped]
        assert list(log.read("s", 0, 5)) == [b"1", b"2", b"3", b"4", b"5"]
    assert ["is taken" in reasons[0], "another previous hash" in reasons[1], "another previous hash" in reasons[2]] == [True] * 3
    assert len(reasons) == 4
    with anew(settings, tmp_path) as other:
        assert list(other.read("s")) == [b"1", b"2", b"3", b"4", b"5"]


def test_an_insert_that_was_cut_off_is_void_and_its_numbers_are_written_again(settings: KafkaSettings, tmp_path: Path) -> None:
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1"])
    with raw(settings) as put:
        put(key=b"s", value=b"torn 2", headers=header(2, b"1", "1/3"))
        put(key=b"s", value=b"torn 3", headers=header(3, b"torn 2", "2/3"))
    with KafkaLog(settings) as log:
        assert list(log.read("s")) == [b"1"]
        assert [dropped.reason for dropped in log.report().dropped] == ["part of an insert that was never completed"] * 2
        log.append("s", 2, [b"2", b"3"])
    for reader in (KafkaLog(settings), anew(settings, tmp_path)):
        with reader:
            assert list(reader.read("s")) == [b"1", b"2", b"3"]
            assert [dropped.reason for dropped in reader.report().dropped] == ["part of an insert that was never completed"] * 2


def test_an_insert_that_lost_a_record_is_a_gap(kafka: Kafka, settings: KafkaSettings, tmp_path: Path) -> None:
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1"])
        log.append("s", 2, [b"2", b"3", b"4"])
    other = made(kafka, tmp_path / "index", partitions=1)
    with raw(other) as put:
        for record in everything(settings):
            if record.value != b"3":
                put(key=record.key, value=record.value, headers=record.headers)
    with KafkaLog(other) as log:
        records = log.read("s")
        assert next(records) == b"1"
        with pytest.raises(LogGap, match="commit 2 is missing"):
            next(records)
        assert log.head("s") == (1, b"1")


def test_two_sessions_in_one_partition_are_written_at_once_without_disturbing_each_other(settings: KafkaSettings, tmp_path: Path) -> None:
    def write(name: str) -> None:
        with KafkaLog(settings) as log:
            for n in range(1, 101):
                log.append(name, n, [f"{name}{n}".encode()])

    in_threads([Thread(target=write, args=(name,)) for name in ("a", "b")])
    with anew(settings, tmp_path) as log:
        for name in ("a", "b"):
            assert list(log.read(name)) == [f"{name}{n}".encode() for n in range(1, 101)]
        assert log.report().dropped == ()


def test_an_index_that_is_gone_or_damaged_is_made_anew(settings: KafkaSettings) -> None:
    assert settings.index
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1", b"2"])
        assert log.head("s") == (2, b"2")
    (path,) = settings.index.glob("*.sqlite")
    path.write_bytes(b"no database" * 1000)
    with KafkaLog(settings) as log:
        assert list(log.read("s")) == [b"1", b"2"]
    path.unlink()
    with KafkaLog(settings) as log:
        assert list(log.read("s")) == [b"1", b"2"]
        assert log.sessions() == ["s"]


def test_an_index_that_knows_more_or_something_else_than_the_topic_is_corrected(settings: KafkaSettings) -> None:
    assert settings.index
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1", b"2"])
        assert log.head("s") == (2, b"2")
    (path,) = settings.index.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as c:
        c.execute("UPDATE positions SET next = next + 1000")
        c.execute("INSERT INTO events VALUES ('s', 3, 0, 700, x'00')")
        c.commit()
    with KafkaLog(settings) as log:
        assert list(log.read("s")) == [b"1", b"2"]
    with closing(sqlite3.connect(path)) as c:
        c.execute("UPDATE events SET version = -version WHERE stream = 's'")
        c.execute("UPDATE events SET version = 3 + version WHERE stream = 's'")
        c.commit()
    with KafkaLog(settings) as log:
        with pytest.raises(LogUnavailable):
            list(log.read("s"))
        assert list(log.read("s")) == [b"1", b"2"]


def test_a_topic_that_was_deleted_and_made_again_is_another_log(settings: KafkaSettings) -> None:
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1"])
        assert log.sessions() == ["s"]
    admin = KafkaAdminClient(bootstrap_servers=list(settings.servers))
    admin.delete_topics([settings.topic])
    for _ in range(100):
        try:
            create_topic(settings, partitions=1)
        except ConfigInvalid:
            time.sleep(0.1)
        else:
            break
    admin.close()
    with KafkaLog(settings) as log:
        assert log.sessions() == []
        log.append("s", 1, [b"another"])
        assert list(log.read("s")) == [b"another"]


def test_others_read_the_records_without_our_code(settings: KafkaSettings) -> None:
    """Given real commits, then key, headers and time say what they are, also to who reads committed records only."""
    records = session(3)
    with KafkaLog(settings) as log:
        log.append(NAME, 1, records[:1])
        log.append(NAME, 2, records[1:])
    consumer = KafkaConsumer(
        settings.topic, bootstrap_servers=list(settings.servers), group_id=None, auto_offset_reset="earliest", isolation_level="read_committed",
        consumer_timeout_ms=3000,
    )  # fmt: skip
    found = [record for _, record in zip(range(4), consumer, strict=False)]
    consumer.close()
    assert (found[0].key, found[0].value) == (b"~sessions", NAME.encode())
    prev = bytes(32)
    for number, (record, original) in enumerate(zip(found[1:], records, strict=True), start=1):
        commit = decode(original)
        known = {name: value.decode() for name, value in record.headers}
        assert (record.key, record.value) == (NAME.encode(), original)
        assert known == {
            "version": str(number), "topic": "commit:1", "prev": prev.hex(), "insert": "1/1" if number == 1 else f"{number - 1}/2",
            "first_seq": str(commit.first_seq), "count": str(commit.count), "last_ns": str(commit.last_ns),
        }  # fmt: skip
        assert record.timestamp == commit.last_ns // 1_000_000
        prev = digest(original)


def test_a_topic_that_forgets_is_refused_with_what_to_do(kafka: Kafka, tmp_path: Path) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    for configs, word in (
        ({"cleanup.policy": "compact", "retention.ms": "-1"}, "compacted"),
        ({"retention.ms": "86400000"}, "retention.ms=86400000"),
        ({"retention.ms": "-1", "retention.bytes": "1000000"}, "retention.bytes=1000000"),
    ):
        settings = KafkaSettings.from_url(address(kafka, kafka.topic(), tmp_path / "index"))
        admin.create_topics({settings.topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True)
        with pytest.raises(LogUnavailable, match=word) as e:
            KafkaLog(settings)
        assert "reenact log create" in e.value.remedy
    admin.close()


def test_a_topic_that_is_not_there_or_is_there_already_is_said_so(kafka: Kafka, tmp_path: Path) -> None:
    settings = KafkaSettings.from_url(address(kafka, kafka.topic(), tmp_path / "index"))
    with pytest.raises(LogUnavailable, match="there is no topic") as e:
        KafkaLog(settings)
    assert "reenact log create" in e.value.remedy
    create_topic(settings)
    with pytest.raises(ConfigInvalid, match="already"):
        create_topic(settings)
    topic = describe_topic(settings).topic
    assert (topic.partitions, topic.config["min.insync.replicas"], topic.config["retention.ms"]) == (8, "1", "-1")


def test_partitions_that_were_added_are_refused(settings: KafkaSettings) -> None:
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1"])
    admin = KafkaAdminClient(bootstrap_servers=list(settings.servers))
    admin.create_partitions({settings.topic: 3})
    admin.wait_for_topics([settings.topic])
    admin.close()
    with pytest.raises(LogUnavailable, match="had 1 partitions") as e:
        _reopen(settings)
    assert "copy it into a new topic" in e.value.remedy


def _reopen(settings: KafkaSettings) -> None:
    """Open until every broker has heard of it."""
    for _ in range(50):
        KafkaLog(settings).close()
        time.sleep(0.1)


def test_nobody_listening_is_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(LogUnavailable, match=f"127.0.0.1:{port} cannot be reached") as e:
        KafkaLog(KafkaSettings.from_url(f"kafka://127.0.0.1:{port}/log?index={tmp_path}&timeout=1s"))
    assert "Check host" in e.value.remedy


def test_a_commit_that_is_too_large_is_refused_and_the_session_goes_on(kafka: Kafka, tmp_path: Path) -> None:
    settings = KafkaSettings.from_url(address(kafka, kafka.topic(), tmp_path / "index"))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    configs = {"retention.ms": "-1", "max.message.bytes": "100000"}
    admin.create_topics({settings.topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True)
    admin.close()
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1"])
        with pytest.raises(LogUnavailable, match="larger than topic") as e:
            log.append("s", 2, [os.urandom(200_000)])
        assert "max.message.bytes" in e.value.remedy
        log.append("s", 2, [b"2"])
        assert list(log.read("s")) == [b"1", b"2"]


def test_a_wrong_password_and_missing_rights_are_one_sentence_each(start_kafka: Callable[..., KafkaCluster], tmp_path: Path) -> None:
    cluster = start_kafka(sasl={"alice": "right"})
    url = f"kafka://alice@{cluster.bootstrap}/log?index={tmp_path}&security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN&timeout=5s"
    create_topic(KafkaSettings.from_url(f"kafka://{cluster.internal}/log"))
    with pytest.raises(LogUnavailable, match="refuses the user or the password") as e:
        KafkaLog(KafkaSettings.from_url(url, {"REENACT_KAFKA_PASSWORD": "wrong-word"}))
    assert "wrong-word" not in str(e.value)
    with pytest.raises(LogUnavailable, match="lacks the right") as e:
        KafkaLog(KafkaSettings.from_url(url, {"REENACT_KAFKA_PASSWORD": "right"}))
    assert "Grant" in e.value.remedy


def test_a_commit_says_in_its_headers_what_is_in_it_and_when() -> None:
    """Given commits of every size, and sessions with long and strange names, then headers and time are those of the commit itself."""
    others = [
        encode(msgspec.structs.replace(decode(r), session=name)) for r in session(40) for name in ("s", "ü" * 100, "x" * 31, "x" * 32, "y" * 200)
    ]
    for record in [*session(200), *others]:
        commit = decode(record)
        timestamp_ms, headers = described(StoredEvent(commit.session, commit.number, COMMIT_TOPIC, record))
        assert timestamp_ms == commit.last_ns // 1_000_000
        assert {name: int(value) for name, value in headers} == {"first_seq": commit.first_seq, "count": commit.count, "last_ns": commit.last_ns}
    for foreign in (b"", b"1", b"one", session(1)[0][:20], bytes(100)):
        assert described(StoredEvent("s", 1, COMMIT_TOPIC, foreign)) == (None, [])


def grant(cluster: KafkaCluster, user: str, kind: ResourceType, name: str, *operations: ACLOperation, prefix: bool = False) -> None:
    """What an administrator would allow."""
    pattern = ResourcePattern(kind, name, ACLResourcePatternType.PREFIXED if prefix else ACLResourcePatternType.LITERAL)
    admin = KafkaAdminClient(bootstrap_servers=cluster.internal)
    try:
        admin.create_acls([ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, pattern) for operation in operations])
    finally:
        admin.close()


def test_over_tls_with_a_password_and_no_more_rights_than_documented_a_session_is_written_followed_and_fenced(
    start_kafka: Callable[..., KafkaCluster], tmp_path: Path
) -> None:
    cluster = start_kafka(sasl={"alice": "right", "bob": "reads"}, tls=True)
    create_topic(KafkaSettings.from_url(f"kafka://{cluster.internal}/log"), partitions=2)
    grant(cluster, "bob", ResourceType.TOPIC, "log", ACLOperation.READ, ACLOperation.DESCRIBE_CONFIGS)
    grant(cluster, "alice", ResourceType.TOPIC, "log", ACLOperation.READ, ACLOperation.WRITE, ACLOperation.DESCRIBE_CONFIGS)
    grant(cluster, "alice", ResourceType.TRANSACTIONAL_ID, "log.", ACLOperation.WRITE, ACLOperation.DESCRIBE, prefix=True)
    secret = tmp_path / "password"
    secret.touch(mode=0o600)
    secret.write_text("right\n")
    url = f"kafka://alice@{cluster.bootstrap}/log?index={tmp_path / 'index'}&ssl_cafile={cluster.ca_file}&password_file={secret}&timeout=20s"
    with KafkaLog(KafkaSettings.from_url(url, {})) as log, KafkaLog(KafkaSettings.from_url(url, {})) as other:
        log.append("s", 1, [b"1", b"2"])
        other.append("s", 3, [b"3"])
        with pytest.raises(LogConflict):
            log.append("s", 3, [b"x"])
        other.append("s", 4, [b"4"])
        assert list(log.read("s")) == [b"1", b"2", b"3", b"4"]
        assert log.sessions() == ["s"]
    bobs = url.replace("alice", "bob").replace(f"&password_file={secret}", "")
    with KafkaLog(KafkaSettings.from_url(bobs, {"REENACT_KAFKA_PASSWORD": "reads"})) as reader:
        assert list(reader.read("s")) == [b"1", b"2", b"3", b"4"]
        with pytest.raises(LogUnavailable, match="may not be a writer"):
            reader.append("s", 5, [b"5"])
    with pytest.raises(LogUnavailable) as e:
        KafkaLog(KafkaSettings.from_url(url.replace(f"&ssl_cafile={cluster.ca_file}", "").replace("20s", "3s"), {}))
    assert e.value.remedy
