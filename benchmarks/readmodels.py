"""Read models in PostgreSQL: rebuilding against a plain binary COPY of the same rows, in one run, and how far a follower is behind.

    python -m benchmarks.readmodels LOG postgresql://user@host:port/db

The database must be empty or hold read models, and is rebuilt. LOG is one with a closed session; the lag is measured by writing its first
commits anew, at 50,000 events a second, into a log that a `reenact project` of its own process follows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from statistics import quantiles

import msgspec
import psycopg

from adapters.logs import EventLog
from adapters.readmodels.schema import Table, create, indexes
from adapters.readmodels.tables import TABLES
from domain.commit import Commit, checked
from reenact.logs import open_log
from reenact.projecting import project

_PLAIN = "plain_copy"


class Rebuild(msgspec.Struct, frozen=True):
    """Seconds for one log. `copied_s`: the same rows by binary COPY, already encoded, into tables without keys; `keyed_s`: then with the
    keys and indexes the read models have. `ratio` and `ratio_keyed`: plain time / our time.
    """

    events: int
    rows: int
    rebuilt_s: float
    copied_s: float
    keyed_s: float

    @property
    def ratio(self) -> float:
        return self.copied_s / self.rebuilt_s

    @property
    def ratio_keyed(self) -> float:
        return self.keyed_s / self.rebuilt_s


def rebuild(log: str, models: str) -> Rebuild:
    """Rebuild the read models of a log, then copy the same rows plainly."""
    with open_log(log) as store:
        started = time.perf_counter()
        done = project(store, models, rebuild=True, once=True)
        rebuilt_s = time.perf_counter() - started
    with psycopg.connect(models, autocommit=True) as c:
        rows, copied_s, keyed_s = _plainly(c)
    return Rebuild(done.events, rows, rebuilt_s, copied_s, keyed_s)


def _plainly(c: psycopg.Connection) -> tuple[int, float, float]:
    """Rows, seconds without keys, seconds with keys and indexes."""
    rows = 0
    copied_s = keyed_s = 0.0
    c.execute("SET synchronous_commit = off")
    for table in TABLES:
        blocks, n = _encoded(c, table)
        rows += n
        with c.transaction():
            c.execute(f"DROP SCHEMA IF EXISTS {_PLAIN} CASCADE")
            c.execute(f"CREATE SCHEMA {_PLAIN}")
            c.execute(f"SET LOCAL search_path TO {_PLAIN}")
            c.execute(create(table, sqlite=False, keyed=False))
        started = time.perf_counter()
        with c.transaction():
            c.execute(f"SET LOCAL search_path TO {_PLAIN}")
            with c.cursor().copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
                for block in blocks:
                    copy.write(block)
        copied = time.perf_counter()
        with c.transaction():
            c.execute(f"SET LOCAL search_path TO {_PLAIN}")
            c.execute(f"ALTER TABLE {table.name} ADD PRIMARY KEY ({', '.join(table.key)})")
            for statement in indexes(table, sqlite=False):
                c.execute(statement)
        copied_s += copied - started
        keyed_s += time.perf_counter() - started
    c.execute(f"DROP SCHEMA {_PLAIN} CASCADE")
    return rows, copied_s, keyed_s


def _encoded(c: psycopg.Connection, table: Table) -> tuple[list[bytes], int]:
    """The table's rows as a binary COPY stream, and how many there are."""
    with c.cursor() as cursor:
        with cursor.copy(f"COPY reenact.{table.name} TO STDOUT (FORMAT BINARY)") as copy:
            blocks = [bytes(block) for block in copy]
        found = cursor.execute(f"SELECT count(*) FROM reenact.{table.name}").fetchone()  # noqa: S608 (names of ours)
    joined = b"".join(blocks)
    return [joined[at : at + (1 << 17)] for at in range(0, len(joined), 1 << 17)], found[0] if found else 0


class LagFound(msgspec.Struct, frozen=True):
    """Milliseconds from the return of `append` to the notification that the rows are committed, over all commits."""

    events: int
    events_per_s: int
    commits: int
    p50_ms: float
    p99_ms: float
    most_ms: float


def lag(log: str, models: str, *, events: int = 500_000, events_per_s: int = 50_000) -> LagFound:
    """Write the first events of the log's first session anew at a pace, and watch the rows come."""
    with open_log(log) as source:
        name = source.sessions()[0]
        commits = [(commit.number, commit.last_seq, record) for commit, record in _first(checked(name, source.read(name)), events)]
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(models, autocommit=True) as listener:
        url = f"sqlite://{folder}/log.db"
        listener.execute("LISTEN reenact_applied")
        with open_log(url, create=True) as target:
            project(target, models, rebuild=True, once=True)
            command = [sys.executable, "-c", "from reenact.cli import main; main()", "project", "--log", url, "--models", models, "--no-progress"]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as follower:
                try:
                    target.append(name, 1, [commits[0][2]])
                    next(iter(listener.notifies(timeout=60, stop_after=1)))
                    return _watched(listener, target, name, commits, events_per_s)
                finally:
                    follower.terminate()


def _first(commits: Iterator[tuple[Commit, bytes]], events: int) -> Iterator[tuple[Commit, bytes]]:
    for commit, record in commits:
        yield commit, record
        if commit.last_seq >= events:
            return


def _watched(listener: psycopg.Connection, target: EventLog, name: str, commits: list[tuple[int, int, bytes]], events_per_s: int) -> LagFound:
    written: dict[int, float] = {}
    started = time.perf_counter()

    def write() -> None:
        for number, seq, record in commits[1:]:
            time.sleep(max(0.0, started + (seq - commits[0][1]) / events_per_s - time.perf_counter()))
            target.append(name, number, [record])
            written[seq] = time.perf_counter()

    writer = threading.Thread(target=write)
    writer.start()
    applied: list[tuple[int, float]] = []
    last = commits[-1][1]
    while not applied or applied[-1][0] < last:
        told = next(listener.notifies(timeout=60, stop_after=1))
        applied.append((msgspec.json.decode(told.payload)["seq"], time.perf_counter()))
    writer.join()
    took_s = max(written.values()) - started
    ends = iter(applied)
    upto, at = next(ends)
    waits = []
    for seq, when in written.items():
        while upto < seq:
            upto, at = next(ends)
        waits.append(1000 * max(0.0, at - when))
    cuts = quantiles(waits, n=100)
    return LagFound(last, round((last - commits[0][1]) / took_s), len(waits), cuts[49], cuts[98], max(waits))


if __name__ == "__main__":
    result = rebuild(sys.argv[1], sys.argv[2])
    print(f"{result.events:,} events, {result.rows:,} rows")
    print(f"rebuilt {result.rebuilt_s:.2f} s ({result.events / result.rebuilt_s:,.0f} events/s)")
    print(f"plain COPY {result.copied_s:.2f} s: {result.ratio:.2f}; with keys and indexes {result.keyed_s:.2f} s: {result.ratio_keyed:.2f}")
    found = lag(sys.argv[1], sys.argv[2])
    print(
        f"lag at {found.events_per_s:,} events/s over {found.commits} commits: p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms, most {found.most_ms:.1f} ms"
    )
