"""Decides how long work shows that it goes on.

Invariants: progress goes to standard error only; a bar on a terminal, a plain line every two seconds elsewhere, nothing when it is switched off.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from adapters.times import time_text

_EVERY_S = 2.0
_PAINT_S = 0.1


class Meter:
    """Shows how many units of work are done and where in the session's time they are. Used as a context."""

    def __init__(self, what: str, unit: str = "ticks", *, total: int | None = None, quiet: bool = False) -> None:
        self._what = what
        self._unit = unit
        self._total = total
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._started = time.monotonic()
        self._shown = self._started
        self._every = _PAINT_S if sys.stderr.isatty() else _EVERY_S

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
            self._bar = Progress(*columns, BarColumn(bar_width=24), TextColumn("{task.fields[said]}", markup=False), TimeElapsedColumn(),
                                 console=Console(stderr=True), transient=True)  # fmt: skip
            self._task = self._bar.add_task(self._what, total=self._total, said="")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, done: int, ns: int = 0) -> None:
        """So much is done; `ns` is the session's time."""
        now = time.monotonic()
        if self._quiet or now - self._shown < self._every:
            return
        self._shown = now
        rate = round(done / max(now - self._started, 1e-9))
        said = f"{done:,} {self._unit} · {rate:,}/s" + (f" · {time_text(ns)[:19]}Z" if ns else "")
        if self._bar is not None:
            self._bar.update(self._task, completed=done, said=said)
        else:
            share = f" of {self._total:,}" if self._total else ""
            click.echo(f"{self._what}: {said}{share}", err=True)
