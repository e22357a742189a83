"""Decides which measurements stand in the table, with which command each is made and which answer each must give."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import workloads
from benchmarks.workloads import MILLION, Answer

RECORDED_PART = 10
MEMORY_TIMES = 10
PNL_TOLERANCE = 0.001


@dataclass
class Row:
    """One line of the table. `command` lacks pinning; `fills` and `pnl` are what it must end with, None where the engine has its own answer."""

    engine: str
    workload: str
    label: str
    command: list[str]
    fills: int
    pnl: float | None
    ticks: int
    cores: int = 1
    results: list[dict[str, object]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.workload} {self.label}"

    def check(self, result: dict[str, object]) -> None:
        """Note what is wrong with an answer."""
        if result["fills"] != self.fills:
            self.failures.append(f"{self.fills} fills were expected, {result['fills']} came")
        if self.pnl is not None and abs(float(str(result["pnl"])) - self.pnl) > PNL_TOLERANCE:
            self.failures.append(f"profit {self.pnl} was expected, {result['pnl']} came")
        if result["ticks"] != self.ticks:
            self.failures.append(f"{self.ticks} ticks were expected, {result['ticks']} came")
        if self.engine == "reenact" and result.get("denied"):
            self.failures.append(f"{result['denied']} orders were denied")
        if result.get("verify_s") and result["verified_events"] != result["events"]:
            self.failures.append(f"{result['verified_events']} of {result['events']} events were verified")


class Bench:
    """The streams of one run, made once, and the answers on them."""

    def __init__(self, folder: Path, n: int, peers: Path | None) -> None:
        self.folder = folder
        self.n = n
        self.peers = peers
        self._signals: dict[tuple[str, int], tuple[workloads.Records, list[tuple[int, int]]]] = {}

    def file(self, workload: str, n: int) -> Path:
        """The file with n ticks of a workload's stream."""
        return workloads.prepare(self.folder, workloads.stream_of(workload), n)

    def answer(self, workload: str, fill: str, n: int) -> Answer:
        """What must come out when n ticks are run."""
        key = (workload, n)
        if key not in self._signals:
            made_from = MILLION if n <= MILLION else n
            ticks = workloads.load(self.file(workload, made_from), n)
            self._signals[key] = (ticks, workloads.signals(workload, ticks))
        ticks, wanted = self._signals[key]
        return workloads.answer(workload, ticks, wanted, fill)

    def forget(self) -> None:
        """Free the ticks: measurements follow."""
        self._signals.clear()

    def rows(self) -> list[Row]:
        """Every measurement, in the order in which a round makes them."""
        made = [*self._reenact(), *self._floor()]
        if self.peers is not None:
            made += [*self._nautilus(), *self._vnpy(), *self._hftbacktest()]
        return sorted(made, key=lambda row: row.workload)

    def _row(
        self,
        engine: str,
        workload: str,
        label: str,
        command: list[str],
        fill: str,
        n: int = 0,
        cores: int = 1,
        profit: Callable[[Answer], float | None] | None = None,
    ) -> Row:
        n = n or self.n
        found = self.answer(workload, fill, n)
        pnl = found.pnl_cents / 100 if profit is None else profit(found)
        ticks = ["--ticks", str(self.file(workload, max(n, MILLION)))]
        return Row(engine, workload, label, [*command, workload, *ticks, "--n", str(n)], found.fills, pnl, n, cores)

    def _reenact(self) -> Iterator[Row]:
        def row(workload: str, label: str, *more: str, fill: str = "same", cores: int = 1, n: int = 0) -> Row:
            made = self._row("reenact", workload, f"Reenact, {label}", [sys.executable, "-m", "benchmarks.worker"], fill, n, cores)
            made.command += ["--fill", fill, *more]
            return made

        for workload in ("w0", "w1", "w2", "w3"):
            built_in = "built-in strategy" if workload in ("w1", "w2") else "scanning strategy"
            yield row(workload, built_in, "--form", "scan")
            yield row(workload, "plain on_tick", "--form", "plain")
            if workload == "w0":
                continue
            yield row(workload, f"{built_in}, fills at the next tick", "--form", "scan", fill="next")
            yield row(workload, f"{built_in}, two cores", "--form", "scan", cores=2)
            yield row(workload, "plain on_tick, two cores", "--form", "plain", cores=2)
        yield row("w1", "built-in strategy, memory log", "--form", "scan", "--log", "memory")
        for n in (self.n, self.n * MEMORY_TIMES):
            yield row("w1", f"built-in strategy, read from the file, {n:,} ticks", "--form", "scan", "--stream", n=n)

    def _floor(self) -> Iterator[Row]:
        for workload in ("w1", "w2"):
            yield self._row("floor", workload, "bare rule in a Python loop, no engine", [sys.executable, "-m", "benchmarks.floor"], "same")

    def _peer(self, environment: str, module: str) -> list[str]:
        assert self.peers is not None
        return [str(self.peers / environment / "bin" / "python"), "-m", f"benchmarks.peers.{module}"]

    def _nautilus(self) -> Iterator[Row]:
        command = self._peer("venv", "nautilus")
        for workload in ("w0", "w1", "w2", "w3"):
            yield self._row("nautilus", workload, "NautilusTrader, nothing recorded", command, "same", profit=_own)
        part = self.n // RECORDED_PART
        recorded = self._row("nautilus recorded", "w1", f"NautilusTrader, everything recorded, {part:,} ticks", command, "same", part, profit=_own)
        recorded.command += ["--record", "{scratch}"]
        yield recorded

    def _vnpy(self) -> Iterator[Row]:
        command = self._peer("venv_vnpy", "vnpy_cta")
        for workload in ("w0", "w1", "w3"):
            yield self._row("vnpy", workload, "vnpy, nothing recorded, no risk", command, "next")

    def _hftbacktest(self) -> Iterator[Row]:
        command = self._peer("venv", "hft")
        for workload in ("w0", "w1", "w2", "w3"):
            row = self._row("hftbacktest", workload, "hftbacktest, compiled, nothing recorded, no risk", command, "same", profit=_cent_per_buy)
            row.command.append("--vector")
            yield row


def _own(_: Answer) -> None:
    """The engine's book has a spread of its own."""


def _cent_per_buy(found: Answer) -> float:
    """The book stands one step above the trades."""
    return (found.pnl_cents - found.buys) / 100
