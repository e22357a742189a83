"""Given a session, when inputs come, then these events: a small world for testing strategies and rules without a venue.

Invariants: nothing answers but the test itself; what a test expects is looked for among what happened since its last `when`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from domain.engine import Engine
from domain.events import (
    AnyInput,
    AnyRecorded,
    Balance,
    OperatorCommandReceived,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    SessionOpened,
    StrategySpec,
)
from domain.instrument import Instrument, instrument
from domain.journal import Journal
from domain.risk import Approved, Limit, Rule, limits_of
from domain.strategy import Strategy
from domain.terms import Liquidity, Scope, Side, TickKind
from domain.ticks import Ticks, concat, table
from reenact.proving import KINDS
from reenact.proving.invariants import Checker

T0 = 1_700_000_000_000_000_000
SECOND = 10**9
X = instrument("X", price_digits=2, qty_digits=0)
Y = instrument("Y", price_digits=2, qty_digits=0)


def opening(strategies: int = 1, instruments: Sequence[Instrument] = (X, Y), limits: Sequence[Limit] = (), bar_ns: int = 0) -> SessionOpened:
    """The first event of a session with 1,000,000.00 USD."""
    everything = tuple(range(len(instruments)))
    return SessionOpened(
        T0, 0, "test", "simulated", "", "{}", 7, tuple(instruments), tuple(limits),
        tuple(StrategySpec(f"s{i}", "", "", "", "{}", everything, bar_ns) for i in range(strategies)), (Balance("USD", 100_000_000, 2),),
    )  # fmt: skip


def bounds(symbols: Sequence[str] = ("X", "Y"), **numbers: int | tuple[int, ...]) -> tuple[Limit, ...]:
    """Limits of instruments by the names of their parameters: `bounds(max_order_qty=10)`."""
    return tuple(limits_of(Scope.INSTRUMENT, symbols, {k: v if isinstance(v, tuple) else (v,) for k, v in numbers.items()}))


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

    def __init__(
        self, *strategies: Strategy, limits: Sequence[Limit] = (), instruments: Sequence[Instrument] = (X, Y), bar_ns: int = 0,
        rules: Sequence[Rule] = (), **opened: Any,
    ) -> None:  # fmt: skip
        """Open a session of these strategies (`s0`, `s1`, …). `opened`: other fields of its `SessionOpened`; `rules`: your own."""
        self.opened = msgspec.structs.replace(opening(len(strategies), instruments, limits, bar_ns), **opened)
        self.journal = Journal("test")
        self.engine = Engine(self.opened, strategies, self.journal, rules)
        self.engine.start(self.opened)
        self.rules = tuple(rules)
        self.seen: list[Ticks] = []
        self._since = 0

    @property
    def events(self) -> list[tuple[int, AnyRecorded]]:
        """Everything recorded that is no tick, with its seq."""
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
        found = [m.message for m in self.engine.desk.outbox if isinstance(m, Approved)]
        return [m for m in found if isinstance(m, OrderSubmitted)]

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

    def when(self, *inputs: Ticks | AnyInput) -> World:
        """Let tables of ticks and other inputs happen, in this order; `then` looks at what follows from here on."""
        self._since = self.journal.seq
        for one in inputs:
            if isinstance(one, Ticks):
                self.tick(one)
            else:
                self.step(one)
        return self

    def then(self, kind: type, **fields: Any) -> World:
        """Since the last `when` an event of this type happened whose fields have these values. Raises AssertionError, showing what did happen."""
        found = self._found(kind, fields)
        assert found, f"no {_words(kind, fields)} happened; there were {self._happened()}"  # noqa: S101 (this is an assertion)
        return self

    def then_never(self, kind: type, **fields: Any) -> World:
        """Since the last `when` no event of this type with these values happened. Raises AssertionError with the first that did."""
        found = self._found(kind, fields)
        assert not found, f"{_words(kind, fields)} happened: {found[0]}"  # noqa: S101 (this is an assertion)
        return self

    def then_proven(self) -> World:
        """Every event so far keeps every invariant that `reenact prove` knows. Raises `Violation`, an AssertionError, with the first that does not."""
        checker = Checker(self.opened, (*self.engine.desk.risk.rules.values(),), KINDS, Counter())
        ticks = iter([tick for part in self.seen for tick in part.events()])
        seq = 0
        for gap, event in zip(self.journal.gaps, self.journal.events, strict=True):
            for _ in range(gap):
                seq += 1
                checker.take(seq, next(ticks))
            seq += 1
            checker.take(seq, event)
        for tick in ticks:
            seq += 1
            checker.take(seq, tick)
        checker.settle()
        return self

    def _found(self, kind: type, fields: dict[str, Any]) -> list[AnyRecorded]:
        events = [e for seq, e in self.events if seq > self._since and type(e) is kind]
        return [e for e in events if all(getattr(e, name) == value for name, value in fields.items())]

    def _happened(self) -> str:
        events = [e for seq, e in self.events if seq > self._since]
        reasons = [getattr(e, "reason", "") for e in events]
        names = [type(e).__name__ + (f" ({reason})" if reason else "") for e, reason in zip(events, reasons, strict=True)]
        return ", ".join(names) or "no events"


def given(
    *strategies: Strategy, limits: Sequence[Limit] = (), instruments: Sequence[Instrument] = (X, Y), rules: Sequence[Rule] = (), **opened: Any
) -> World:
    """A session: `given(MyStrategy(), limits=bounds(max_order_qty=10)).when(trades(100_00)).then(OrderDenied, reason="MAX_ORDER_QTY")`."""
    return World(*strategies, limits=limits, instruments=instruments, rules=rules, **opened)


def accept(order: OrderSubmitted, ns: int) -> OrderAccepted:
    """The venue's acceptance of an order."""
    return OrderAccepted(ns, 0, order.cl_ord_id, ns, f"v-{order.cl_ord_id}")


def fill(order: OrderSubmitted, ns: int, px: int, qty: int = 0, *, exec_id: str = "", fee_amt: int = 0, currency: str = "USD") -> OrderFilled:
    """The venue's report of a fill; the whole order where no quantity is named. `fee_amt` in cents."""
    name = exec_id or f"e-{order.cl_ord_id}-{ns}"
    return OrderFilled(ns, 0, order.cl_ord_id, ns, name, px, qty or order.order_qty, Liquidity.TAKER, fee_amt, currency, 2)


def cancel(order: OrderSubmitted, ns: int) -> OrderCanceled:
    """The venue's report that the rest of an order is gone."""
    return OrderCanceled(ns, 0, order.cl_ord_id, ns, order.cl_ord_id, "")


def reject(order: OrderSubmitted, ns: int, reason: str = "refused") -> OrderRejected:
    """The venue's refusal of an order."""
    return OrderRejected(ns, 0, order.cl_ord_id, ns, reason)


def command(name: str, ns: int, actor: str = "ada", **argument: Any) -> OperatorCommandReceived:
    """A person's command: `command("halt", T0 + SECOND, scope="instrument", member="X")`."""
    return OperatorCommandReceived(ns, 0, actor, name, msgspec.json.encode(argument, order="deterministic").decode())


def _words(kind: type, fields: dict[str, Any]) -> str:
    named = ", ".join(f"{name} {value!r}" for name, value in fields.items())
    return f"{kind.__name__} with {named}" if named else kind.__name__
