"""Writers of a topic that are killed, stopped and overtaken, and brokers that are killed: what was acknowledged is there, once, in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from adapters.logs.kafka import KafkaLog, KafkaSettings, create_topic
from domain.commit import checked
from domain.errors import LogConflict, LogUnavailable
from domain.journal import Journal
from tests.adapters.logs.kafka.topics import address, everything, made
from tests.crash.kafka_worker import STEPS
from tests.crash.sessions import NAME, next_record, session
from tests.data import ROOT
from tests.servers.fixtures import Kafka
from tests.servers.kafka import KafkaCluster

MORE = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1
KILLS = 12 * MORE
WAIT_S = 60
ONCE = ("about to announce", "announced")  # in a session's life
AT_FIRST = ("about to fence", "fenced in", "about to judge", "judged, index not written", "index written")  # in a writer's life


class Forge:
    """Makes writers; one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = self.acknowledged = 0

    def start(self, url: str, step: str = "") -> None:
        assert self.process.stdin
        self.pid = self.acknowledged = 0
        print(url, step, file=self.process.stdin, flush=True)

    def hear(self) -> str:
        """The next word that is neither a process id nor a number."""
        assert self.process.stdout
        while True:
            line = self.process.stdout.readline().strip()
            if line.startswith("pid "):
                self.pid = int(line[4:])
            elif line.isdigit():
                self.acknowledged = int(line)
                return line
            else:
                assert line, "the writer ended by itself"
                return line

    def kill(self) -> None:
        while not self.pid:
            self.hear()
        os.kill(self.pid, signal.SIGKILL)
        while self.hear() != "dead":
            pass


