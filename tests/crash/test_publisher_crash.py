"""A publisher killed at any moment, a broker killed under it, and two publishers at once: a reader of committed records sees every event exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.readable import Reader
from domain.commit import checked
from reenact import compose, config
from reenact.logs import open_log
from reenact.runtime import CommitPolicy
from tests.adapters.publishing.reading import published
from tests.crash.session_worker import SESSION
from tests.data import ROOT
from tests.servers.fixtures import Kafka
from tests.servers.kafka import KafkaCluster

KILLS = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 25
SESSIONS = ("one", "two")
EVENTS = 150  # of a transaction, about
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Rows]:
    """A log of two sessions in small commits, and what is to be published of it."""
    url = f"sqlite://{tmp_path_factory.mktemp('published')}/log.db"
    for name in SESSIONS:
        compose.run(config.from_mapping(SESSION | {"seed": len(name)}), log=url, session=name, policy=CommitPolicy(60, 40))
    expected: Rows = {}
    with open_log(url) as store:
        for name in SESSIONS:
            reader = Reader()
            commits = checked(name, store.read(name))
            expected[name] = [{"session": name} | reader.row(seq, event) for commit, _ in commits for seq, event in commit.items()]
    return url, expected


@contextmanager
def publisher(log: str, to: str, *more: str, most: int = EVENTS) -> Iterator[subprocess.Popen[str]]:
    """A publishing process; it is killed at the end of the block if it has not ended."""
    command = [sys.executable, "-m", "tests.crash.publisher_worker", log, to, str(most), *more]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(log: str, to: str) -> None:
    """Publish what is left, to the end."""
    with publisher(log, to, "once", most=10_000) as process:
        _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said


def same(found: Rows, expected: Rows) -> None:
    """Seqs first: a gap or a double says more than two long lists."""
    assert {name: [row["seq"] for row in rows] for name, rows in found.items()} == {name: [r["seq"] for r in rows] for name, rows in expected.items()}
    for name, rows in expected.items():
        plain = [{key: row[key] for key in ("session", "seq", "type", "time", "ns", "cause")} for row in found[name]]
        assert plain == [{key: row[key] for key in ("session", "seq", "type", "time", "ns", "cause")} for row in rows]


def test_kill_9_at_any_moment_leaves_every_event_published_exactly_once(kafka: Kafka, log: tuple[str, Rows]) -> None:
    """Given a publisher killed again and again, while starting and while sending, then finishing it leaves no gap and no double."""
    url, expected = log
    topic = kafka.topic()
    to = f"kafka://{kafka.bootstrap}/{topic}"
    chance = random.Random(5)
    working = 0
    for n in range(KILLS):
        with publisher(url, to) as process:
            assert process.stdout is not None
            if n % 5:
                working += bool(process.stdout.readline())
                time.sleep(chance.uniform(0.0, 0.25))
            else:
                time.sleep(chance.uniform(0.2, 1.5))
            process.send_signal(signal.SIGKILL)
    finish(url, to)
    same(published(kafka.bootstrap, topic), expected)
    assert working > KILLS // 4, "the publisher was done before it was killed often enough: the log is too short"


def test_a_killed_broker_that_comes_back_costs_nothing(start_kafka: Callable[..., KafkaCluster], log: tuple[str, Rows]) -> None:
    """Given the broker killed and started again twice while a publisher works, then the same process goes on and publishes every event once."""
    url, expected = log
    cluster = start_kafka()
    to = f"kafka://{cluster.bootstrap}/events"
    with publisher(url, to, "once", most=800) as process:
        assert process.stdout is not None
        for _ in range(2):
            for _ in range(8):
                process.stdout.readline()
            cluster.kill(1)
            time.sleep(1)
            assert process.poll() is None
            cluster.start(1)
            cluster.wait_ready()
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    same(published(cluster.bootstrap, "events"), expected)


def test_of_two_publishers_the_later_goes_on_and_the_earlier_says_why_it_stops(kafka: Kafka, log: tuple[str, Rows]) -> None:
    """Given a second publisher of a topic in the middle of the first one's work, then exit code 2, one sentence, and every event once."""
    url, expected = log
    topic = kafka.topic()
    to = f"kafka://{kafka.bootstrap}/{topic}"
    with publisher(url, to) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with publisher(url, to, "once", most=1500) as second:
            _, said = first.communicate(timeout=120)
            assert first.returncode == 2
            assert "another publisher has taken over" in said
            assert "Traceback" not in said
            _, said = second.communicate(timeout=300)
            assert second.returncode == 0, said
    same(published(kafka.bootstrap, topic), expected)


def test_a_publisher_that_slept_while_another_took_over_does_not_take_back(kafka: Kafka, log: tuple[str, Rows], tmp_path: Path) -> None:
    """Given a publisher stopped (SIGSTOP) in its work and woken after its successor has begun, then it stops and the successor is not disturbed."""
    url, expected = log
    topic = kafka.topic()
    to = f"kafka://{kafka.bootstrap}/{topic}"
    with publisher(url, to) as first:
        assert first.stdout is not None
        for _ in range(5):
            first.stdout.readline()
        first.send_signal(signal.SIGSTOP)
        with publisher(url, to, "once", most=1500) as second:
            assert second.stdout is not None
            second.stdout.readline()
            first.send_signal(signal.SIGCONT)
            drained = threading.Thread(target=second.stdout.read)
            drained.start()
            _, said = first.communicate(timeout=120)
            assert (first.returncode, "another publisher has taken over" in said) == (2, True)
            assert second.wait(timeout=300) == 0
            drained.join()
    same(published(kafka.bootstrap, topic), expected)
