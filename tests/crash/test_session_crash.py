"""A session cut off at any moment: what is left is a valid prefix, and resuming ends byte-equal to never having been cut."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import LogCorrupt, ReplayDiverged
from reenact import compose, config
from reenact.logs import open_log
from tests.crash.session_worker import POLICY, SESSION, play
from tests.data import ROOT

KILLS = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 10
CUTS = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 10
NAME = "crash-1"


def records(path: Path) -> list[bytes]:
    with open_log(f"sqlite://{path}") as log:
        return list(log.read(NAME))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """The uninterrupted session."""
    path = tmp_path_factory.mktemp("crash") / "whole.db"
    play(f"sqlite://{path}")
    return path, records(path)


def survives(path: Path, expected: list[bytes]) -> int:
    """Verify what is left, resume it, and hold the result against the uninterrupted session; the number of commits that were left."""
    left = records(path)
    assert left == expected[: len(left)]
    with open_log(f"sqlite://{path}") as log:
        result = compose.verify(log, NAME)
    assert (result.ok, result.commits, result.closed) == (True, len(left), len(left) == len(expected))
    if len(left) < len(expected):
        summary = compose.resume(config.from_mapping(SESSION), log=f"sqlite://{path}", session=NAME, policy=POLICY)
        assert summary.commits == len(expected)
    assert records(path) == expected
    return len(left)


def _moments() -> Iterator[tuple[int, float]]:
    chance = random.Random(7)
    for n in range(KILLS):
        yield n, chance.uniform(0.0, 0.5)


@pytest.mark.parametrize(("n", "delay_s"), list(_moments()))
def test_kill_9_at_any_moment_leaves_a_prefix_that_resumes_to_the_same_bytes(
    whole: tuple[Path, list[bytes]], tmp_path: Path, n: int, delay_s: float
) -> None:
    """Given a session killed some time after its first commit, then prefix, verification, resume and equality."""
    path = tmp_path / "killed.db"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.session_worker", f"sqlite://{path}"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
    with open_log(f"sqlite://{path}") as log:
        if log.head(NAME) is None:
            return  # killed before the first commit was durable: nothing was promised
    survives(path, whole[1])


def test_a_log_cut_after_any_commit_resumes_to_the_same_bytes(whole: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """Given the tail cut off after commits all over the session, then each remainder verifies and resumes."""
    original, expected = whole
    chance = random.Random(11)
    places = sorted({1, 2, len(expected) - 1, *(chance.randrange(1, len(expected)) for _ in range(CUTS))})
    for keep in places:
        path = tmp_path / f"cut{keep}.db"
        shutil.copy(original, path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DELETE FROM stored_events WHERE originator_id = ? AND originator_version > ?", (NAME, keep))
            connection.commit()
        assert survives(path, expected) == keep


def test_resuming_with_other_code_or_data_appends_nothing(whole: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """Given a cut log and a configuration that decides otherwise, then the difference is named and the log stays as it was."""
    original, expected = whole
    path = tmp_path / "other.db"
    shutil.copy(original, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_id = ? AND originator_version > ?", (NAME, 20))
        connection.commit()
    changed = SESSION | {"limits": SESSION["limits"] | {"max_order_qty": 999}}
    with pytest.raises(ReplayDiverged) as caught:
        compose.resume(config.from_mapping(changed), log=f"sqlite://{path}", session=NAME, policy=POLICY)
    assert caught.value.seq == 1
    with pytest.raises(LogCorrupt, match="another commit size"):
        compose.resume(config.from_mapping(SESSION), log=f"sqlite://{path}", session=NAME)
    assert records(path) == expected[:20]
