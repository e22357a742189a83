"""A projector killed at any moment applies nothing twice and skips nothing: its rows end equal to a rebuild that was never killed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from adapters.logs.sqlite import SqliteLog
from adapters.readmodels import ModelsUnavailable, ReadModels
from reenact.logs import open_log
from reenact.projecting import project
from tests.adapters.readmodels.dumps import differences, dump, positions
from tests.adapters.readmodels.made import eventful
from tests.data import ROOT
from tests.servers.postgres import PostgresServer

SECONDS = 400.0 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 18.0
LEAST = 40
Run = Callable[[str, str, str, float], bool]


@pytest.fixture(params=["sqlite", "postgres"])
def models(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of read models that are not there yet."""
    return str(request.getfixturevalue("postgres").url) if request.param == "postgres" else f"sqlite://{tmp_path / 'models.db'}"


@contextmanager
def projectors() -> Iterator[Run]:
    """A function that runs a projector, kills it after so many seconds, and says whether it got to its end before."""
    command = [sys.executable, "-m", "tests.crash.projector_worker"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forge:
        assert forge.stdin
        assert forge.stdout

        def run(log: str, models: str, how: str, delay_s: float) -> bool:
            assert forge.stdin
            assert forge.stdout
            print(log, models, how, delay_s, file=forge.stdin, flush=True)
            done = False
            while True:
                match forge.stdout.readline().split():
                    case ["done"]:
                        done = True
                    case ["dead"]:
                        return done
                    case found:
                        pytest.fail(" ".join(found) or "the forge of projectors ended")

        yield run
        forge.stdin.close()


def whole(models: str) -> int:
    """The sessions of models that can be read; each has exactly the events up to its position, every one once."""
    try:
        with ReadModels(models) as asked:
            rows = asked.query(
                "SELECT session, seq, (SELECT count(*) FROM events e WHERE e.session = t.session) + (SELECT count(*) FROM trades e WHERE e.session = t.session)"
                " + (SELECT count(*) FROM quotes e WHERE e.session = t.session) + (SELECT count(*) FROM bars e WHERE e.session = t.session),"
                " (SELECT last_seq FROM sessions s WHERE s.session = t.session) FROM tracking t"
            ).rows
    except ModelsUnavailable:
        return 0  # killed before the first models were built
    for _, seq, events, last_seq in rows:
        assert seq == events == last_seq
    return len(rows)


def test_a_projector_killed_at_any_moment_ends_with_the_rows_of_a_rebuild(models: str, tmp_path: Path) -> None:
    chance = random.Random(20261120)
    sessions = [eventful(f"s-{n}", n, 120) for n in range(1, 7)]
    todo = [(s.journal.session, number, record) for s in sessions for number, record in enumerate(s.records, start=1)]
    url = f"sqlite://{tmp_path / 'log.db'}"
    killed = finished = rebuilds = 0
    ends = time.monotonic() + SECONDS
    with SqliteLog(tmp_path / "log.db") as log, projectors() as run:
        run_s = 0.25
        while time.monotonic() < ends:
            for name, number, record in todo[: chance.choice([0, 1, 1, 3, 8])]:
                log.append(name, number, [record])
                todo.pop(0)
            how = "rebuild" if chance.random() < 0.1 else "follow"
            rebuilds += how == "rebuild"
            done = run(url, models, how, chance.random() * chance.choice([0.1, 0.4, 1.0]) * run_s)
            finished += done
            killed += not done
            # One that never gets to its end is given more time, so that both the beginning and the end of its work are killed.
            run_s = max(0.02, run_s * (0.9 if done else 1.02))
            whole(models)
        for name, number, record in todo:
            log.append(name, number, [record])
        assert run(url, models, "follow", 600.0)
    assert whole(models) == len(sessions)
    live = dump(models)
    beside = f"sqlite://{tmp_path / 'beside.db'}"
    with open_log(url) as store:
        project(store, beside, once=True)
    assert differences(live, dump(beside)) == []
    assert sorted(positions(models)) == sorted(positions(beside))
    sys.stdout.write(f"\n{killed} projectors killed ({rebuilds} rebuilds begun), {finished} got to their end first: rows equal to a rebuild\n")
    assert killed >= LEAST


def test_a_full_disk_of_the_database_is_one_sentence_and_with_room_the_rows_are_those_of_a_rebuild(
    start_postgres: Callable[..., PostgresServer], small_disks: Callable[[int], Path], tmp_path: Path
) -> None:
    """Given tables on a disk that fills up in the middle of a projection, then what was applied stays, and the next start goes on from there."""
    server, disk = start_postgres(), small_disks(24)
    owner = server.data.stat()
    (disk / "tables").mkdir()
    os.chown(disk / "tables", owner.st_uid, owner.st_gid)
    with psycopg.connect(server.url, autocommit=True) as c:
        c.execute(f"CREATE TABLESPACE small LOCATION '{disk / 'tables'}'")
        c.execute("ALTER ROLE CURRENT_USER SET default_tablespace = 'small'")
    ballast = disk / "ballast"
    with SqliteLog(tmp_path / "log.db") as log:
        for n in range(8):
            one = eventful(f"s-{n}", n, 400)
            log.append(one.journal.session, 1, one.records)
            if n == 1:
                project(log, server.url, once=True)
                ballast.write_bytes(bytes(shutil.disk_usage(disk).free - (256 << 10)))
        with pytest.raises(ModelsUnavailable, match="full") as e:
            project(log, server.url, once=True)
        assert e.value.remedy
        whole(server.url)
        ballast.unlink()
        project(log, server.url, once=True)
        assert whole(server.url) == 8
        project(log, f"sqlite://{tmp_path / 'beside.db'}", once=True)
    assert differences(dump(server.url), dump(f"sqlite://{tmp_path / 'beside.db'}")) == []
