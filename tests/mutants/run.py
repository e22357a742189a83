"""Runs the tests of a room against each of its mutants, a fresh process each, and says which mutants lived.

`python -m tests.mutants.run` prints the kill rate of `domain/risk`; `--file NAME` for one file, `--jobs N` for more at a time.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutate import Mutant, mutants

ROOT = Path(__file__).parents[2]
RISK = ROOT / "domain" / "risk"
TESTS = ROOT / "tests" / "domain" / "risk"
PATIENCE_S = 120.0
"""A mutant that runs for so long does not end: it is found."""


class Outcome(NamedTuple):
    """What became of a mutant: killed by a test, or alive."""

    mutant: Mutant
    killed: bool
    seconds: float


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from other source than stands on disk."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        package = self._path.name == "__init__.py"
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self, submodule_search_locations=[str(self._path.parent)] if package else None) if fullname == self._name else None  # fmt: skip

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)  # noqa: S102 (this is what a mutant is)


def risk_files() -> list[Path]:
    """Every file of the risk room, in order."""
    return sorted(RISK.glob("*.py"))


def tests_of(file: Path) -> Path:
    """The tests that have to find every mutant of a file."""
    return TESTS / ("test_rule.py" if file.name == "__init__.py" else f"test_{file.stem}.py")


def unmutated(file: Path) -> Mutant:
    """The file as it is: its tests must pass, or every mutant would seem to be found."""
    return Mutant(file.relative_to(ROOT).as_posix(), "", 0, "", "", file.read_text())


def living(files: Iterable[Path], jobs: int = 2) -> Iterable[Outcome]:
    """The outcome of each mutant of the files; those known to be equivalent are left out."""
    files = list(files)
    preload()
    for file in files:
        _, status = os.waitpid(_started(unmutated(file)), 0)
        if status:
            raise SystemExit(f"{tests_of(file).relative_to(ROOT)} does not pass without any mutant; mend it first.")
    waiting = [m for f in files for m in mutants(f, ROOT) if m.key not in EQUIVALENT]
    running: dict[int, tuple[Mutant, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            running[_started(mutant)] = mutant, time.monotonic()
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in running:
            mutant, since = running.pop(pid)
            yield Outcome(mutant, status != 0, time.monotonic() - since)
            continue
        for child, (_, since) in running.items():
            if time.monotonic() - since > PATIENCE_S:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


def preload() -> None:
    """What every run needs and no mutant touches is imported once, before the runs part ways."""
    import hypothesis.strategies
    import msgspec
    import numpy as np
    import pytest

    assert all((hypothesis, msgspec, np, pytest))
    assert not any(m == "domain" or m.startswith("domain.") for m in sys.modules), "the mutants' module would be imported already"


def _started(mutant: Mutant) -> int:
    """A child process that runs the mutant's tests; it ends with 0 when they all pass."""
    pid = os.fork()
    if pid:
        return pid
    os._exit(_run(mutant))


def _run(mutant: Mutant) -> int:
    import hypothesis
    import pytest

    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    file = ROOT / mutant.file
    name = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    sys.meta_path.insert(0, _Mutated(name, file, mutant.source))
    hypothesis.settings.register_profile("mutants", max_examples=200, deadline=None, database=None, derandomize=True)
    hypothesis.settings.load_profile("mutants")
    arguments = ["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"]
    return int(
        pytest.main([*arguments, "-o", "timeout=0", "-o", "filterwarnings=", "-o", "addopts=--import-mode=importlib", str(tests_of(file))]) != 0
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a mutant lived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", action="append", default=[], help="only this file of domain/risk; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    files = [f for f in risk_files() if not chosen.file or f.name in chosen.file or f.stem in chosen.file]
    made: Counter[str] = Counter()
    lived: list[Mutant] = []
    started = time.monotonic()
    for outcome in living(files, chosen.jobs):
        made[outcome.mutant.file] += 1
        if not outcome.killed:
            lived.append(outcome.mutant)
            print(f"LIVED {outcome.mutant.file}:{outcome.mutant.line} {outcome.mutant.function}: {outcome.mutant.before!r} -> {outcome.mutant.after!r}", flush=True)  # fmt: skip
    alive = Counter(m.file for m in lived)
    for file, n in sorted(made.items()):
        print(f"{file:45} {n:5} mutants {n - alive[file]:5} killed")
    total = sum(made.values())
    print(f"{'all':45} {total:5} mutants {total - len(lived):5} killed: {100 * (total - len(lived)) / max(total, 1):.1f} % in {time.monotonic() - started:.0f} s")  # fmt: skip
    print(f"left out as equivalent, each with its reason: {len(EQUIVALENT)}")
    return int(bool(lived))


if __name__ == "__main__":
    sys.exit(main())
