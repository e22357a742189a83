"""The log in PostgreSQL: the contract, lost connections, foreign databases, and sentences that say what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from adapters.logs import EventLog
from adapters.logs.postgres import SCHEMA, PostgresLog
from adapters.logs.postgres_errors import ServerLost, explained, is_lost
from domain.errors import ConfigInvalid, LogConflict, LogCorrupt, LogError, LogUnavailable, ReenactError
from tests.adapters.logs.wire import Wire
from tests.contracts.log_contract import WAIT_S, LogContract, first
from tests.data import ROOT
from tests.servers.fixtures import Database
from tests.servers.postgres import PostgresServer


class TestPostgresLog(LogContract):
    """One database; a further place of a test takes it over empty."""

    @pytest.fixture(autouse=True)
    def _database(self, postgres: Database) -> None:
        self._url = postgres.url
        self._place: Path | None = None

    def url(self, place: Path) -> str:
        if self._place not in (None, place):
            sql(self._url, "DROP SCHEMA reenact_log CASCADE")
        self._place = place
        return self._url

    def open(self, place: Path) -> EventLog:
        return PostgresLog(self.url(place))

    def drop(self, place: Path, session: str, number: int) -> None:
        sql(self.url(place), "DELETE FROM reenact_log.stored_events WHERE originator_id = %s AND originator_version = %s", session, number)


def sql(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run a statement behind the log's back."""
    with psycopg.connect(url, autocommit=True) as c:
        cursor = c.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


SECRET = "hunter2"  # noqa: S105  (of a server that lives for one test)


@pytest.fixture
def url(postgres: Database) -> str:
    return postgres.url


def through(url: str, port: int) -> str:
    """The same database at another port of this machine."""
    return url.replace(f":{urlsplit(url).port}/", f":{port}/")


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    with Wire(urlsplit(url).port or 5432) as wire:
        yield wire


def cut_all(url: str) -> None:
    """End every other connection to the database, as a restart does."""
    sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")


def test_a_table_keeps_the_library_s_layout_and_what_it_holds_is_not_compressed_again(url: str) -> None:
    with PostgresLog(url) as log:
        log.append("s", 1, [b"1"])
    assert sql(url, "SELECT originator_id, originator_version, topic, state, notification_id FROM reenact_log.stored_events ORDER BY 5") == [
        ("~sessions", 1, "session:1", b"s", 1), ("s", 1, "commit:1", b"1", 2),
    ]  # fmt: skip
    assert sql(url, "SELECT attstorage FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'state'", "reenact_log.stored_events") == [
        ("e",)
    ]


