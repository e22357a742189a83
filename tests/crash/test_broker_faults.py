"""Whole sessions on a Kafka log whose brokers fail: nothing is lost, nothing is there twice, no order leaves without its committed approval.

The session waits for the log before an order leaves, and says on standard output what left. Whatever happens to the brokers or to the
writer, the log verifies, holds every order that left, and ends with the bytes of a session that nothing happened to.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from adapters.logs.kafka import KafkaLog, KafkaSettings, create_topic
from domain.commit import checked
from domain.errors import LogUnavailable
from domain.events import OrderApproved, OrderSubmitted
from reenact import compose
from reenact.logs import open_log
from reenact.projecting import project
from tests.adapters.readmodels.dumps import differences, dump
from tests.crash.released_worker import NAME, play
from tests.data import ROOT
from tests.servers.kafka import KafkaCluster

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
KILLS = 60 if NIGHTLY else 8
OUTAGE_S = 60
WAIT_S = 240  # a hang fails here; nothing is measured


class Session:
    """A session in another process. `released`: the orders that left so far. `end`: its last line, once it has ended."""

    def __init__(self, url: str, *more: str) -> None:
        command = [sys.executable, "-m", "tests.crash.released_worker", url, *more]
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
        self.released: list[str] = []
        self.end = ""
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if " " in line:
                    self.end = line.strip()
                elif line.endswith("\n"):
                    self.released.append(line.strip())

    def until(self, orders: int) -> None:
        """Wait until so many orders have left, or the session has ended."""
        deadline = time.monotonic() + WAIT_S
        while len(self.released) < orders and self.process.poll() is None:
            assert time.monotonic() < deadline, "the session hangs"
            time.sleep(0.01)

    def ended(self) -> str:
        self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        return self.end

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.ended()


@contextmanager
def running(url: str, *more: str) -> Iterator[Session]:
    session = Session(url, *more)
    try:
        yield session
    finally:
        session.kill()


@pytest.fixture
def cluster(start_kafka: Callable[..., KafkaCluster]) -> KafkaCluster:
    """A broker of the test's own, to be killed."""
    return start_kafka()


@pytest.fixture(scope="module")
def undisturbed() -> str:
    """The head hash of the session when nothing happens."""
    return play("memory://").head


@pytest.fixture
def url(cluster: KafkaCluster, tmp_path: Path) -> str:
    return new_log(cluster, tmp_path)


def new_log(cluster: KafkaCluster, folder: Path) -> str:
    address = f"kafka://{cluster.bootstrap}/faults?timeout=180s&index={folder / 'index'}"
    create_topic(KafkaSettings.from_url(address), partitions=1)
    return address


def sound(url: str, folder: Path, released: list[str], head: str = "") -> int:
    """Prove what is in the log: re-enacted, its read models (kept in `folder` from one call to the next) equal to a rebuild, and every order that
    left approved and committed before. The commits it holds.
    """
    kept, anew = (f"sqlite://{folder / name}" for name in ("kept.db", "anew.db"))
    with open_log(url) as log:
        project(log, kept, once=True)
        project(log, anew, rebuild=True, once=True)
        assert differences(dump(kept), dump(anew)) == []
        result = compose.verify(log, NAME)
        assert result.ok, result.problem
        commits = [commit for commit, _ in checked(NAME, log.read(NAME))]
    assert not head or (result.closed, result.head) == (True, head)
    events = dict(item for commit in commits for item in commit.recorded())
    submitted = {e.cl_ord_id: e for e in events.values() if isinstance(e, OrderSubmitted)}
    assert set(released) <= set(submitted)
    assert all(isinstance(events[e.cause], OrderApproved) for e in submitted.values())
    return result.commits


def test_kill_9_of_the_broker_stops_trading_until_it_is_back(cluster: KafkaCluster, url: str, tmp_path: Path, undisturbed: str) -> None:
    """Given a broker killed and restarted three times while a session runs, then it ends as if nothing had happened."""
    with running(url) as session:
        for n in (20, 120, 300):
            session.until(n)
            cluster.kill()
            time.sleep(1)
            cluster.start()
            cluster.wait_ready()
        assert session.ended() == f"head {undisturbed}"
    sound(url, tmp_path, session.released, undisturbed)


def test_the_watched_session_tells_of_every_order_that_leaves() -> None:
    """Given nothing that goes wrong, then the session tells of as many orders as it sent: else nothing below would be watched."""
    with running("memory://") as session:
        session.ended()
        assert len(session.released) == play("memory://").orders > 200


