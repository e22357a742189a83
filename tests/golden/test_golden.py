"""Whole sessions: the same bytes in fresh processes, the same decisions as pinned, and results that others published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reenact import compose, config
from reenact.logs import open_log
from reenact.runtime import CommitPolicy
from tests.data import ROOT, data_root, shared
from tests.golden.sessions import ALL, REAL, SYNTHETIC
from tests.golden.worker import available

PINNED = Path(__file__).parent / "pinned.json"
Results = dict[str, dict[str, Any]]


def worker(folder: Path, hash_seed: str, *date: str) -> Results:
    """All sessions in a fresh process."""
    folder.mkdir()
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden.worker", str(folder), *date], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Results = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """One run of everything: the folder with its logs, and what was found."""
    folder = tmp_path_factory.mktemp("golden") / "first"
    return folder, worker(folder, "1")


@pytest.mark.parametrize(
    ("hash_seed", "date"), [("2", ()), ("3", ("2001-09-09",)), ("4", ("2049-12-31",))], ids=["other hash seed", "frozen in 2001", "frozen in 2049"]
)
def test_every_session_gives_the_same_bytes_in_a_fresh_process(
    first: tuple[Path, Results], tmp_path: Path, hash_seed: str, date: tuple[str, ...]
) -> None:
    """Given another hash seed or another date, then every record of every session is the same, byte for byte."""
    again = worker(tmp_path / "again", hash_seed, *date)
    assert again == first[1]


def test_every_session_reaches_the_pinned_digest(first: tuple[Path, Results]) -> None:
    """Given today's code, then every decision of every golden session is the one that was reviewed (see tests/README.md for a wanted change)."""
    found = {name: {"events": r["events"], "digest": r["digest"]} for name, r in first[1].items()}
    if os.environ.get("REENACT_GOLDEN") == "write":
        known = json.loads(PINNED.read_text()) if PINNED.exists() else {}
        PINNED.write_text(json.dumps(known | found, indent=1, sort_keys=True) + "\n")
    pinned = json.loads(PINNED.read_text())
    assert found == {name: pinned[name] for name in found}
    assert set(pinned) == set(ALL), "a golden session was added or removed without pinning"


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_session_verifies(first: tuple[Path, Results], name: str) -> None:
    """Given a golden session's log, then re-enactment reaches every decision and the session is closed."""
    if name in REAL:
        shared("README.md")
    with open_log(f"sqlite://{first[0]}/{name}.db") as log:
        result = compose.verify(log, f"{name}-1", base=data_root())
    assert (result.ok, result.closed, result.problem) == (True, True, "")
    assert result.head == first[1][name]["head"]


@pytest.mark.parametrize("name", sorted(SYNTHETIC))
def test_the_commit_size_changes_no_event(first: tuple[Path, Results], tmp_path: Path, name: str) -> None:
    """Given commits of another size, then the events are the same, seq by seq."""
    summary = compose.run(config.from_mapping(available()[name], base=data_root()), log=f"sqlite://{tmp_path}/x.db", policy=CommitPolicy(997, 61))
    assert summary.events == first[1][name]["events"]
    with open_log(f"sqlite://{tmp_path}/x.db") as mine, open_log(f"sqlite://{first[0]}/{name}.db") as other:
        assert all(a == b for a, b in zip(_events(mine, summary.session), _events(other, summary.session), strict=True))


def _events(log: Any, session: str) -> Any:
    from domain.commit import decode

    return (item for record in log.read(session) for item in decode(record).items())


def test_lean_s_basic_template_backtest_to_the_cent(first: tuple[Path, Results]) -> None:
    """Given LEAN's bars, fees and behaviour, then the end equity is the published one."""
    expected = json.loads(shared("backtest/lean_expected.json").read_text())[0]["published"]["End Equity"]
    found = first[1]["lean-basic-template"]["equity"]["USD"]
    assert f"{float(found):.2f}" == expected == "101691.92"
