"""Given a session, when inputs come, then these events: a small world for testing the engine without a venue."""

from __future__ import annotations

from collections.abc import Sequence

from domain.engine import Engine
from domain.events import (
    AnyInput,
    AnyRecorded,
    Balance,
    OrderAccepted,
    OrderFilled,
    OrderSubmitted,
    SessionOpened,
    StrategySpec,
)
from domain.instrument import Instrument, instrument
from domain.journal import Journal
from domain.risk.limits import Limits
from domain.strategy import Strategy
from domain.terms import Liquidity, Side, TickKind
from domain.ticks import Ticks, concat, table

T0 = 1_700_000_000_000_000_000
SECOND = 10**9
X = instrument("X", price_digits=2, qty_digits=0)
Y = instrument("Y", price_digits=2, qty_digits=0)


def opening(strategies: int = 1, instruments: Sequence[Instrument] = (X, Y), limits: Limits | None = None, bar_ns: int = 0) -> SessionOpened:
    """The first event of a session with 1,000,000.00 USD."""
    everything = tuple(range(len(instruments)))
    return SessionOpened(
        T0, 0, "test", "simulated", "", "{}", 7, tuple(instruments), tuple(limits or Limits() for _ in instruments),
        tuple(StrategySpec(f"s{i}", "", "", "", "{}", everything, bar_ns) for i in range(strategies)), (Balance("USD", 100_000_000, 2),),
    )  # fmt: skip


def trades(*prices: int, instrument: int | Sequence[int] = 0, start: int = 1, qty: int = 100) -> Ticks:
    """Trades a second apart, the first `start` seconds after T0."""
    times = [T0 + (start + i) * SECOND for i in range(len(prices))]
    return table(TickKind.TRADE, instrument, times, times, prices, qty, int(Side.BUY))


def quotes(*pairs: tuple[int, int], instrument: int = 0, start: int = 1, qty: int = 100) -> Ticks:
    """Quotes a second apart."""
    times = [T0 + (start + i) * SECOND for i in range(len(pairs))]
    return table(TickKind.QUOTE, instrument, times, times, [b for b, _ in pairs], qty, [a for _, a in pairs], qty)


class World:
    """An engine with its journal. `events` is everything recorded that is no tick, as (seq, event)."""

    def __init__(self, *strategies: Strategy, limits: Limits | None = None, instruments: Sequence[Instrument] = (X, Y), bar_ns: int = 0) -> None:
        self.opened = opening(len(strategies), instruments, limits, bar_ns)
        self.journal = Journal("test")
        self.engine = Engine(self.opened, strategies, self.journal)
        self.engine.start(self.opened)
        self.seen: list[Ticks] = []

    @property
    def events(self) -> list[tuple[int, AnyRecorded]]:
        seq = 0
        found = []
        for gap, event in zip(self.journal.gaps, self.journal.events, strict=True):
            seq += gap + 1
            found.append((seq, event))
        return found

    def of(self, *kinds: type) -> list[AnyRecorded]:
        """The recorded events of some types, in order."""
        return [e for _, e in self.events if type(e) in kinds]

    def tick(self, ticks: Ticks, *, pieces: int = 0) -> World:
        """Play a table whole, or in tables of `pieces` ticks. Nothing answers: requests stay in the outbox."""
        for part in [ticks] if not pieces else [ticks.slice(i, min(i + pieces, len(ticks))) for i in range(0, len(ticks), pieces)]:
            at = 0
            while at < len(part):
                at = self.engine.run(part, at, len(part))
            self.seen.append(part)
        return self

    def step(self, *events: AnyInput) -> World:
        """Take other inputs."""
        for event in events:
            self.engine.step(event)
        return self

    @property
    def sent(self) -> list[OrderSubmitted]:
        """Orders in the outbox."""
        return [m for m in self.engine.desk.outbox if isinstance(m, OrderSubmitted)]

    def fill(self, order: OrderSubmitted, px: int, qty: int = 0, fee_amt: int = 0) -> World:
        """The venue accepts an order and fills all of it, or `qty`."""
        ns = self.engine.desk.now_ns
        n = len(self.journal.events)
        return self.step(
            OrderAccepted(ns, 0, order.cl_ord_id, ns, f"v{n}"),
            OrderFilled(ns, 0, order.cl_ord_id, ns, f"e{n}", px, qty or order.order_qty, Liquidity.TAKER, fee_amt, "USD", 2),
        )

    def record(self) -> bytes:
        """Close the commit."""
        whole = concat(self.seen)
        self.journal.take(whole, 0, len(whole))
        return self.journal.close(self.engine.desk.now_ns)
