"""Read models in PostgreSQL: rebuilding against a plain binary COPY of the same rows, in one run, and how far a follower is behind.

    python -m benchmarks.readmodels      # starts a PostgreSQL of its own, with fsync on (see tests/README.md)

The lag is measured by writing the first commits of a session anew, at 50,000 events a second, into a log that a `reenact project` of its own
process follows: from the return of `append` to the notification that the rows are committed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import msgspec
import psycopg

from adapters.logs import EventLog
from adapters.readmodels.postgres import copied_as
from adapters.readmodels.schema import Table, create, indexes
from adapters.readmodels.tables import TABLES
from domain.commit import Commit, checked
from reenact import compose, config
from reenact.logs import open_log
from reenact.projecting import project
from tests.servers.postgres import PostgresServer

_PLAIN = "plain_copy"


class Rebuild(msgspec.Struct, frozen=True):
    """Seconds for one log. `rows_s`: the same rows, ready in memory, by psycopg's binary COPY into tables without keys. `bytes_s`: the same as
    bytes that need no encoding, the least PostgreSQL takes. `keys_s`: making the keys and indexes that the read models have, which a rebuild does, too.
    """

    events: int
    rows: int
    rebuilt_s: float
    rows_s: float
    bytes_s: float
    keys_s: float

    @property
    def ratios(self) -> dict[str, float]:
        """Plain time / our time, which includes reading, proving and folding the log."""
        plain = {"rows": self.rows_s, "rows and keys": self.rows_s + self.keys_s, "bytes": self.bytes_s, "bytes and keys": self.bytes_s + self.keys_s}
        return {name: seconds / self.rebuilt_s for name, seconds in plain.items()}


def rebuild(log: str, models: str) -> Rebuild:
    """Rebuild the read models of a log, then copy the same rows plainly."""
    with open_log(log) as store:
        started = time.perf_counter()
        done = project(store, models, rebuild=True, once=True)
        rebuilt_s = time.perf_counter() - started
    with psycopg.connect(models, autocommit=True) as c:
        return _plainly(c, done.events, rebuilt_s)


def _plainly(c: psycopg.Connection, events: int, rebuilt_s: float) -> Rebuild:
    """The same rows again, table by table, in three ways."""
    n = 0
    rows_s = bytes_s = keys_s = 0.0
    c.execute("SET synchronous_commit = off")
    for table in TABLES:
        types = [copied_as(column) for column in table.columns]
        with c.cursor().copy(f"COPY reenact.{table.name} TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(types)
            rows = list(copy.rows())
        n += len(rows)
        _empty(c, table)
        started = time.perf_counter()
        with c.transaction(), c.cursor().copy(f"COPY {_PLAIN}.{table.name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
        rows_s += time.perf_counter() - started
        del rows
        blocks = _encoded(c, table)
        _empty(c, table)
        started = time.perf_counter()
        with c.transaction(), c.cursor().copy(f"COPY {_PLAIN}.{table.name} FROM STDIN (FORMAT BINARY)") as copy:
            for block in blocks:
                copy.write(block)
        copied = time.perf_counter()
        with c.transaction():
            c.execute(f"SET LOCAL search_path TO {_PLAIN}")
            c.execute(f"ALTER TABLE {table.name} ADD PRIMARY KEY ({', '.join(table.key)})")
            for statement in indexes(table, sqlite=False):
                c.execute(statement)
        bytes_s += copied - started
        keys_s += time.perf_counter() - copied
    c.execute(f"DROP SCHEMA {_PLAIN} CASCADE")
    return Rebuild(events, n, rebuilt_s, rows_s, bytes_s, keys_s)


def _empty(c: psycopg.Connection, table: Table) -> None:
    """The table without rows and keys, in a schema of its own."""
    with c.transaction():
        c.execute(f"DROP SCHEMA IF EXISTS {_PLAIN} CASCADE")
        c.execute(f"CREATE SCHEMA {_PLAIN}")
        c.execute(f"SET LOCAL search_path TO {_PLAIN}")
        c.execute(create(table, sqlite=False, keyed=False))


def _encoded(c: psycopg.Connection, table: Table) -> list[bytes]:
    """The table's rows as a binary COPY stream."""
    with c.cursor().copy(f"COPY reenact.{table.name} TO STDOUT (FORMAT BINARY)") as copy:
        joined = b"".join(bytes(block) for block in copy)
    return [joined[at : at + (1 << 17)] for at in range(0, len(joined), 1 << 17)]


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


def session(url: str, ticks: int, fast: int, slow: int) -> None:
    """A closed session over a synthetic market, an order at every crossing of two averages."""
    feed = {"kind": "synthetic", "data": "trades", "n": ticks, "seed": 11, "mean_interval": "100ms"}
    strategy = {"name": "cross", "use": "sma", "params": {"fast": fast, "slow": slow, "qty": 100}}
    table = {"name": "models", "seed": 5, "cash": {"USD": "1000000"}, "instrument": [{"symbol": "A"}], "feed": [feed], "strategy": [strategy]}
    compose.run(config.from_mapping(table), log=url)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres", durable=True) as server:
        for name, ticks, fast, slow in (("2 M ticks, few orders", 2_000_000, 200, 500), ("1 M ticks, 20,000 orders", 1_000_000, 20, 50)):
            log = f"sqlite://{folder}/{fast}.db"
            session(log, ticks, fast, slow)
            found = [rebuild(log, server.url) for _ in range(3)]
            best = sorted(found, key=lambda r: r.rebuilt_s)[1]
            print(f"{name}: {best.events:,} events, {best.rows:,} rows; median of 3")
            print(f"  rebuilt in {best.rebuilt_s:.2f} s, {best.events / best.rebuilt_s:,.0f} events/s")
            print(f"  rows {best.rows_s:.2f} s, bytes {best.bytes_s:.2f} s, keys {best.keys_s:.2f} s")
            print("  speed against plain binary COPY of " + ", ".join(f"{what} {ratio:.2f}" for what, ratio in best.ratios.items()))
        behind = lag(log, server.url)
        print(f"lag at {behind.events_per_s:,} events/s over {behind.commits} commits: p50 {behind.p50_ms:.0f} ms, p99 {behind.p99_ms:.0f} ms")


if __name__ == "__main__":
    main()
