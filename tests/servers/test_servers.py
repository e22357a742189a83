"""The servers that other tests stand on: they start, they can be killed, and what they had confirmed is there again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, NewTopic, ResourcePattern, ResourceType
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError

from tests.data import ROOT
from tests.servers.fixtures import Database, Kafka
from tests.servers.kafka import KafkaCluster
from tests.servers.postgres import PostgresServer
from tests.servers.process import wait_until


def make(bootstrap: str, topic: str, copies: int = 1) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=copies)])
    admin.close()


def write(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    for value in values:
        producer.send(topic, value, partition=0).get(60)
    producer.close()


def read(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    here = TopicPartition(topic, 0)
    consumer.assign([here])
    end = consumer.end_offsets([here])[here]
    found: list[bytes] = []
    consumer.seek(here, 0)
    while consumer.position(here) < end:
        found += [record.value for records in consumer.poll(1000).values() for record in records]
    consumer.close()
    return found


def test_what_a_broker_confirmed_is_read_again(kafka: Kafka) -> None:
    """Given a fresh topic, when records are written, then they are read in their order."""
    topic = kafka.topic()
    make(kafka.bootstrap, topic)
    write(kafka.bootstrap, topic, b"a", b"b")
    assert read(kafka.bootstrap, topic) == [b"a", b"b"]


def test_a_killed_broker_comes_back_with_its_data_at_its_port(start_kafka: Callable[..., KafkaCluster]) -> None:
    """Given a broker that confirmed records, when it is killed and started again, then they are there."""
    cluster = start_kafka()
    make(cluster.bootstrap, "t")
    write(cluster.bootstrap, "t", b"a", b"b")
    cluster.kill()
    cluster.start()
    cluster.wait_ready()
    write(cluster.bootstrap, "t", b"c")
    assert read(cluster.bootstrap, "t") == [b"a", b"b", b"c"]


def test_three_brokers_lose_one_and_go_on(start_kafka: Callable[..., KafkaCluster]) -> None:
    """Given three brokers, when any one is killed, then the others confirm, and it catches up when it comes back."""
    cluster = start_kafka(brokers=3)
    make(cluster.bootstrap, "t", copies=3)
    write(cluster.bootstrap, "t", b"a")
    cluster.kill(1)
    write(cluster.bootstrap, "t", b"b")
    cluster.start(1)
    cluster.wait_ready()
    write(cluster.bootstrap, "t", b"c")
    assert read(cluster.bootstrap, "t") == [b"a", b"b", b"c"]


def test_a_database_is_new_and_empty(postgres: Database) -> None:
    """Given the fixture, then its database has no table."""
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_killed_postgresql_comes_back_with_what_was_committed(start_postgres: Callable[..., PostgresServer]) -> None:
    """Given a committed row, when all processes of the server are killed and it starts again, then the row is there."""
    server = start_postgres(durable=True)
    url = server.database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS x")
    server.kill()
    server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT x FROM t").fetchone() == (7,)


def test_a_paused_broker_answers_when_it_goes_on(start_kafka: Callable[..., KafkaCluster]) -> None:
    """Given a paused broker, when a client writes, then the write waits, and is confirmed once the broker goes on."""
    cluster = start_kafka()
    make(cluster.bootstrap, "t")
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all", enable_idempotence=True)
    producer.send("t", b"a", partition=0).get(60)
    cluster.pause()
    waiting = producer.send("t", b"b", partition=0)
    with pytest.raises(KafkaTimeoutError):
        waiting.get(1)
    cluster.resume()
    waiting.get(60)
    producer.close()
    assert read(cluster.bootstrap, "t") == [b"a", b"b"]


def test_users_need_their_password_and_their_rights(start_kafka: Callable[..., KafkaCluster]) -> None:
    """Given a cluster with TLS and users, then a wrong password is refused, and a topic until its right is granted."""
    cluster = start_kafka(sasl={"alice": "secret"}, tls=True)
    make(cluster.internal, "t")

    def alice(password: str) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=cluster.bootstrap,
            bootstrap_timeout_ms=5000,
            security_protocol="SASL_SSL",
            ssl_cafile=str(cluster.ca_file),
            sasl_mechanism="SCRAM-SHA-256",
            sasl_plain_username="alice",
            sasl_plain_password=password,
        )

    with pytest.raises(KafkaError):
        alice("wrong")
    stranger = alice("secret")
    with pytest.raises(TopicAuthorizationFailedError):
        stranger.send("t", b"a", partition=0).get(60)
    stranger.close()
    admin = KafkaAdminClient(bootstrap_servers=cluster.internal)
    admin.create_acls([ACL("User:alice", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, "t"))])
    admin.close()
    known = alice("secret")
    known.send("t", b"a", partition=0).get(60)
    known.close()
    assert read(cluster.internal, "t") == [b"a"]


def test_a_server_with_a_password_refuses_another(start_postgres: Callable[..., PostgresServer]) -> None:
    """Given a server with a password, then a client without it, or with another, is refused."""
    right, wrong = "secret", "guess"
    server = start_postgres(password=right)
    url = server.database()
    psycopg.connect(url, password=right).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url, password=wrong)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(url, passfile=os.devnull)


@pytest.mark.usefixtures("postgres_server")  # skipped where there is none
def test_a_server_does_not_outlive_its_owner(tmp_path: Path) -> None:
    """Given a process that started a server, when it is killed, then the server ends and its data is removed."""
    program = f"""
import sys, time
from pathlib import Path
from tests.servers.postgres import PostgresServer
with PostgresServer(Path({str(tmp_path)!r})) as server:
    print(server.url, server.data, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url, data = owner.stdout.readline().split()
        psycopg.connect(url).close()
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(data).parent.exists(), lambda: "the data is removed.")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("required", "1 error")])
def test_a_test_without_its_server_is_skipped_loudly_or_fails_where_servers_are_required(tmp_path: Path, required: str, outcome: str) -> None:
    """Given a machine without Java, then the reason is said, and `REENACT_SERVERS=required` decides."""
    Path(tmp_path, "test_it.py").write_text("def test_it(kafka): pass")
    absent = {"CI": "", "REENACT_SERVERS": required, "REENACT_TEST_KAFKA": "", "JAVA_HOME": "", "PATH": ""}
    command = [sys.executable, "-m", "pytest", "-ra", "-c", os.devnull, "-p", "tests.servers.fixtures", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | absent, capture_output=True, text=True, check=False)
    assert outcome in run.stdout
    assert "No java here: Kafka needs Java" in run.stdout
