"""What PostgreSQL acknowledged survives a killed writer and a killed server, and is there exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from adapters.logs.postgres import PostgresLog
from domain.commit import checked
from domain.errors import LogUnavailable
from tests.crash.sessions import NAME, session
from tests.data import ROOT
from tests.servers.fixtures import Database
from tests.servers.postgres import PostgresServer

MORE = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1
WRITER_KILLS = 15 * MORE
SERVER_KILLS = 5 * MORE
WRITER = """
import os, sys
from adapters.logs.postgres import PostgresLog
from domain.commit import decode, digest
from domain.journal import Journal
from tests.crash.sessions import NAME, next_record
with PostgresLog(sys.argv[1]) as log:
    head = log.head(NAME)
    last = decode(head[1]) if head else None
    journal = Journal(NAME, last.number, last.last_seq, digest(head[1])) if last else Journal(NAME)
    os.write(1, b"0\\n")
    while True:
        number = journal.number + 1
        log.append(NAME, number, [next_record(journal) for _ in range(number % 3 + 1)])
        os.write(1, b"%d\\n" % journal.number)
"""


def proven(url: str) -> list[bytes]:
    """The records of the log, each proven to follow the one before."""
    with PostgresLog(url, create=False) as log:
        return [record for _, record in checked(NAME, log.read(NAME))]


def written_until_killed(url: str, chance: random.Random) -> int:
    """Let a writer work, kill it at a moment of chance and return the last number it reported."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        reports = [int(line) for line in islice(writer.stdout, chance.choice([1, 1, 2, 3, 6, 20, 60]))]
        time.sleep(chance.random() * chance.choice([0.0005, 0.004, 0.02]))
        writer.send_signal(signal.SIGKILL)
        reports += [int(line) for line in writer.stdout if line.endswith("\n")]
    return reports[-1]


def test_a_killed_writer_leaves_a_valid_prefix_with_everything_it_acknowledged(postgres: Database) -> None:
    chance = random.Random(20261120)
    survived = 0
    for _ in range(WRITER_KILLS):
        acknowledged = written_until_killed(postgres.url, chance)
        records = proven(postgres.url)
        assert len(records) >= max(acknowledged, survived)
        survived = len(records)
    assert proven(postgres.url) == session(survived)
    assert survived > 20


def in_turn(log: PostgresLog, records: list[bytes], acknowledged: list[int], stop: Callable[[], bool]) -> None:
    """Append one by one, saying what is acknowledged; who is told that the server is away tries again."""
    number = 1
    while number <= len(records) and not stop():
        try:
            log.append(NAME, number, records[number - 1 : number])
        except LogUnavailable:
            continue
        acknowledged.append(number)
        number += 1


@pytest.mark.parametrize("timeout", ["120s", "0s"])
def test_a_killed_server_keeps_what_it_acknowledged_and_the_writer_goes_on_without_a_loss_or_a_repetition(
    start_postgres: Callable[..., PostgresServer], timeout: str
) -> None:
    server = start_postgres(durable=True)
    chance = random.Random(len(timeout))
    records = session(4000 * MORE)
    acknowledged: list[int] = []
    done = False
    with PostgresLog(f"{server.url}?timeout={timeout}") as log:
        writer = Thread(target=in_turn, args=(log, records, acknowledged, lambda: done))
        writer.start()
        for _ in range(SERVER_KILLS):
            wanted = len(acknowledged) + chance.choice([1, 10, 50])
            while len(acknowledged) < wanted and writer.is_alive():
                time.sleep(chance.random() * 0.01)
            server.kill()
            known = len(acknowledged)
            server.start()
            assert len(proven(server.url)) >= known
        after = len(acknowledged)
        while len(acknowledged) < after + 5 and writer.is_alive():
            time.sleep(0.01)
        done = True
        writer.join()
        found = proven(server.url)
        assert acknowledged == list(range(1, len(found) + 1))
        assert found == records[: len(found)]
        assert len(found) >= after > SERVER_KILLS


def test_a_server_that_restarts_in_order_is_waited_for(start_postgres: Callable[..., PostgresServer]) -> None:
    server = start_postgres(durable=True)
    records = session(12)
    with PostgresLog(server.url) as log:
        for number, record in enumerate(records, start=1):
            log.append(NAME, number, [record])
            if number % 4 == 0:
                server.stop()
                server.start()
        assert log.head(NAME) == (12, records[-1])
    assert proven(server.url) == records


def test_readers_and_a_follower_go_on_after_a_restart(start_postgres: Callable[..., PostgresServer]) -> None:
    server = start_postgres()
    records = session(8)
    with PostgresLog(server.url) as log, PostgresLog(server.url, create=False) as reader:
        log.append(NAME, 1, records[:4])
        followed = reader.follow(NAME, 0, lambda: False)
        assert list(islice(followed, 4)) == records[:4]
        server.kill()
        server.start()
        assert reader.head(NAME) == (4, records[3])
        log.append(NAME, 5, records[4:])
        assert list(islice(followed, 4)) == records[4:]


def until_refused(log: PostgresLog, records: list[bytes]) -> tuple[int, LogUnavailable]:
    """Append one by one; the number that was refused and why."""
    for number, record in enumerate(records, start=1):
        try:
            log.append(NAME, number, [record])
        except LogUnavailable as e:
            return number, e
    pytest.fail("the disk never became full")


def test_a_full_disk_is_a_clear_error_that_keeps_what_was_acknowledged_and_the_session_goes_on_when_there_is_room(
    start_postgres: Callable[..., PostgresServer], small_disks: Callable[[int], Path]
) -> None:
    small_disk = small_disks(4)
    server = start_postgres()
    owner = server.data.stat()
    (small_disk / "table").mkdir()
    os.chown(small_disk / "table", owner.st_uid, owner.st_gid)
    ballast = small_disk / "ballast"
    with psycopg.connect(server.url, autocommit=True) as c:
        c.execute(f"CREATE TABLESPACE small LOCATION '{small_disk / 'table'}'")
        PostgresLog(server.url).close()
        c.execute("ALTER TABLE reenact_log.stored_events SET TABLESPACE small")
    records = session(1000)
    with PostgresLog(server.url) as log:
        ballast.write_bytes(bytes(3 << 20))
        number, error = until_refused(log, records)
        assert "is full" in str(error)
        assert "Free some space" in error.remedy
        assert proven(server.url) == records[: number - 1]
        ballast.unlink()
        log.append(NAME, number, records[number - 1 : number + 5])
    assert proven(server.url) == records[: number + 5]
