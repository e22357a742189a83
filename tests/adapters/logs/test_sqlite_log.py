"""The log in one SQLite file: the contract, other processes beside it, foreign files, and sentences that say what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.logs import EventLog
from adapters.logs.sqlite import APPLICATION_ID, SqliteLog
from domain.errors import LogConflict, LogCorrupt, LogError, LogUnavailable
from tests.contracts.log_contract import LogContract, first
from tests.data import ROOT


class TestSqliteLog(LogContract):
    def open(self, place: Path) -> EventLog:
        return SqliteLog(place)

    def drop(self, place: Path, session: str, number: int) -> None:
        sql(place, "DELETE FROM stored_events WHERE originator_id = ? AND originator_version = ?", session, number)


def sql(place: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run a statement behind the log's back."""
    with closing(sqlite3.connect(place)) as c:
        rows = c.execute(statement, values).fetchall()
        c.commit()
    return rows


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process, spoken to line by line."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


WRITER = """
import sys
from pathlib import Path
from adapters.logs.sqlite import SqliteLog
from domain.errors import LogConflict
with SqliteLog(Path(sys.argv[1])) as log:
    for line in sys.stdin:
        number = int(line)
        try:
            log.append("s", number, [b"%d" % number])
        except LogConflict as e:
            print("conflict:", e, flush=True)
        else:
            print("done", flush=True)
"""


def tell(process: subprocess.Popen[str], line: object) -> str:
    assert process.stdin
    assert process.stdout
    print(line, file=process.stdin, flush=True)
    return process.stdout.readline().strip()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "session.db"


def test_the_second_of_two_processes_that_write_one_session_is_fenced_out_at_once(place: Path) -> None:
    with python(WRITER, place) as one, python(WRITER, place) as other:
        assert tell(one, 1) == tell(one, 2) == "done"
        assert tell(other, 2).startswith("conflict: session s, commit 2: commit 2 is taken")
        assert tell(other, 3) == "done"
        assert tell(one, 3).startswith("conflict: session s, commit 3: another writer has appended commit 3")
        assert tell(one, 4).startswith("conflict")
        assert tell(other, 4) == "done"
        one.communicate()
        other.communicate()
    with SqliteLog(place) as log:
        assert list(log.read("s")) == [b"1", b"2", b"3", b"4"]


def test_this_process_reads_and_follows_while_another_one_writes(place: Path) -> None:
    with python(WRITER, place) as writer:
        assert tell(writer, 1) == "done"
        with SqliteLog(place, create=False) as one, SqliteLog(place, create=False) as other:
            followed = one.follow("s", 0, lambda: False)
            assert next(followed) == b"1"
            for n in range(2, 40):
                assert tell(writer, n) == "done"
                assert other.head("s") == (n, b"%d" % n)
            assert first(38, followed) == [b"%d" % n for n in range(2, 40)]
        writer.communicate()


def test_processes_that_make_one_log_at_the_same_time_all_get_in(place: Path) -> None:
    script = WRITER.replace('"s"', "sys.argv[2]")
    processes = [python(script, place, f"s{n}") for n in range(4)]
    for process in processes:
        assert process.stdin
        print(1, file=process.stdin, flush=True)
    for process in processes:
        assert process.communicate()[0].strip() == "done"
    with SqliteLog(place) as log:
        assert sorted(log.sessions()) == ["s0", "s1", "s2", "s3"]


