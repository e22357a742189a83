"""Hand-made sessions: a small writer over `domain.commit.Journal` that knows the order of events, not the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.commit import Commit, decode
from domain.events import (
    AnyRecorded,
    Balance,
    OrderAccepted,
    OrderApproved,
    OrderDenied,
    OrderFilled,
    OrderReplaceRequested,
    OrderSubmitted,
    SessionOpened,
    SignalRaised,
    StrategySpec,
)
from domain.instrument import Instrument, instrument
from domain.journal import Journal
from domain.limits import Check, Limit
from domain.terms import Liquidity, OrderType, Side, TimeInForce
from domain.ticks import Tick, Ticks, of_events

SPY = instrument("SPY", price_digits=2, min_notional="0")
QQQ = instrument("QQQ", price_digits=2, qty_digits=1, amt_digits=3)
BTC = instrument("BTCUSD_PERP", base="BTC", quote="USD", inverse=True, price_digits=1, multiplier="100", asset_class="future")
PASSED = (Check("R-04", True, 5, 10), Check("R-19d", True, 300, 100))


class Session:
    """A session being written. `ns` is the time of the next event and moves one second with every input."""

    def __init__(
        self,
        instruments: Sequence[Instrument] = (SPY,),
        strategies: Sequence[str] = ("alpha", "beta"),
        balances: Sequence[Balance] = (Balance("USD", 100_000_00, 2),),
        name: str = "s-1",
        limits: Sequence[Limit] = (),
    ) -> None:
        self.journal = Journal(name)
        self.records: list[bytes] = []
        self.ns = 1_700_000_000_000_000_000
        self.orders = 0
        self.execs = 0
        self.last_tick = 0
        self._ticks: list[Tick] = []
        specs = tuple(StrategySpec(s, f"test:{s}", "", "", "{}", tuple(range(len(instruments)))) for s in strategies)
        self.opened = SessionOpened(self.ns, 0, name, "simulated", "test", "{}", 1, tuple(instruments), tuple(limits), specs, tuple(balances))
        self.emit(self.opened)

    def emit(self, event: AnyRecorded) -> int:
        self._flush()
        return self.journal.emit(event)

    def tick(self, tick: Tick) -> int:
        """One tick; its seq."""
        self._ticks.append(tick)
        self.last_tick = self.journal.seq + len(self._ticks)
        return self.last_tick

    def table(self, ticks: Ticks) -> int:
        """A whole table; the seq of its last tick."""
        self._flush()
        self.journal.advance(len(ticks))
        self.journal.take(ticks, 0, len(ticks))
        self.last_tick = self.journal.seq
        return self.last_tick

    def _flush(self) -> None:
        if self._ticks:
            ticks, self._ticks = of_events(self._ticks), []
            self.table(ticks)

    def later(self, ns: int = 1_000_000_000) -> int:
        self.ns += ns
        return self.ns

    def cut(self) -> None:
        """Close the commit here."""
        self._flush()
        if not self.journal.empty:
            self.records.append(self.journal.close(self.ns))

    def commits(self) -> list[Commit]:
        """Everything so far, as read back from the records."""
        self.cut()
        return [decode(record) for record in self.records]

    def signal(self, side: Side, qty: int, *, strategy: int = 0, of: int = 0, px: int = 0, cause: int = 0, reason: str = "because") -> int:
        kind = OrderType.LIMIT if px else OrderType.MARKET
        return self.emit(
            SignalRaised(self.ns, cause or self.last_tick or 1, strategy, of, side, qty, kind, px, 0, 0, TimeInForce.GTC, 0, False, False, reason)
        )

    def approve(self, side: Side, qty: int, *, strategy: int = 0, of: int = 0, px: int = 0, checks: tuple[Check, ...] = PASSED) -> tuple[str, int]:
        """Signal and approval; the new id and the approval's seq."""
        signal = self.signal(side, qty, strategy=strategy, of=of, px=px)
        self.orders += 1
        cl_ord_id = f"T-{self.orders}"
        return cl_ord_id, self.emit(OrderApproved(self.ns, signal, cl_ord_id, checks))

    def deny(self, side: Side, qty: int, reason: str = "MAX_ORDER_QTY", *, of: int = 0) -> str:
        signal = self.signal(side, qty, of=of)
        self.orders += 1
        cl_ord_id = f"T-{self.orders}"
        self.emit(OrderDenied(self.ns, signal, cl_ord_id, reason, (Check("R-04", False, qty, 10),)))
        return cl_ord_id

    def submit(self, side: Side, qty: int, *, strategy: int = 0, of: int = 0, px: int = 0, accept: bool = True) -> str:
        """Signal, approval, submission and (by default) the venue's acceptance; the order's id."""
        cl_ord_id, approval = self.approve(side, qty, strategy=strategy, of=of, px=px)
        kind = OrderType.LIMIT if px else OrderType.MARKET
        self.emit(OrderSubmitted(self.ns, approval, cl_ord_id, strategy, of, side, qty, kind, px, 0, 0, TimeInForce.GTC, 0, False, False))
        if accept:
            self.later()
            self.emit(OrderAccepted(self.ns, 0, cl_ord_id, self.ns, f"V{cl_ord_id}"))
        return cl_ord_id

    def replace(self, cl_ord_id: str, side: Side, qty: int, px: int) -> str:
        """Signal, approval and replace request; the new id."""
        new, approval = self.approve(side, qty, px=px)
        self.emit(OrderReplaceRequested(self.ns, approval, new, cl_ord_id, qty, px, 0, 0))
        return new

    def fill(self, cl_ord_id: str, px: int, qty: int, *, fee: int = 0, currency: str = "USD", digits: int = 2, exec_id: str = "") -> int:
        self.later()
        self.execs += 1
        return self.emit(OrderFilled(self.ns, 0, cl_ord_id, self.ns, exec_id or f"E{self.execs}", px, qty, Liquidity.TAKER, fee, currency, digits))

    def trade(self, side: Side, qty: int, px: int, **how: Any) -> str:
        """An order and its complete fill; the order's id. `how`: strategy, of, fee, currency, digits."""
        fee = {k: how.pop(k) for k in ("fee", "currency", "digits") if k in how}
        cl_ord_id = self.submit(side, qty, **how)
        self.fill(cl_ord_id, px, qty, **fee)
        return cl_ord_id
