"""Decides whether this machine and installation can run Reenact, and what to do where they cannot.

Invariants: a check never changes anything but a scratch file that it removes; every warning and failure has a remedy.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from typing import Literal

import msgspec

from domain.errors import ReenactError
from reenact.compiled import built, check_fresh
from reenact.logs import SQLITE

Verdict = Literal["ok", "warn", "fail"]
ENTRY_POINTS = "reenact.strategies"
_OURS = ("reenact", "domain", "adapters", "projections")
_LEAST_FREE = 1 << 30
_LEAST_SQLITE = (3, 35, 0)
_EARLIEST_NS = 1_700_000_000 * 10**9


class Finding(msgspec.Struct, frozen=True):
    """One check's answer; `remedy` is empty when all is well."""

    check: str
    verdict: Verdict
    said: str
    remedy: str = ""


def examine(log: str) -> list[Finding]:
    """Every check, in order. `log` is the address that sessions would be written to."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python, _dependencies, _packages, _hot_path, _sqlite, lambda: _log_folder(log), _clock, _strategies,
    )  # fmt: skip
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{'.'.join(map(str, sys.version_info[:3]))} at {sys.executable}")


def _dependencies() -> Iterator[Finding]:
    try:
        needed = requires("reenact") or []
    except PackageNotFoundError:
        yield Finding(
            "installation", "warn", "reenact is not installed, it runs from its sources", "Install it: pip install reenact (or pip install -e .)."
        )
        return
    for name in (n.split(";")[0].strip() for n in needed if "extra ==" not in n):
        bare = name
        for mark in "<>=!~[ ":
            bare = bare.split(mark)[0]
        try:
            yield Finding(f"package {bare}", "ok", version(bare))
        except PackageNotFoundError:
            yield Finding(f"package {bare}", "fail", "missing", f"pip install '{name}'")


def _packages() -> Iterator[Finding]:
    """The four packages must lie beside each other: `domain` and `adapters` are names that others use too."""
    homes = {name: Path(str(import_module(name).__file__)).resolve().parent.parent for name in _OURS}
    ours = homes["reenact"]
    strangers = [f"{name} comes from {home}" for name, home in homes.items() if home != ours]
    if strangers:
        yield Finding(
            "our packages",
            "fail",
            "; ".join(strangers),
            "Another distribution has overwritten them: give Reenact an environment of its own (uv tool, venv).",
        )
    else:
        yield Finding("our packages", "ok", f"{', '.join(_OURS)} in {ours}")


def _hot_path() -> Iterator[Finding]:
    try:
        check_fresh()
    except ReenactError as e:
        yield Finding("hot path", "fail", e.sentence, e.remedy)
        return
    n = len(built())
    yield Finding("hot path", "ok", f"compiled, {n} modules" if n else "plain Python; `make compile` in a checkout makes orders about twice as fast")


def _sqlite() -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        yield Finding("sqlite", "warn", sqlite3.sqlite_version, "Use a Python built with SQLite 3.35 or newer.")
    else:
        yield Finding("sqlite", "ok", sqlite3.sqlite_version)


def _log_folder(log: str) -> Iterator[Finding]:
    """A write-ahead log with full sync where the log will lie, and the space there."""
    if not log.startswith(SQLITE):
        yield Finding("log", "ok", f"{log} needs no folder")
        return
    wanted = Path(log.removeprefix(SQLITE)).absolute().parent
    folder = next(p for p in (wanted, *wanted.parents) if p.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".reenact-doctor-", dir=folder) as scratch:
            said = _write_test(Path(scratch) / "test.db")
    except (OSError, sqlite3.Error) as e:
        yield Finding("log folder", "fail", f"{folder}: {e}", "Choose a folder on a local disk that you may write to, with --log sqlite://PATH.")
    else:
        word: Verdict = "ok" if said.startswith("wal") else "fail"
        yield Finding("log folder", word, f"{folder}: {said}", "" if word == "ok" else "SQLite cannot keep a write-ahead log here; use a local disk.")
    free = shutil.disk_usage(folder).free
    shown = f"{free >> 20:,} MiB free in {folder}"
    yield (
        Finding("disk", "ok", shown) if free >= _LEAST_FREE else Finding("disk", "warn", shown, "A million ticks take about 25 MiB; free some space.")
    )


def _write_test(path: Path) -> str:
    with closing(sqlite3.connect(path, isolation_level=None)) as c:
        (mode,) = c.execute("PRAGMA journal_mode=WAL").fetchone()
        c.execute("PRAGMA synchronous=FULL")
        c.execute("CREATE TABLE t (x BLOB)")
        started = time.perf_counter()
        for _ in range(5):
            c.execute("INSERT INTO t VALUES (zeroblob(65536))")
        took = (time.perf_counter() - started) / 5
    return f"{mode}, {took * 1000:.1f} ms for a durable commit of 64 KiB"


def _clock() -> Iterator[Finding]:
    now = time.time_ns()
    if now < _EARLIEST_NS:
        yield Finding("clock", "fail", "the system clock is before November 2023", "Set the clock (NTP); live sessions stamp what they receive.")
        return
    resolution = time.get_clock_info("time").resolution
    said = f"resolution {resolution * 1e9:.0f} ns"
    yield Finding("clock", "ok", said) if resolution <= 1e-3 else Finding("clock", "warn", said, "Receive times will be coarse on this system.")


def _strategies() -> Iterator[Finding]:
    """Installed strategies, each imported once."""
    found = sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name)
    if not found:
        yield Finding("installed strategies", "ok", "none beside the built-in ones")
    for point in found:
        yield _entry_point(point)


def _entry_point(point: EntryPoint) -> Finding:
    try:
        point.load()
    except Exception as e:  # noqa: BLE001 (somebody else's package may raise anything; it is the finding)
        return Finding(f"strategy {point.name}", "fail", f"{point.value}: {type(e).__name__}: {e}", "Repair or uninstall the package that offers it.")
    return Finding(f"strategy {point.name}", "ok", point.value)
