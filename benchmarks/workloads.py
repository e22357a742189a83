"""Decides what is measured: the tick streams, the rule on them, and the answers every engine must reach.

Needs numpy only, because the peers' interpreters import it too.

Invariants: a stream is fixed by its name and length (`DIGESTS`); an answer comes from the bare rule, without any engine.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MILLION = 1_000_000
START_NS = 1_700_000_000_000_000_000
RECORD = np.dtype([("ts", "<i8"), ("inst", "<i4"), ("px", "<i8"), ("qty", "<i8"), ("side", "<i4")])
"""One tick: time in ns, instrument, price in 10^-2, quantity in 10^-3, aggressor +1 or -1."""

STREAMS: dict[str, tuple[int, int]] = {"w1": (1, 20240101), "w2": (8, 20240102)}
"""Instruments and seed. Workloads 0 and 3 run on stream w1."""
DIGESTS = {"w1": "e53045b160e17e21", "w2": "5a17f6bf3518985f"}
"""First 16 digits of the sha256 of a million records."""

EVERY = 10
UNIT_QTY = 1000
FLOAT_TOLERANCE = 0.004
"""Under half a step of the rule's decision value, so that engines with float prices decide as those with integers."""

Records = NDArray[Any]


class Answer(NamedTuple):
    """What a run must end with: fills, profit in cents marked at the last prices, and how many of the fills were buys."""

    fills: int
    pnl_cents: int
    buys: int


PUBLISHED: dict[tuple[str, str], tuple[int, int]] = {
    ("w1", "same"): (22_510, -565), ("w1", "next"): (22_510, -325),
    ("w2", "same"): (22_305, -939), ("w2", "next"): (22_305, -990),
    ("w3", "same"): (100_000, 494), ("w3", "next"): (99_999, 972),
}  # fmt: skip
"""Fills and profit at a million ticks, filled at the tick that caused the order or at the instrument's next one."""


class Cross:
    """SMA(20) against SMA(50) in constant time: a ring and two running sums. The same code runs in every engine that runs Python."""

    __slots__ = ("i", "long", "ring", "sum20", "sum50", "tolerance", "warm")

    def __init__(self, tolerance: float = 0) -> None:
        self.ring: list[float] = [0] * 50
        self.i = 0
        self.warm = 49
        self.sum20: float = 0
        self.sum50: float = 0
        self.tolerance = tolerance
        self.long = False

    def update(self, px: float) -> int:
        """Take one price; +1 to go long, -1 to go flat, 0 to do nothing."""
        ring = self.ring
        i = self.i
        self.sum50 += px - ring[i]
        self.sum20 += px - ring[i - 20]
        ring[i] = px
        i += 1
        self.i = i if i < 50 else 0
        if self.warm:
            self.warm -= 1
            return 0
        away = 5 * self.sum20 - 2 * self.sum50
        if away > self.tolerance:
            if not self.long:
                self.long = True
                return 1
        elif away < -self.tolerance and self.long:
            self.long = False
            return -1
        return 0


def stream_of(workload: str) -> str:
    """The stream a workload runs on."""
    return "w2" if workload == "w2" else "w1"


def instruments_of(workload: str) -> int:
    """How many instruments a workload trades."""
    return STREAMS[stream_of(workload)][0]


def make(stream: str, n: int) -> Records:
    """The ticks of a stream: one random walk of -1, 0 or +1 cents per instrument from 100.00, about 1 ms apart."""
    instruments, seed = STREAMS[stream]
    rng = np.random.Generator(np.random.PCG64(seed))
    ticks = np.zeros(n, RECORD)
    ticks["ts"] = START_NS + np.cumsum(rng.integers(500_000, 1_500_001, n))
    if instruments > 1:
        ticks["inst"] = rng.integers(0, instruments, n)
    steps = rng.integers(-1, 2, n)
    ticks["qty"] = rng.integers(1, 1001, n)
    ticks["side"] = 2 * rng.integers(0, 2, n) - 1
    for i in range(instruments):
        mine = ticks["inst"] == i
        ticks["px"][mine] = np.maximum(10_000 + np.cumsum(steps[mine]), 100)
    return ticks


def prepare(folder: Path, stream: str, n: int) -> Path:
    """The file that holds n ticks of a stream, made when missing. Raises ValueError when this numpy draws another stream."""
    path = folder / f"{stream}-{n}.npy"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    ticks = make(stream, n)
    found = hashlib.sha256(ticks.tobytes()).hexdigest()[:16]
    if n == MILLION and found != DIGESTS[stream]:
        raise ValueError(f"stream {stream} has digest {found}, not {DIGESTS[stream]}: figures from it compare with nothing")
    half_made = path.with_suffix(".part.npy")
    np.save(half_made, ticks)
    half_made.replace(path)
    return path


def load(path: Path, n: int = 0) -> Records:
    """All ticks of a file, or the first n."""
    ticks: Records = np.load(path)
    return ticks[:n].copy() if 0 < n < len(ticks) else ticks


def pieces(path: Path, size: int, n: int = 0) -> Iterator[Records]:
    """The ticks of a file, or the first n, piece by piece, so that memory does not grow with the file."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{path} was written by another numpy; delete it")
        np.lib.format.read_array_header_1_0(file)
        left = n or sys.maxsize
        while left and len(piece := np.fromfile(file, RECORD, min(size, left))):
            left -= len(piece)
            yield piece


def signals(workload: str, ticks: Records) -> list[tuple[int, int]]:
    """What the workload's rule wants: index of the tick and +1 or -1, in order. The bare loop, no engine."""
    if workload == "w3":
        return [(i, 1 if i // EVERY % 2 == 0 else -1) for i in range(EVERY - 1, len(ticks), EVERY)]
    if workload == "w0":
        return []
    rules = [Cross().update for _ in range(instruments_of(workload))]
    return [(i, s) for i, (inst, px) in enumerate(zip(ticks["inst"].tolist(), ticks["px"].tolist(), strict=True)) if (s := rules[inst](px))]


def answer(workload: str, ticks: Records, wanted: list[tuple[int, int]], fill: str) -> Answer:
    """What an engine must end with when orders fill at the `same` tick or at the `next` one of their instrument."""
    inst, px = ticks["inst"], ticks["px"]
    rows = [np.flatnonzero(inst == i) for i in range(instruments_of(workload))]
    last = [int(px[r[-1]]) if len(r) else 0 for r in rows]
    fills = pnl = buys = 0
    for i, side in wanted:
        at = i
        own = rows[inst[i]]
        if fill == "next":
            k = int(own.searchsorted(i)) + 1
            if k == len(own):
                continue
            at = int(own[k])
        fills += 1
        buys += side > 0
        pnl += side * (last[inst[i]] - int(px[at]))
    found = Answer(fills, pnl, buys)
    published = PUBLISHED.get((workload, fill))
    if len(ticks) == MILLION and published not in (None, (found.fills, found.pnl_cents)):
        raise ValueError(f"{workload} filled at the {fill} tick gives {found}, published is {published}")
    return found