@contextmanager
def writers() -> Iterator[Forge]:
    command = [sys.executable, "-m", "tests.crash.kafka_worker"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Forge(process)
        if process.stdin:
            process.stdin.close()


def proven(settings: KafkaSettings) -> list[bytes]:
    """The session's records, each proven to follow the one before."""
    with KafkaLog(settings) as log:
        return [record for _, record in checked(NAME, log.read(NAME))]


def url_of(settings: KafkaSettings) -> str:
    return f"{settings.url}?index={settings.index}"


class Expected:
    """The records of the session, made as far as they are asked for."""

    def __init__(self) -> None:
        self._journal = Journal(NAME)
        self._records: list[bytes] = []

    def first(self, n: int) -> list[bytes]:
        while len(self._records) < n:
            self._records.append(next_record(self._journal))
        return self._records[:n]


def goes_on(settings: KafkaSettings, expected: Expected, least: int) -> int:
    """Hold what is left against the session, let another writer append, and hold it again; its length then."""
    with KafkaLog(settings) as log:
        left = list(log.read(NAME))
        length = len(left) + 2
        assert left == expected.first(len(left))
        assert len(left) >= least
        log.append(NAME, len(left) + 1, expected.first(length)[len(left) :])
        assert log.sessions() == [NAME]
        assert list(log.read(NAME, least)) == expected.first(length)[least:]
    return length


def agree(settings: KafkaSettings, expected: Expected, length: int) -> None:
    """A reader who starts from nothing finds the same, proven."""
    assert settings.index
    anew = KafkaSettings(settings.servers, settings.topic, index=settings.index.with_name(f"{settings.index.name}-anew"))
    assert proven(anew) == proven(settings) == expected.first(length)


def test_a_writer_killed_at_any_step_from_the_commit_built_to_the_index_written_loses_nothing(kafka: Kafka, tmp_path: Path) -> None:
    """Given every step of the first insert and of a later one, then a prefix with all that was acknowledged, that goes on."""
    with writers() as forge:
        for step in STEPS:
            settings, expected = made(kafka, tmp_path / step.replace(" ", "-"), partitions=1), Expected()
            length = 0
            for nth in (1,) if step in ONCE else (1, 1) if step in AT_FIRST else (1, 4):
                forge.start(url_of(settings), f"{step} {nth}")
                while forge.hear() != f"at {step}":
                    pass
                forge.kill()
                length = goes_on(settings, expected, max(length, forge.acknowledged))
            agree(settings, expected, length)


def test_a_writer_killed_at_any_moment_leaves_a_prefix_with_everything_it_acknowledged(kafka: Kafka, tmp_path: Path) -> None:
    chance = random.Random(20261120)
    settings, expected, survived = made(kafka, tmp_path / "index"), Expected(), 0
    with writers() as forge:
        for i in range(KILLS):
            forge.start(url_of(settings))
            if i % 4:
                forge.hear()
                wanted = chance.choice([1, 2, 5, 20])
                for _ in range(wanted):
                    forge.hear()
            time.sleep(chance.random() * chance.choice([0.0005, 0.004, 0.02] if i % 4 else [0.05, 0.3]))
            forge.kill()
            survived = goes_on(settings, expected, max(survived, forge.acknowledged))
    agree(settings, expected, survived)
    assert survived > KILLS * 2


def test_a_writer_that_was_stopped_while_another_took_over_gets_a_conflict_and_leaves_nothing_that_counts(kafka: Kafka, tmp_path: Path) -> None:
    chance = random.Random(3)
    settings, expected = made(kafka, tmp_path / "index"), Expected()
    with writers() as forge:
        length = 0
        for _ in range(4 * MORE):
            forge.start(url_of(settings))
            while forge.acknowledged == 0 or chance.random() < 0.9:
                forge.hear()
            time.sleep(chance.random() * 0.003)
            os.kill(forge.pid, signal.SIGSTOP)
            length = goes_on(settings, expected, forge.acknowledged)
            os.kill(forge.pid, signal.SIGCONT)
            while (word := forge.hear()) != "conflict":
                assert int(word) <= length - 2, "acknowledged after it was overtaken"
            while forge.hear() != "dead":
                pass
    agree(settings, expected, length)


def appending(log: KafkaLog, records: list[bytes], acknowledged: list[int], *, stop: Callable[[], bool]) -> Thread:
    """Append the records one by one, trying again as often as the log says so."""

    def append() -> None:
        for number, record in enumerate(records, start=1):
            while True:
                try:
                    log.append(NAME, number, [record])
                except LogUnavailable:
                    continue
                break
            acknowledged.append(number)
            if stop():
                return

    thread = Thread(target=append)
    thread.start()
    return thread


@pytest.mark.parametrize("timeout", ["2s", "60s"])
def test_a_broker_killed_while_a_session_is_written_costs_time_and_nothing_else(
    start_kafka: Callable[..., KafkaCluster], tmp_path: Path, timeout: str
) -> None:
    """Given a broker away for longer than an append waits (2s), and for less, then every commit is there once and appending went on."""
    cluster = start_kafka()
    settings = KafkaSettings.from_url(address(Kafka(cluster.bootstrap), "log", tmp_path / "index", f"timeout={timeout}"))
    create_topic(settings, partitions=1)
    records, acknowledged, over = session(1500), [], []
    with KafkaLog(settings) as log:
        thread = appending(log, records, acknowledged, stop=lambda: bool(over) and len(acknowledged) > over[0])
        for _ in range(MORE):
            reached = len(acknowledged) + 20
            while len(acknowledged) < reached:
                time.sleep(0.01)
            cluster.kill()
            time.sleep(4.5 if timeout == "2s" else 0.5)
            cluster.start()
            cluster.wait_ready()
        over.append(len(acknowledged) + 20)
        thread.join(WAIT_S)
        assert not thread.is_alive()
        assert list(log.read(NAME)) == records[: len(acknowledged)]
    assert proven(settings) == records[: len(acknowledged)]
    assert len(everything(settings)) >= len(acknowledged) + 1


def test_an_append_whose_fate_is_unknown_is_written_once_or_is_a_conflict(start_kafka: Callable[..., KafkaCluster], tmp_path: Path) -> None:
    """Given a broker that is silent for longer than an append waits, then trying again writes once; if another wrote meanwhile, it is a conflict."""
    cluster = start_kafka()
    settings = KafkaSettings.from_url(address(Kafka(cluster.bootstrap), "log", tmp_path / "index", "timeout=2s"))
    create_topic(settings, partitions=1)
    with KafkaLog(settings) as log:
        log.append("s", 1, [b"1"])
        for number, records in ((2, [b"2"]), (3, [b"3", b"4"])):
            cluster.pause()
            with pytest.raises(LogUnavailable, match="cannot be reached"):
                log.append("s", number, records)
            cluster.resume()
            log.append("s", number, records)
        cluster.pause()
        with pytest.raises(LogUnavailable):
            log.append("s", 5, [b"late"])
        cluster.resume()
        with KafkaLog(settings) as other:
            taken = [*other.read("s"), b"other"]
            other.append("s", len(taken), [b"other"])
            with pytest.raises(LogConflict):
                log.append("s", 5, [b"late", b"later"])
            other.append("s", len(taken) + 1, [b"more"])
            assert list(other.read("s")) == [*taken, b"more"]
    assert taken[:4] == [b"1", b"2", b"3", b"4"]
