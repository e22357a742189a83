"""A log published: every session whole, in turns, live, and proven to be the session that the topic began with; and what people are told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.export import write_jsonl
from adapters.logs.kafka import KafkaSettings, create_topic
from adapters.logs.sqlite import SqliteLog
from adapters.publishing import TopicPublisher, prepare
from domain.commit import checked
from domain.errors import ConfigInvalid
from domain.events import FrameRefused
from reenact.cli import main
from reenact.logs import open_log
from reenact.publishing import Publishing, Turn, target
from tests.adapters.publishing.reading import published
from tests.projections.builder import Session
from tests.reenact.recorded import session, write_log
from tests.servers.fixtures import Database, Kafka
from tests.servers.kafka import KafkaCluster

PATIENCE_S = 60


@pytest.fixture
def to(kafka: Kafka) -> str:
    return f"kafka://{kafka.bootstrap}/{kafka.topic()}"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["publish", *words])


def read(to: str) -> dict[str, list[dict[str, Any]]]:
    """What a reader of committed records finds."""
    bootstrap, _, topic = to.removeprefix("kafka://").partition("?")[0].partition("/")
    return published(bootstrap, topic)


def exported(url: str, name: str, folder: Path) -> list[dict[str, Any]]:
    """What `reenact export` writes of a session."""
    with open_log(url) as log, (folder / "rows").open("wb") as out:
        write_jsonl((commit for commit, _ in checked(name, log.read(name))), out)
    return [json.loads(line) for line in (folder / "rows").read_bytes().splitlines()]


def test_every_session_of_a_log_is_published_once_as_it_is_exported(to: str, tmp_path: Path) -> None:
    """Given a log of three sessions, then each is on the topic whole and in order, and publishing again adds nothing."""
    url = write_log(tmp_path / "log.db", "s-1", "s-2", "s-3")
    said = run("--log", url, "--to", to, "--once", "--partitions", "3", "--no-progress")
    assert (said.exit_code, "3 sessions" in said.output) == (0, True), said.output
    again = run("--log", url, "--to", to, "--once", "--json", "--no-progress")
    assert json.loads(again.stdout)["events"] == 0
    found = read(to)
    assert set(found) == {"s-1", "s-2", "s-3"}
    for name, rows in found.items():
        assert rows == [{"session": name} | row for row in exported(url, name, tmp_path)]


def test_any_log_is_published_the_same(kafka: Kafka, postgres: Database, tmp_path: Path) -> None:
    """Given the same session in a file, in PostgreSQL and in Kafka, then what is published of it is the same."""
    topic = kafka.topic()
    logs = [f"sqlite://{tmp_path}/log.db", postgres.url, f"kafka://{kafka.bootstrap}/{topic}?index={tmp_path}/index"]
    create_topic(KafkaSettings.from_url(logs[-1]), partitions=1)
    found = []
    for n, url in enumerate(logs):
        with open_log(url, create=True) as log:
            log.append("s-1", 1, session().records)
        said = run("--log", url, "--to", f"kafka://{kafka.bootstrap}/{topic}.{n}", "--once", "--no-progress")
        assert said.exit_code == 0, said.output
        found.append(read(f"kafka://{kafka.bootstrap}/{topic}.{n}"))
    assert found[0] == found[1] == found[2]
    assert [row["seq"] for row in found[0]["s-1"]] == list(range(1, len(found[0]["s-1"]) + 1))


def test_only_the_named_session_is_published(to: str, tmp_path: Path) -> None:
    """Given --session, then no other; one that is not there is answered with those that are."""
    url = write_log(tmp_path / "log.db", "s-1", "s-2")
    assert run("--log", url, "--to", to, "--once", "--session", "s-2", "--no-progress").exit_code == 0
    assert set(read(to)) == {"s-2"}
    missing = run("--log", url, "--to", to, "--once", "--session", "s-9")
    assert (missing.exit_code, "no session 's-9'" in missing.stderr) == (2, True)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what must come; the patience is not what is tested."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def test_sessions_that_grow_and_sessions_that_open_later_are_followed(to: str, tmp_path: Path) -> None:
    """Given a publisher at work, then commits appended afterwards and a session opened afterwards are published, commit by commit."""
    one, two = session("one"), session("two")
    turns: list[Turn] = []
    stop = threading.Event()
    at = target(to)
    prepare(at, 2)
    with SqliteLog(tmp_path / "log.db") as log, closing(SqliteLog(tmp_path / "log.db")) as read_log, TopicPublisher(at) as publisher:
        log.append("one", 1, one.records[:1])
        worker = threading.Thread(target=Publishing(read_log, publisher, said=turns.append).run, args=[stop.is_set])
        worker.start()
        try:
            until(lambda: [(t.session, t.commit) for t in turns] == [("one", 1)])
            log.append("two", 1, two.records[:2])
            until(lambda: ("two", 2) in [(t.session, t.commit) for t in turns])
            log.append("one", 2, one.records[1:])
            log.append("two", 3, two.records[2:])
            until(lambda: sum(t.closed for t in turns) == 2)
        finally:
            stop.set()
            worker.join(PATIENCE_S)
    assert not worker.is_alive()
    assert {name: [row["seq"] for row in rows] for name, rows in read(to).items()} == {
        name: list(range(1, max(t.seq for t in turns if t.session == name) + 1)) for name in ("one", "two")
    }


def test_sessions_take_turns(to: str, tmp_path: Path) -> None:
    """Given two sessions of several commits and small transactions, then neither waits for the other to end."""
    url = write_log(tmp_path / "log.db", "a", "b")
    turns: list[Turn] = []
    at = target(to)
    prepare(at, 1)
    with open_log(url) as log, TopicPublisher(at) as publisher:
        done = Publishing(log, publisher, once=True, most=1, said=turns.append).run()
    names = [t.session for t in turns]
    assert names == ["a", "b"] * (len(names) // 2)
    assert (done.sessions, done.events, len(names)) == (2, sum(t.events for t in turns), 6)


def other(commits: int) -> list[bytes]:
    """A session s-1 that is another one."""
    found = Session(name="s-1")
    for n in range(commits):
        found.emit(FrameRefused(found.later(), 0, "feed", f"line {n}", "unreadable", "x"))
        found.cut()
    return found.records


@pytest.mark.parametrize("records", [session().records[:2], other(3), other(9)], ids=["its tail is gone", "another one", "another, longer one"])
def test_another_session_of_the_same_name_is_refused(to: str, tmp_path: Path, records: list[bytes]) -> None:
    """Given a topic that holds session s-1 of one log, then the s-1 of another log is not appended to it."""
    url = write_log(tmp_path / "one.db", "s-1")
    assert run("--log", url, "--to", to, "--once", "--no-progress").exit_code == 0
    before = read(to)
    with SqliteLog(tmp_path / "two.db") as log:
        log.append("s-1", 1, records)
    said = run("--log", f"sqlite://{tmp_path}/two.db", "--to", to, "--once", "--no-progress")
    assert (said.exit_code, "holds another session of the name s-1" in said.stderr) == (2, True)
    assert read(to) == before


def test_a_damaged_session_is_published_up_to_the_damage_and_the_others_whole(to: str, tmp_path: Path) -> None:
    """Given a byte flipped in the second commit of one session, then exit code 2 and its place, its first commit, and all of the other session."""
    with SqliteLog(tmp_path / "log.db") as log:
        records = session("bad").records
        broken = bytearray(records[1])
        broken[20] ^= 1
        log.append("bad", 1, [records[0], bytes(broken), *records[2:]])
        log.append("good", 1, session("good").records)
    said = run("--log", f"sqlite://{tmp_path}/log.db", "--to", to, "--once", "--json", "--no-progress")
    assert said.exit_code == 2
    assert "session bad, commit 2" in said.stderr
    assert set(json.loads(said.stdout)["problems"]) == {"bad"}
    found = read(to)
    with open_log(f"sqlite://{tmp_path}/log.db") as log:
        (first, _), *_ = checked("bad", list(log.read("bad", 0, 1)))
    assert [row["seq"] for row in found["bad"]] == list(range(1, first.last_seq + 1))
    assert len(found["good"]) == len(exported(f"sqlite://{tmp_path}/log.db", "good", tmp_path))


@pytest.mark.parametrize(
    ("log", "to", "words"),
    [
        ("sqlite://{log}", "sqlite://x", "--to: this is no address of a topic"),
        ("sqlite://{log}", "kafka://host:9092", "cannot name a topic"),
        ("sqlite://{log}", "kafka://ada:secret@host:9092/t", "a password does not belong into an address"),
        ("kafka://host:9092/trading", "kafka://host:9092/trading", "is the log itself"),
        ("sqlite://missing.db", "kafka://127.0.0.1:1/t", "there is no log missing.db"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, log: str, to: str, words: str) -> None:
    """Given an address that cannot be meant, then exit code 2, one line, no secret."""
    write_log(tmp_path / "log.db")
    said = run("--log", log.format(log=tmp_path / "log.db"), "--to", to, "--once")
    assert said.exit_code == 2
    assert words in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert "secret" not in said.stderr


def test_an_unknown_option_of_the_address_is_refused(to: str) -> None:
    """Given an option that nobody knows, then it is refused, not ignored."""
    with pytest.raises(ConfigInvalid, match="there is no option 'colour'"):
        target(f"{to}?colour=red")


def test_a_following_publisher_says_each_transaction_as_a_line_of_json(to: str, tmp_path: Path) -> None:
    """Given --json without --once, then each line says how far which session is, and Ctrl-C ends it."""
    url = write_log(tmp_path / "log.db", "s-1")
    command = [sys.executable, "-c", "from reenact.cli import main; main()", "publish", "--log", url, "--to", to, "--json", "--no-progress"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert (line["session"], line["commits"], line["closed"]) == ("s-1", 3, True)
    assert (process.returncode, said) == (130, "Interrupted; what was committed is kept.\n")


@pytest.mark.parametrize(("password", "words"), [("wr0ng", "user, password and sasl_mechanism"), ("r1ght", "do not allow")])
def test_a_wrong_password_and_missing_rights_are_one_sentence_without_the_password(
    start_kafka: Callable[..., KafkaCluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, password: str, words: str
) -> None:
    """Given brokers that ask for a password and grant nothing, then the sentence says what to look at, and the password is nowhere."""
    cluster = start_kafka(sasl={"ada": "r1ght"})
    monkeypatch.setenv("REENACT_KAFKA_PASSWORD", password)
    url = write_log(tmp_path / "log.db", "s-1")
    to = f"kafka://ada@{cluster.bootstrap}/events?security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN&timeout=5s"
    said = run("--log", url, "--to", to, "--once", "--no-progress")
    assert (said.exit_code, words in said.stderr) == (2, True), said.output
    assert len(said.stderr.splitlines()) == 1
    assert password not in said.stderr
    assert password not in repr(target(to))
