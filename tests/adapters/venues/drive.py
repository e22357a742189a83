"""Scenarios for the simulated venue, and the two ways to play them: as the runtime does, and tick by tick on the twin."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec

from adapters.venues import tables
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from domain.events import OrderCancelRequested, OrderReplaceRequested, OrderSubmitted
from domain.instrument import Instrument, instrument
from domain.limits import Check
from domain.risk.approval import Answers, Approved, approve
from domain.terms import OrderType, Side, TimeInForce
from domain.ticks import RECV_NS, Tick, of_events
from tests.adapters.venues.twin import Twin

FAR = 10**9
ONE = (instrument("ONE"),)
PLAIN = VenueSettings()


@dataclass
class Scenario:
    """`sends[i]`: messages sent after tick i. `answers[id]`: messages sent on the first report about that id. `rolls`: a day ends before tick i.

    The time of a message is set when it is sent.
    """

    ticks: list[Tick]
    sends: dict[int, list[Any]] = field(default_factory=dict)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    rolls: frozenset[int] = frozenset()
    settings: VenueSettings = PLAIN
    instruments: tuple[Instrument, ...] = ONE
    seed: int = 7


def order(
    cl_ord_id: str, side: int, qty: int = 10, *, limit: int = 0, stop: int = 0, trail: int = 0, tif: TimeInForce = TimeInForce.GTC, expire: int = 0,
    post: bool = False, i: int = 0, ns: int = 0,
) -> OrderSubmitted:  # fmt: skip
    """A new order; its type follows from its prices."""
    kind = (
        OrderType.TRAILING_STOP if trail else (OrderType.STOP_LIMIT if limit else OrderType.STOP) if stop
        else OrderType.LIMIT if limit else OrderType.MARKET
    )  # fmt: skip
    return OrderSubmitted(ns, 3, cl_ord_id, 0, i, Side(side), qty, kind, limit, stop, trail, tif, expire, post, False)


def cancel(cl_ord_id: str, orig: str, ns: int = 0) -> OrderCancelRequested:
    return OrderCancelRequested(ns, 3, cl_ord_id, orig, "")


def replace(cl_ord_id: str, orig: str, qty: int, *, limit: int = 0, stop: int = 0, trail: int = 0, ns: int = 0) -> OrderReplaceRequested:
    return OrderReplaceRequested(ns, 3, cl_ord_id, orig, qty, limit, stop, trail)


CHECKED = Answers((Check("test", True, 0, 0),))


def sendable(message: Any) -> Approved | OrderCancelRequested:
    """A request as the venue takes it: an order only with its approval."""
    return message if isinstance(message, OrderCancelRequested) else approve(message, CHECKED)


@contextmanager
def tiny_blocks() -> Iterator[None]:
    """Every table counts as large and has many blocks, so that few ticks go through the whole search."""
    small, block = tables._SMALL, tables._BLOCK
    tables._SMALL, tables._BLOCK = 0, 4
    try:
        yield
    finally:
        tables._SMALL, tables._BLOCK = small, block


class _Player:
    """Sends messages with their time, collects reports and answers them."""

    def __init__(self, venue: Any, scenario: Scenario) -> None:
        self.venue = venue
        self.s = scenario
        self.answers = dict(scenario.answers)
        self.got: list[tuple[int, Any]] = []

    def send(self, messages: list[Any], ns: int) -> None:
        for m in messages:
            at = msgspec.structs.replace(m, ns=ns)
            self.venue.submit(at if isinstance(self.venue, Twin) else sendable(at))

    def drain(self, i: int, until: int) -> None:
        while (r := self.venue.report(until)) is not None:
            self.got.append((i, r))
            self.send(self.answers.pop(getattr(r, "cl_ord_id", ""), []), r.ns)

    def before(self, i: int, ns: int) -> None:
        if i in self.s.rolls:
            self.drain(i, ns - 1)
            self.venue.roll_day(ns)
        self.drain(i, ns)


def play(s: Scenario, cuts: frozenset[int] = frozenset(), stops: frozenset[int] = frozenset(), venue: Any = None) -> list[tuple[int, Any]]:
    """(index of the next tick, report) from the venue, driven like the runtime: tables end at `cuts`, runs of the engine also at `stops`.

    `venue`: another one than the simulated venue of the scenario.
    """
    if venue is None:
        venue = SimulatedVenue(s.instruments, s.settings, s.seed)
    player = _Player(venue, s)
    n = len(s.ticks)
    edges = [0, *sorted(c for c in cuts if 0 < c < n), n]
    for lo, hi in pairwise(edges):
        ticks = of_events(s.ticks[lo:hi])
        recv = ticks.cols[RECV_NS].tolist()
        i = 0
        while i < hi - lo:
            player.before(lo + i, recv[i])
            stop = bisect_left(recv, venue.next_ns(), i + 1)
            stop = min([stop, *(r - lo for r in s.rolls if lo + i < r < hi), *(k + 1 - lo for k in (s.sends.keys() | stops) if lo + i <= k < hi)])
            match = venue.next_match(ticks, i, stop)
            k = min(match + 1, stop)
            venue.advance(ticks, i, k)
            player.send(s.sends.get(lo + k - 1, []), recv[k - 1])
            i = k
    player.drain(n, (s.ticks[-1].ns if s.ticks else 0) + FAR)
    return player.got


def play_twin(s: Scenario) -> list[tuple[int, Any]]:
    """The same from the naive twin, tick by tick."""
    twin = Twin(s.instruments, s.settings, s.seed)
    player = _Player(twin, s)
    for i, tick in enumerate(s.ticks):
        player.before(i, tick.ns)
        twin.tick(tick)
        player.send(s.sends.get(i, []), tick.ns)
    player.drain(len(s.ticks), (s.ticks[-1].ns if s.ticks else 0) + FAR)
    return player.got