@pytest.mark.parametrize(
    ("setting", "used"), [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
)
def test_a_commit_is_synced_whatever_the_database_says(url: str, setting: str, used: str) -> None:
    sql(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET synchronous_commit = {setting}')
    with PostgresLog(url) as log, log._store.get_connection() as c:
        assert c.execute("SHOW synchronous_commit").fetchone() == {"synchronous_commit": used}


def test_a_connection_that_was_lost_between_two_calls_is_made_anew(url: str) -> None:
    with PostgresLog(url) as log:
        log.append("s", 1, [b"1"])
        for number in range(2, 5):
            cut_all(url)
            log.append("s", number, [b"%d" % number])
            cut_all(url)
            assert log.head("s") == (number, b"%d" % number)
        cut_all(url)
        assert list(log.read("s")) == [b"1", b"2", b"3", b"4"]


def test_a_follower_goes_on_after_its_connection_was_cut(url: str) -> None:
    with PostgresLog(url) as log, PostgresLog(url, create=False) as reader:
        followed = reader.follow("s", 0, lambda: False)
        for number in range(1, 6):
            log.append("s", number, [b"%d" % number])
            assert next(followed) == b"%d" % number
            cut_all(url)


CUTS: list[Callable[[Wire], None]] = [Wire.cut_before, Wire.cut_behind]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_an_append_whose_connection_breaks_before_or_behind_it_is_there_once(url: str, wire: Wire, cut: Callable[[Wire], None], before: int) -> None:
    records = [b"%d" % n for n in range(1, before + 1)]
    with PostgresLog(through(url, wire.port)) as log:
        log.append("s", 1, records)
        log.head("s")
        cut(wire)
        log.append("s", before + 1, [b"x", b"y"])
        log.append("s", before + 3, [b"z"])
    with PostgresLog(url) as log:
        assert list(log.read("s")) == [*records, b"x", b"y", b"z"]
        assert log.sessions() == ["s"]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("retry", [[b"2", b"3"], [b"2"], [b"2", b"3", b"4"]])
def test_an_append_that_could_not_be_finished_may_be_repeated_on_the_same_handle(
    url: str, wire: Wire, cut: Callable[[Wire], None], retry: list[bytes]
) -> None:
    with PostgresLog(through(url, wire.port) + "?timeout=0s") as log:
        log.append("s", 1, [b"1"])
        cut(wire)
        with pytest.raises(LogUnavailable, match=r"whether it arrived is not known") as e:
            log.append("s", 2, [b"2", b"3"])
        assert "Nothing is written twice" in e.value.remedy
        log.append("s", 2, retry)
        for number in range(2 + len(retry), 6):
            log.append("s", number, [b"%d" % number])
    with PostgresLog(url) as log:
        assert list(log.read("s")) == [b"1", b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("cut", CUTS)
def test_a_writer_overtaken_while_its_connection_was_broken_is_fenced_out(url: str, wire: Wire, cut: Callable[[Wire], None]) -> None:
    with PostgresLog(through(url, wire.port) + "?timeout=0s") as log, PostgresLog(url) as other:
        log.append("s", 1, [b"1"])
        cut(wire)
        with pytest.raises(LogUnavailable):
            log.append("s", 2, [b"2"])
        found = other.head("s")
        assert found
        other.append("s", found[0] + 1, [b"theirs"])
        with pytest.raises(LogConflict):
            log.append("s", 2, [b"2", b"3"])
        assert list(other.read("s"))[-1] == b"theirs"


def test_another_writer_s_commit_is_not_taken_for_one_s_own_because_it_has_the_same_bytes(url: str, wire: Wire) -> None:
    with PostgresLog(through(url, wire.port) + "?timeout=0s") as log, PostgresLog(url) as twin:
        log.append("s", 1, [b"1"])
        wire.cut_before()
        with pytest.raises(LogUnavailable):
            log.append("s", 2, [b"2"])
        twin.append("s", 2, [b"2"])
        with pytest.raises(LogConflict, match="another writer has appended commit 2"):
            log.append("s", 2, [b"2"])


@pytest.mark.parametrize("theirs", [b"2", b"other"])
def test_an_append_that_was_thought_lost_and_arrives_while_it_is_repeated_is_known_by_its_bytes(url: str, wire: Wire, theirs: bytes) -> None:
    with PostgresLog(through(url, wire.port)) as log, psycopg.connect(url) as late:
        log.append("s", 1, [b"1"])
        columns = "originator_id, originator_version, topic, state, writer"
        writer_of = "SELECT originator_id, 2, topic, %s, writer FROM reenact_log.stored_events WHERE originator_id = 's'"
        late.execute(f"INSERT INTO reenact_log.stored_events ({columns}) {writer_of}", [theirs])
        wire.cut_before()
        ended: list[LogError | None] = []

        def append() -> None:
            try:
                log.append("s", 2, [b"2"])
            except LogConflict as e:
                ended.append(e)
            else:
                ended.append(None)

        writer = Thread(target=append)
        writer.start()
        while not sql(url, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"):
            assert writer.is_alive()
        late.commit()
        writer.join(WAIT_S)
        assert [type(e) for e in ended] == [type(None) if theirs == b"2" else LogConflict]
        assert list(log.read("s")) == [b"1", theirs]


def test_a_server_that_is_away_for_longer_than_an_append_may_wait_is_unavailable(url: str, wire: Wire) -> None:
    with PostgresLog(through(url, wire.port) + "?timeout=300ms") as log:
        log.append("s", 1, [b"1"])
        wire.close_door()
        wire.cut_before()
        with pytest.raises(LogUnavailable, match=r"cannot be reached|not known") as e:
            log.append("s", 2, [b"2"])
        assert "Everything committed so far is safe" in e.value.remedy
        with Wire(urlsplit(url).port or 5432) as repaired:
            log._store._parameters["port"] = str(repaired.port)
            log.append("s", 2, [b"2"])
            assert list(log.read("s")) == [b"1", b"2"]


WRITER = """
import sys
from adapters.logs.postgres import PostgresLog
from domain.errors import LogConflict
with PostgresLog(sys.argv[1]) as log:
    for line in sys.stdin:
        number = int(line)
        try:
            log.append("s", number, [b"%d" % number * 100_000])
        except LogConflict as e:
            print("conflict:", e, flush=True)
        else:
            print("done", flush=True)
"""


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process, spoken to line by line."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tell(process: subprocess.Popen[str], line: object) -> str:
    assert process.stdin
    assert process.stdout
    print(line, file=process.stdin, flush=True)
    return process.stdout.readline().strip()


def test_a_writer_that_hangs_holds_nobody_up_and_is_fenced_out_when_it_comes_back(url: str) -> None:
    with python(WRITER, url) as zombie, PostgresLog(url) as heir:
        assert tell(zombie, 1) == "done"
        os.kill(zombie.pid, signal.SIGSTOP)
        heir.append("s", 2, [b"heir"])
        heir.append("other", 1, [b"x"])
        os.kill(zombie.pid, signal.SIGCONT)
        assert tell(zombie, 2).startswith("conflict: session s, commit 2: another writer has appended commit 2")
        assert tell(zombie, 3).startswith("conflict")
        heir.append("s", 3, [b"heir"])
        zombie.communicate()


def test_writers_of_different_sessions_do_not_wait_for_each_other(url: str) -> None:
    with PostgresLog(url) as log, psycopg.connect(url) as hanging:
        log.append("s", 1, [b"1"])
        hanging.execute("INSERT INTO reenact_log.stored_events VALUES ('t', 1, 'commit:1', '')")
        log.append("s", 2, [b"2"])
        log.append("u", 1, [b"1"])
        hanging.rollback()
        assert log.sessions() == ["s", "u"]


def test_a_follower_that_stops_taking_never_holds_the_writer_up(url: str) -> None:
    with PostgresLog(url) as log, PostgresLog(url, create=False) as reader:
        log.append("s", 1, [b"x"])
        stalled = [reader.follow("s", 0, lambda: False), log.follow("s", 0, lambda: False)]
        assert [next(f) for f in stalled] == [b"x", b"x"]
        for number in range(2, 202):
            log.append("s", number, [bytes([number]) * 65536] * 1)
        for follower in stalled:
            assert len(first(200, follower)) == 200


def refused(url: str, error: type[ReenactError] = LogUnavailable, *, create: bool = True) -> str:
    """What a person reads when the log cannot be opened; never the password."""
    with pytest.raises(error) as e:
        PostgresLog(url, create=create)
    assert SECRET not in str(e.value)
    return str(e.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hunter2@127.0.0.1/db",
        "postgresql://127.0.0.1/db?user=ann&password=hunter2",
        "postgresql://127.0.0.1/db?sslpassword=hunter2",
        "postgresql://ann:@127.0.0.1/db?password=hunter2&timeout=3s",
    ],
)
def test_a_password_in_the_address_is_refused_with_the_places_where_it_belongs(address: str) -> None:
    said = refused(address, ConfigInvalid)
    assert "a password does not belong in the address" in said
    assert "PGPASSWORD" in said
    assert "~/.pgpass" in said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://127.0.0.1/db?colour=red", "there is no option 'colour'"),
        ("postgresql://ann:hunter2 x@[::1/db", "this is no address of a PostgreSQL database"),
        ("postgresql://127.0.0.1/db?timeout=hunter", "timeout"),
        ("postgresql://127.0.0.1/db?timeout=12", "timeout"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_form(address: str, said: str) -> None:
    assert said in refused(address, ConfigInvalid)


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ("consuming input failed: SSL SYSCALL error: EOF detected", True),
        ("consuming input failed: SSL error: unexpected eof while reading", True),
        ("consuming input failed: SSL connection has been closed unexpectedly", True),
        ("connection failed: FATAL:  the database system is starting up", True),
        ("failed to resolve host 'db': [Errno -3] Temporary failure in name resolution", True),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", False),
        ("connection failed: SSL error: certificate verify failed", False),
    ],
)
def test_only_a_server_that_may_come_back_is_waited_for(said: str, lost: bool) -> None:
    assert is_lost(psycopg.OperationalError(said)) is lost
    assert isinstance(explained(psycopg.OperationalError(said), "ann@db/x", "s"), ServerLost) is lost


def test_places_where_no_log_can_be_are_named(url: str, wire: Wire) -> None:
    port = wire.port
    wire.close_door()
    base = url.rpartition("/")[0]
    assert "cannot be reached: Connection refused. Everything committed so far is safe. Start the server" in refused(through(url, port))
    assert "the host is not known" in refused("postgresql://reenact@nowhere.invalid/db")
    assert "there is no such database" in refused(f"{base}/nowhere")
    assert "there is no such user" in refused(url.replace("//reenact@", "//nobody_here@"))
    assert "no secure connection comes about" in refused(f"{url}?sslmode=require")
    assert "the address is not right" in refused(f"{url}?sslmode=quick")
    assert "cannot be reached" in refused("postgresql:///db?host=/nowhere")


def test_a_database_without_a_log_is_refused_when_none_shall_be_made(url: str) -> None:
    said = refused(url, create=False)
    assert "there is no log in PostgreSQL at" in said
    assert "`reenact log create`" in said
    assert sql(url, "SELECT nspname FROM pg_namespace WHERE nspname = %s", SCHEMA) == []


def test_the_schema_of_another_program_is_refused_and_left_as_it_was(url: str) -> None:
    sql(url, "CREATE SCHEMA reenact_log")
    sql(url, "CREATE TABLE reenact_log.stored_events (id int)")
    assert "is not a Reenact log: another program made it" in refused(url, LogCorrupt)
    assert sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = %s", SCHEMA) == [("stored_events",)]


def test_a_log_of_another_layout_is_refused(url: str) -> None:
    PostgresLog(url).close()
    sql(url, "UPDATE reenact_log.layout SET number = 2")
    assert "has layout 2, this version of Reenact reads 1" in refused(url, LogCorrupt)
    sql(url, "DELETE FROM reenact_log.layout")
    assert "has layout none" in refused(url, LogCorrupt)


def test_a_database_that_cannot_hold_every_name_is_refused(url: str) -> None:
    name = f"{url.rpartition('/')[2]}_latin"
    sql(url, f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        said = refused(f"{url.rpartition('/')[0]}/{name}")
        assert "its encoding is not UTF8" in said
        assert "createdb" in said
    finally:
        sql(url, f"DROP DATABASE {name} WITH (FORCE)")


def test_processes_that_make_one_log_at_the_same_time_all_get_in(url: str) -> None:
    script = WRITER.replace('"s"', "sys.argv[2]")
    processes = [python(script, url, f"s{n}") for n in range(3)]
    for process in processes:
        assert process.communicate("1\n")[0].strip() == "done"
    with PostgresLog(url, create=False) as log:
        assert sorted(log.sessions()) == ["s0", "s1", "s2"]


@pytest.fixture
def stranger(url: str) -> Iterator[str]:
    """The database as a user without any right sees it."""
    sql(url, "CREATE ROLE stranger LOGIN")
    yield url.replace("//reenact@", "//stranger@")
    sql(url, "DROP OWNED BY stranger CASCADE")
    sql(url, "DROP ROLE stranger")


def test_missing_rights_are_named_with_the_grant(url: str, stranger: str) -> None:
    said = refused(stranger)
    assert "a right is missing (permission denied for database" in said
    assert "GRANT CREATE ON DATABASE" in said
    with PostgresLog(url) as log:
        log.append("s", 1, [b"1"])
    assert 'GRANT USAGE ON SCHEMA reenact_log TO "stranger"' in refused(stranger, create=False)
    for grant in ("USAGE ON SCHEMA reenact_log", "SELECT ON ALL TABLES IN SCHEMA reenact_log"):
        sql(url, f"GRANT {grant} TO stranger")
    with PostgresLog(stranger, create=False) as log:
        assert list(log.read("s")) == [b"1"]
        with pytest.raises(LogUnavailable, match="permission denied for table") as e:
            log.append("s", 2, [b"2"])
        assert "INSERT" in e.value.remedy
        sql(url, "GRANT INSERT ON ALL TABLES IN SCHEMA reenact_log TO stranger")
        sql(url, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA reenact_log TO stranger")
        log.append("s", 2, [b"2"])


def test_a_database_that_is_read_only_can_be_read_and_says_so_when_written(url: str) -> None:
    with PostgresLog(url) as log:
        log.append("s", 1, [b"1"])
    sql(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on')
    with PostgresLog(url, create=False) as log:
        assert list(log.read("s")) == [b"1"]
        with pytest.raises(LogUnavailable, match="is read-only") as e:
            log.append("s", 2, [b"2"])
        assert "primary" in e.value.remedy


def test_a_log_that_maintenance_holds_is_unavailable_until_it_lets_go(url: str) -> None:
    with PostgresLog(url) as log, closing(psycopg.connect(url)) as holder:
        log.append("s", 1, [b"1"])
        with log._store.get_connection() as c:
            c.execute("SET lock_timeout = '100ms'")
        holder.execute("LOCK TABLE reenact_log.stored_events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LogUnavailable, match="is held by another program") as e:
            log.append("s", 2, [b"2"])
        assert "End what holds it" in e.value.remedy
        holder.rollback()
        log.append("s", 2, [b"2"])
        assert list(log.read("s")) == [b"1", b"2"]


def test_a_log_that_lost_its_table_or_a_record_is_damaged(url: str) -> None:
    with PostgresLog(url) as log:
        log.append("s", 1, [b"1", b"2"])
        sql(url, "UPDATE reenact_log.stored_events SET state = NULL WHERE originator_version = 2")
        with pytest.raises(LogCorrupt, match="holds no bytes"):
            list(log.read("s"))
        sql(url, "DROP TABLE reenact_log.stored_events")
        for broken in (lambda: log.head("s"), lambda: log.append("s", 3, [b"3"])):
            with pytest.raises(LogCorrupt, match="is damaged: relation"):
                broken()


def test_a_password_comes_from_libpq_s_places_and_is_asked_for_by_name(
    start_postgres: Callable[..., PostgresServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_postgres(password=SECRET)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    said = refused(server.url)
    assert "it asks for a password and none was given" in said
    assert "PGPASSWORD" in said
    monkeypatch.setenv("PGPASSWORD", "wrong")
    assert "it does not accept user and password" in refused(server.url)
    monkeypatch.setenv("PGPASSWORD", SECRET)
    PostgresLog(server.url).close()
    monkeypatch.delenv("PGPASSWORD")
    passfile = tmp_path / "pass file"
    passfile.write_text(f"127.0.0.1:{server.port}:postgres:*:{SECRET}\n")
    passfile.chmod(0o600)
    with PostgresLog(f"{server.url}?passfile={quote(str(passfile))}", create=False) as log:
        log.append("s", 1, [b"1"])
        assert SECRET not in repr(log.__dict__)