def test_every_transaction_is_synced_into_a_write_ahead_log(place: Path) -> None:
    with SqliteLog(place) as log:
        log.append("s", 1, [b"1"])
        connection = log._store.pool._pool[0]._sqlite_conn
        assert [connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous")] == ["wal", 2]
        assert sql(place, "PRAGMA application_id") == [(APPLICATION_ID,)]


def test_a_log_whose_journal_mode_another_program_changed_gets_its_write_ahead_log_back(place: Path) -> None:
    SqliteLog(place).close()
    assert sql(place, "PRAGMA journal_mode=DELETE") == [("delete",)]
    SqliteLog(place).close()
    assert sql(place, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("name", ["odd :memory: name.db", "a?mode=memory&b#c.db", "100%25.db", "ü 上.db", "file:x.db", "'q'.db"])
def test_the_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    with SqliteLog(tmp_path / name) as log:
        log.append("s", 1, [b"1"])
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with SqliteLog(tmp_path / name, create=False) as log:
        assert list(log.read("s")) == [b"1"]


def refused(path: Path, error: type[LogError], *, create: bool = True) -> str:
    """What a person reads when the log cannot be opened."""
    with pytest.raises(error) as e:
        SqliteLog(path, create=create)
    assert e.value.remedy
    assert str(path if path.parent.exists() else path.parent) in str(e.value)
    return str(e.value)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(place: Path) -> None:
    for content in (b"time,price\n1,2\n" * 100, b"x", bytes(4096), b"SQLite format 3\x00" + bytes(10)):
        place.write_bytes(content)
        assert "is not a Reenact log" in refused(place, LogCorrupt)
        assert place.read_bytes() == content


def test_the_database_of_another_program_is_refused_and_left_as_it_was(place: Path) -> None:
    for statement in ("CREATE TABLE stored_events (originator_id TEXT, state BLOB)", "PRAGMA application_id=1", "DROP TABLE stored_events"):
        sql(place, statement)
        before = place.read_bytes()
        assert "the database of another program" in refused(place, LogCorrupt)
        assert place.read_bytes() == before
    assert list(place.parent.iterdir()) == [place]


def test_a_log_of_a_later_layout_is_refused(place: Path) -> None:
    SqliteLog(place).close()
    sql(place, "PRAGMA user_version=2")
    assert "has layout 2, this version of Reenact reads 1" in refused(place, LogCorrupt)


def test_a_log_that_lost_its_table_is_damaged(place: Path) -> None:
    with SqliteLog(place) as log:
        log.append("s", 1, [b"1"])
        sql(place, "DROP TABLE stored_events")
        with pytest.raises(LogCorrupt, match="damaged: no such table"):
            log.head("s")
        with pytest.raises(LogCorrupt, match="damaged: no such table"):
            log.append("s", 2, [b"2"])


def test_an_empty_file_becomes_a_log(place: Path) -> None:
    place.touch()
    with SqliteLog(place) as log:
        log.append("s", 1, [b"1"])
        assert log.sessions() == ["s"]


def test_places_that_cannot_hold_a_log_are_named(tmp_path: Path) -> None:
    assert "the folder" in refused(tmp_path / "nowhere" / "x.db", LogUnavailable)
    assert "is a folder" in refused(tmp_path, LogUnavailable)
    assert "there is no log" in refused(tmp_path / "x.db", LogUnavailable, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of an ordinary user's; root, whom no permission stops, becomes that user for the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
            os.seteuid(65534)
        try:
            yield path
        finally:
            path.chmod(0o700)
            if os.getuid() == 0:
                os.seteuid(0)


def test_a_read_only_log_can_be_read_and_says_so_when_written(unprivileged: Path) -> None:
    place = unprivileged / "x.db"
    with SqliteLog(place) as keeper:
        keeper.append("s", 1, [b"1"])
        place.chmod(0o400)
        with SqliteLog(place) as log:
            assert list(log.read("s")) == [b"1"]
            with pytest.raises(LogUnavailable, match="is read-only") as e:
                log.append("s", 2, [b"2"])
            assert "permissions" in e.value.remedy


def test_a_folder_that_may_not_be_written_is_named(unprivileged: Path) -> None:
    place = unprivileged / "x.db"
    SqliteLog(place).close()
    unprivileged.chmod(0o500)
    assert "cannot be made" in refused(unprivileged / "y.db", LogUnavailable)
    with pytest.raises(LogUnavailable, match=r"cannot be opened|is read-only") as e, SqliteLog(place) as log:
        log.append("s", 1, [b"1"])
    assert "folder" in e.value.remedy


def test_a_file_that_may_not_be_read_is_named(unprivileged: Path) -> None:
    place = unprivileged / "x.db"
    SqliteLog(place).close()
    place.chmod(0)
    assert "cannot be opened" in refused(place, LogUnavailable)


def test_a_log_that_another_process_holds_is_unavailable_until_it_lets_go(place: Path) -> None:
    with SqliteLog(place) as log, closing(sqlite3.connect(place, isolation_level=None)) as holder:
        log.append("s", 1, [b"1"])
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable, match="is locked by another process") as e:
            log.append("s", 2, [b"2"])
        assert "Close the program that holds it" in e.value.remedy
        assert list(log.read("s")) == [b"1"]
        holder.execute("ROLLBACK")
        log.append("s", 2, [b"2"])
        assert list(log.read("s")) == [b"1", b"2"]


def test_a_log_held_exclusively_cannot_be_opened_and_says_why(place: Path) -> None:
    SqliteLog(place).close()
    with closing(sqlite3.connect(place, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert "is locked by another process" in refused(place, LogUnavailable)
    with SqliteLog(place) as log:
        assert log.sessions() == []


def test_a_row_that_holds_no_bytes_or_a_broken_name_is_corrupt(place: Path) -> None:
    with SqliteLog(place) as log:
        log.append("s", 1, [b"1", b"2"])
        sql(place, "UPDATE stored_events SET state = 'text' WHERE originator_id = 's' AND originator_version = 2")
        with pytest.raises(LogCorrupt, match="holds no bytes") as e:
            list(log.read("s"))
        assert (e.value.session, e.value.commit) == ("s", 2)
        sql(place, "UPDATE stored_events SET state = x'FF' WHERE originator_id = '~sessions'")
        with pytest.raises(LogCorrupt, match="list of sessions is damaged"):
            log.sessions()
        sql(place, "UPDATE stored_events SET topic = CAST(x'FF' AS TEXT) WHERE originator_id = 's'")
        with pytest.raises(LogCorrupt, match="is damaged"):
            log.head("s")


def test_a_fenced_handle_may_be_replaced_by_a_new_one(place: Path) -> None:
    with SqliteLog(place) as zombie, SqliteLog(place) as heir:
        zombie.append("s", 1, [b"1"])
        heir.append("s", 2, [b"2"])
        with pytest.raises(LogConflict, match="fenced out"):
            zombie.append("s", 2, [b"x"])
        with SqliteLog(place) as fresh:
            fresh.append("s", 3, [b"3"])
            assert list(zombie.read("s")) == [b"1", b"2", b"3"]