def test_while_the_broker_is_unreachable_no_order_leaves_and_nothing_is_lost(
    cluster: KafkaCluster, url: str, tmp_path: Path, undisturbed: str
) -> None:
    """Given a broker that does not answer for a minute, then at most what was acknowledged before leaves, and afterwards all goes on."""
    with running(url) as session:
        session.until(50)
        cluster.pause()
        time.sleep(2)
        before = len(session.released)
        time.sleep(OUTAGE_S - 2)
        assert len(session.released) == before
        assert session.process.poll() is None
        cluster.resume()
        assert session.ended() == f"head {undisturbed}"
    sound(url, tmp_path, session.released, undisturbed)


def test_kill_9_of_the_writer_at_any_moment_and_resume(url: str, tmp_path: Path, undisturbed: str) -> None:
    """Given a session killed at random again and again and resumed, then every order that ever left is in the log, and it ends as the undisturbed one."""
    chance = random.Random(5)
    released: list[str] = []
    commits = 0
    for n in range(KILLS):
        with running(url, *(["resume"] if commits else [])) as session:
            session.until(len(set(released)) + chance.randrange(5, 90))
        released += session.released
        if session.end:
            break
        now = sound(url, tmp_path, released)
        assert now >= commits, f"kill {n}"
        commits = now
    else:
        with running(url, "resume") as session:
            assert session.ended() == f"head {undisturbed}"
        released += session.released
    sound(url, tmp_path, released, undisturbed)


def test_of_two_writers_racing_for_one_session_one_wins(url: str, tmp_path: Path, undisturbed: str) -> None:
    """Given two engines that run the same session into one topic, then one ends it, the other stops, and the log verifies."""
    with running(url) as one, running(url) as other:
        ends = sorted(session.ended().split(" ", 1)[0] for session in (one, other))
        winner = one if one.end.startswith("head") else other
    assert ends == ["conflict", "head"]
    sound(url, tmp_path, winner.released, undisturbed)


def test_a_cluster_that_loses_a_broker_goes_on(start_kafka: Callable[..., KafkaCluster], tmp_path: Path, undisturbed: str) -> None:
    """Given three brokers, min in-sync 2, each killed in turn and restarted, then the session goes on with two and ends as if nothing had happened."""
    cluster = start_kafka(brokers=3)
    url = new_log(cluster, tmp_path)
    with running(url) as session:
        for node in cluster.nodes:
            session.until(150 * node - 110)
            cluster.kill(node)
            session.until(len(session.released) + 5)
            cluster.start(node)
            cluster.wait_ready()
        assert session.ended() == f"head {undisturbed}"
    sound(url, tmp_path, session.released, undisturbed)


def until_refused(log: KafkaLog, records: list[bytes]) -> tuple[int, LogUnavailable]:
    """Append one by one, from the second on; how many are acknowledged and why the next is not."""
    for number in range(2, len(records)):
        try:
            log.append(NAME, number, records[number - 1 : number])
        except LogUnavailable as e:
            return number - 1, e
    pytest.fail("the disk never became full")


def test_a_broker_whose_disk_is_full_loses_nothing_that_it_acknowledged(
    small_disks: Callable[[int], Path], start_kafka: Callable[..., KafkaCluster], tmp_path: Path
) -> None:
    """Given a disk that fills up while commits are appended, then one sentence; with room and the broker back, all is there once and it goes on."""
    disk = small_disks(192)
    cluster = start_kafka(log_dirs=disk / "data")
    settings = KafkaSettings.from_url(f"kafka://{cluster.bootstrap}/full?timeout=8s&index={tmp_path / 'index'}")
    create_topic(settings, partitions=1)
    records = [number.to_bytes(4) * 16_384 for number in range(4_000)]
    ballast = disk / "ballast"
    with KafkaLog(settings) as log:
        log.append(NAME, 1, records[:1])
        ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - (8 << 20))))
        acknowledged, refusal = until_refused(log, records)
        assert refusal.remedy
        ballast.unlink()
        cluster.kill()
        cluster.start()
        cluster.wait_ready()
        log.append(NAME, acknowledged + 1, records[acknowledged : acknowledged + 20])
    with KafkaLog(replace(settings, index=tmp_path / "anew")) as log:
        assert list(log.read(NAME)) == records[: acknowledged + 20]
