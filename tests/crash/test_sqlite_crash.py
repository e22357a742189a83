"""What was acknowledged survives a killed writer, a torn or damaged file, a full disk and a held lock; what was changed is named."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapters.logs.sqlite import SqliteLog
from domain.commit import checked
from domain.errors import LogError, LogUnavailable
from domain.journal import Journal
from tests.crash.sessions import NAME, next_record, proven, session
from tests.data import ROOT

MORE = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1
KILLS = 25 * MORE


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "session.db"


@contextmanager
def writers() -> Iterator[Callable[[Path, random.Random], int]]:
    """A function that lets a writer work on a path, kills it at a moment of chance and returns the last number it reported."""
    command = [sys.executable, "-m", "tests.crash.sessions"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forge:
        assert forge.stdin
        assert forge.stdout

        def write_and_kill(path: Path, chance: random.Random) -> int:
            assert forge.stdin
            assert forge.stdout
            print(path, file=forge.stdin, flush=True)
            wanted = chance.choice([0, 0, 1, 2, 5, 20, 60])
            pid = acknowledged = reports = 0
            killed = False
            while True:
                line = forge.stdout.readline().split()
                match line:
                    case ["pid", number]:
                        pid = int(number)
                    case ["dead"]:
                        return acknowledged
                    case [number]:
                        acknowledged = int(number)
                        reports += 1
                    case _:
                        pytest.fail("the writer ended by itself")
                if pid and not killed and reports >= wanted:
                    time.sleep(chance.random() * chance.choice([0.0005, 0.004, 0.02]))
                    os.kill(pid, signal.SIGKILL)
                    killed = True

        yield write_and_kill
        forge.stdin.close()


def test_a_killed_writer_leaves_a_valid_prefix_with_everything_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20261120)
    journal, expected = Journal(NAME), []
    survived = 0
    with writers() as write_and_kill:
        path = tmp_path / "0.db"
        for i in range(KILLS):
            if i % 5 == 0:
                path, survived = tmp_path / f"{i}.db", 0
            acknowledged = write_and_kill(path, chance)
            records = proven(path) if path.exists() else []
            while len(expected) < len(records):
                expected.append(next_record(journal))
            assert records == expected[: len(records)]
            assert len(records) >= max(acknowledged, survived)
            survived = len(records)
    assert len(expected) > 20


def written(path: Path, n: int) -> tuple[list[bytes], list[int]]:
    """Write a session and keep the log as a crash would leave it: the file, the write-ahead log, and its size after each commit."""
    records = session(n)
    sizes = []
    wal = Path(f"{path}-wal")
    with SqliteLog(path) as log:
        for number, record in enumerate(records, start=1):
            log.append(NAME, number, [record])
            sizes.append(wal.stat().st_size)
        shutil.copy(path, path.with_suffix(".kept"))
        shutil.copy(wal, path.with_suffix(".kept-wal"))
    return records, sizes


def as_crashed(path: Path, wal: bytes) -> Path:
    """The log as it was kept, with another write-ahead log."""
    crashed = path.with_suffix(".crashed")
    for old in path.parent.glob("*.crashed*"):
        old.unlink()
    shutil.copy(path.with_suffix(".kept"), crashed)
    Path(f"{crashed}-wal").write_bytes(wal)
    return crashed


def test_a_write_ahead_log_torn_at_any_place_gives_exactly_the_commits_before_it(place: Path) -> None:
    records, sizes = written(place, 40)
    wal = place.with_suffix(".kept-wal").read_bytes()
    assert sizes == sorted(set(sizes))
    chance = random.Random(7)
    boundaries = {size + off for size in sizes for off in (-1, 0, 1)}
    cuts = sorted((boundaries | {0, 1, 31, 32, 33} | {chance.randrange(len(wal)) for _ in range(60 * MORE)}) & set(range(len(wal) + 1)))
    assert len(cuts) > 170
    for cut in cuts:
        crashed = as_crashed(place, wal[:cut])
        assert proven(crashed) == records[: bisect_right(sizes, cut)], f"torn at byte {cut}"


def test_a_log_with_a_torn_tail_goes_on(place: Path) -> None:
    records, sizes = written(place, 12)
    wal = place.with_suffix(".kept-wal").read_bytes()
    for kept in (3, 11):
        crashed = as_crashed(place, wal[: sizes[kept - 1] + 5000])
        with SqliteLog(crashed) as log:
            assert log.head(NAME) == (kept, records[kept - 1])
            log.append(NAME, kept + 1, records[kept:])
        assert proven(crashed) == records


def test_a_flipped_bit_in_the_write_ahead_log_ends_the_log_before_its_commit(place: Path) -> None:
    records, sizes = written(place, 40)
    wal = place.with_suffix(".kept-wal").read_bytes()
    chance = random.Random(11)
    for _ in range(60 * MORE):
        at = chance.randrange(32, len(wal))
        damaged = bytearray(wal)
        damaged[at] ^= 1 << chance.randrange(8)
        assert proven(as_crashed(place, bytes(damaged))) == records[: bisect_right(sizes, at)], f"flipped at byte {at}"


def test_a_damaged_file_gives_a_prefix_or_a_clear_error_and_never_an_altered_commit(place: Path) -> None:
    records, _ = written(place, 40)
    with SqliteLog(place) as log:
        assert log.head(NAME) == (40, records[-1])
    content = place.read_bytes()
    chance = random.Random(13)
    refused = 0
    for _ in range(150 * MORE):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 1, 1, 8])):
            damaged[chance.choice([chance.randrange(200), chance.randrange(len(content))])] ^= 1 << chance.randrange(8)
        place.write_bytes(damaged)
        found = []
        try:
            with SqliteLog(place, create=False) as log:
                found.extend(record for _, record in checked(NAME, log.read(NAME)))
                log.sessions()
        except LogError as e:
            refused += 1
            assert len(str(e)) > 20  # noqa: PT017  refusing and reading on are both right
        assert found == records[: len(found)]
        for left in place.parent.glob(f"{place.name}-*"):
            left.unlink()
    assert refused > 20


ALTER = {
    "a flipped byte": "CAST(substr(state, 1, 20) || x'00' || substr(state, 22) AS BLOB)",
    "a cut record": "substr(state, 1, length(state) - 1)",
    "an empty record": "x''",
    "no record": "NULL",
}
MOVE = "UPDATE stored_events SET originator_version = ? WHERE originator_id = 'crash' AND originator_version = ?"
DROP = "DELETE FROM stored_events WHERE originator_id = 'crash' AND originator_version = ?"
REPEAT = "INSERT INTO stored_events SELECT originator_id, ?, topic, state FROM stored_events WHERE originator_id = 'crash' AND originator_version = ?"
CHANGES = {
    **{
        name: ([(f"UPDATE stored_events SET state = {value} WHERE originator_id = 'crash' AND originator_version = ?", 5)], 5)  # noqa: S608
        for name, value in ALTER.items()
    },
    "a dropped commit": ([(DROP, 5)], 5),
    "a dropped commit, the rest moved up": ([(DROP, 5), *[(MOVE, n - 1, n) for n in range(6, 11)]], 5),
    "a repeated commit, the rest moved down": ([*[(MOVE, n + 1, n) for n in range(10, 5, -1)], (REPEAT, 6, 5)], 6),
    "two commits swapped": ([(MOVE, 99, 5), (MOVE, 5, 6), (MOVE, 6, 99)], 5),
    "a number that is none": ([(MOVE, "five", 5)], 5),
}


@pytest.mark.parametrize(("statements", "number"), CHANGES.values(), ids=CHANGES)
def test_a_commit_changed_in_the_database_is_named(place: Path, statements: list[tuple[str, object]], number: int) -> None:
    records = session(10)
    with SqliteLog(place) as log:
        log.append(NAME, 1, records)
    assert proven(place) == records
    with closing(sqlite3.connect(place)) as c:
        for statement, *values in statements:
            assert c.execute(statement, values).rowcount == 1
        c.commit()
    found = []
    with SqliteLog(place) as log, pytest.raises(LogError) as e:
        found.extend(record for _, record in checked(NAME, log.read(NAME)))
    assert (e.value.session, e.value.commit) == (NAME, number)
    assert found == records[: number - 1]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as with a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def append_until_refused(log: SqliteLog, records: list[bytes], number: int) -> tuple[int, LogUnavailable]:
    """Append one by one from `number` until the log refuses; the number refused and why."""
    while True:
        try:
            log.append(NAME, number, records[number - 1 : number])
        except LogUnavailable as e:
            return number, e
        number += 1


@pytest.mark.parametrize("limit", [400_000, 400_001, 403_000, 1_000_000])
def test_a_disk_that_takes_no_more_is_a_clear_error_and_the_session_goes_on_when_there_is_room(place: Path, limit: int) -> None:
    records = session(100)
    with SqliteLog(place) as log:
        with file_size_limit(limit):
            number, error = append_until_refused(log, records, 1)
            again, _ = append_until_refused(log, records, number)
            assert again == number > 5
            assert list(log.read(NAME)) == records[: number - 1]
        assert "the disk" in str(error)
        assert "Everything committed so far is safe." in error.remedy
        log.append(NAME, number, records[number - 1 :])
    assert proven(place) == records


def test_a_full_file_system_is_a_clear_error_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("a small file system can only be mounted by root")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        with SqliteLog(tmp_path / "x.db") as log:
            number, error = append_until_refused(log, session(100), 1)
            assert "the disk is full" in str(error)
            assert "Free some space" in error.remedy
        assert proven(tmp_path / "x.db") == session(number - 1)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


HOLDER = """
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_that_another_process_holds_is_named_and_ends_with_that_process(place: Path) -> None:
    records = session(3)
    with SqliteLog(place) as log:
        log.append(NAME, 1, records[:1])
        with subprocess.Popen([sys.executable, "-c", HOLDER, place], stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(LogUnavailable, match="is locked by another process") as e:
                log.append(NAME, 2, records[1:])
            assert "Close the program that holds it" in e.value.remedy
            holder.kill()
        log.append(NAME, 2, records[1:])
    assert proven(place) == records
