"""Random sessions for properties: Hypothesis draws the moves, the builder writes the events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from domain.events import (
    TICKS,
    Balance,
    BarClosed,
    ExternalTradeObserved,
    FeeCharged,
    FillBusted,
    FillCorrected,
    FundingPaid,
    OperatorCommandReceived,
    OrderCanceled,
    OrderCancelRequested,
    OrderExpired,
    OrderRejected,
    OrderReplaced,
    QuoteUpdated,
    ReconciliationAdjusted,
    SessionClosed,
    TimerFired,
    TimerSet,
    TradePrinted,
)
from domain.terms import Side
from domain.ticks import of_events
from projections.causes import Causes
from projections.decisions import Decisions
from projections.executions import Executions
from projections.ledger import Ledger
from projections.market import Market
from projections.orders import Orders
from projections.pnl import Pnl
from projections.positions import Positions
from projections.sessions import Sessions
from tests.projections.builder import BTC, QQQ, SPY, Session

INSTRUMENTS = (SPY, QQQ, BTC)
BALANCES = (Balance("USD", 1_000_000, 2), Balance("BTC", 5, 0))
VIEWS: tuple[Callable[[], Any], ...] = (Orders, Positions, Pnl, Ledger, Executions, Decisions, Causes, Sessions, Market)

_px = st.integers(1, 60)
_qty = st.integers(1, 9)
_side = st.sampled_from([Side.BUY, Side.SELL])
_of = st.integers(0, len(INSTRUMENTS) - 1)
_some = st.integers(0, 20)
_fee = st.sampled_from([(0, "USD", 2), (3, "USD", 2), (-7, "USD", 2), (1, "USD", 5), (2, "BTC", 9), (1, "BNB", 4)])

MOVES = st.one_of(
    st.tuples(st.just("trade"), _of, _px, _qty),
    st.tuples(st.just("trade"), _of, _px, _qty),
    st.tuples(st.just("quote"), _of, _px, _px, st.integers(0, 2)),
    st.tuples(st.just("quote"), _of, _px, _px, st.integers(0, 2)),
    st.tuples(st.just("bar"), _of, _px),
    st.tuples(st.just("order"), _of, _side, _qty, st.integers(0, 1)),
    st.tuples(st.just("fill"), _some, _px, _qty, _fee),
    st.tuples(st.just("fill"), _some, _px, _qty, _fee),
    st.tuples(st.just("fill"), _some, _px, _qty, _fee),
    st.tuples(st.just("again"), _some),
    st.tuples(st.just("bust"), _some),
    st.tuples(st.just("correct"), _some, _px, _qty),
    st.tuples(st.just("early"), _some, st.integers(0, 2), st.booleans()),
    st.tuples(st.just("relink"), _some, _some),
    st.tuples(st.just("external"), _of, _side, _px, _qty),
    st.tuples(st.just("charge"), _fee),
    st.tuples(st.just("fund"), _of, st.integers(-9, 9)),
    st.tuples(st.just("adjust"), st.integers(-9, 9)),
    st.tuples(st.just("cancel"), _some),
    st.tuples(st.just("replace"), _some, _qty, _px),
    st.tuples(st.just("end"), _some, st.booleans()),
    st.tuples(st.just("deny"), _of),
    st.tuples(st.just("hold"), _of),
    st.tuples(st.just("timer")),
    st.tuples(st.just("cut")),
    st.tuples(st.just("wait"), st.integers(0, 10**13)),
)


class Walk:
    """Turns moves into a session; what a move cannot refer to it leaves out."""

    def __init__(self) -> None:
        self.session = Session(INSTRUMENTS, balances=BALANCES)
        self.sent: list[tuple[str, Side]] = []
        self.fills: list[tuple[str, str]] = []

    def move(self, name: str, *args: Any) -> None:
        getattr(self, f"_{name}")(*args)

    def _trade(self, of: int, px: int, qty: int) -> None:
        s = self.session
        s.tick(TradePrinted(s.later(), 0, s.ns, of, px, qty, Side.BUY, 0))

    def _quote(self, of: int, one: int, other: int, qty: int) -> None:
        s = self.session
        s.tick(QuoteUpdated(s.later(), 0, s.ns, of, min(one, other), qty, max(one, other), 1))

    def _bar(self, of: int, px: int) -> None:
        s = self.session
        s.tick(BarClosed(s.later(), 0, s.ns, of, px, px + 3, px, px + 1, 7, 60_000_000_000))

    def _order(self, of: int, side: Side, qty: int, strategy: int) -> None:
        self.sent.append((self.session.submit(side, qty, of=of, strategy=strategy), side))

    def _pick(self, n: int) -> tuple[str, Side] | None:
        return self.sent[n % len(self.sent)] if self.sent else None

    def _fill(self, n: int, px: int, qty: int, fee: tuple[int, str, int]) -> None:
        found = self._pick(n)
        if found:
            self.session.fill(found[0], px, qty, fee=fee[0], currency=fee[1], digits=fee[2])
            self.fills.append((found[0], f"E{self.session.execs}"))

    def _again(self, n: int) -> None:
        if self.fills:
            order, exec_id = self.fills[n % len(self.fills)]
            self.session.fill(order, 1, 1, exec_id=exec_id)

    def _bust(self, n: int) -> None:
        if self.fills:
            s = self.session
            order, exec_id = self.fills[n % len(self.fills)]
            s.emit(FillBusted(s.later(), 0, order, s.ns, f"B{s.ns}", exec_id))

    def _correct(self, n: int, px: int, qty: int) -> None:
        if self.fills:
            s = self.session
            order, exec_id = self.fills[n % len(self.fills)]
            s.emit(FillCorrected(s.later(), 0, order, s.ns, f"C{s.ns}", exec_id, px, qty))
            self.fills.append((order, f"C{s.ns}"))

    def _early(self, n: int, ahead: int, bust: bool) -> None:
        """A bust or correction of a fill that is yet to come (or never does)."""
        found = self._pick(n)
        if found:
            s = self.session
            ref = f"E{s.execs + 1 + ahead}"
            s.later()
            s.emit(FillBusted(s.ns, 0, found[0], s.ns, f"B{s.ns}", ref) if bust else FillCorrected(s.ns, 0, found[0], s.ns, f"C{s.ns}", ref, 2, 3))

    def _relink(self, n: int, m: int) -> None:
        """A correction that names two fills of one order which are known already, as a venue that repeats and crosses reports does."""
        if self.fills:
            s = self.session
            order, ref = self.fills[n % len(self.fills)]
            own = self.fills[m % len(self.fills)][1]
            s.emit(FillCorrected(s.later(), 0, order, s.ns, own, ref, 1, 1))

    def _external(self, of: int, side: Side, px: int, qty: int) -> None:
        s = self.session
        s.emit(ExternalTradeObserved(s.later(), 0, of, s.ns, f"X{s.ns}", side, px, qty, "by hand"))

    def _charge(self, fee: tuple[int, str, int]) -> None:
        s = self.session
        s.emit(FeeCharged(s.later(), 0, fee[1], fee[0], fee[2], "data"))

    def _fund(self, of: int, amt: int) -> None:
        s = self.session
        s.emit(FundingPaid(s.later(), 0, of, INSTRUMENTS[of].settle, amt, 2))

    def _adjust(self, amt: int) -> None:
        s = self.session
        command = s.emit(OperatorCommandReceived(s.later(), 0, "ann", "adjust", "{}"))
        s.emit(ReconciliationAdjusted(s.ns, command, "USD", amt, 2, "found"))

    def _cancel(self, n: int) -> None:
        found = self._pick(n)
        if found:
            s = self.session
            s.emit(OrderCancelRequested(s.ns, s.last_tick or 1, f"{found[0]}c{s.ns}", found[0], "enough"))
            s.emit(OrderCanceled(s.later(), 0, found[0], s.ns, found[0], ""))

    def _replace(self, n: int, qty: int, px: int) -> None:
        found = self._pick(n)
        if found:
            s = self.session
            new = s.replace(found[0], found[1], qty, px)
            s.emit(OrderReplaced(s.later(), 0, new, s.ns, found[0], qty, px, 0, 0))
            self.sent.append((new, found[1]))

    def _end(self, n: int, expired: bool) -> None:
        found = self._pick(n)
        if found:
            s = self.session
            s.later()
            s.emit(OrderExpired(s.ns, 0, found[0], s.ns, False, "") if expired else OrderRejected(s.ns, 0, found[0], s.ns, "no"))

    def _deny(self, of: int) -> None:
        self.session.deny(Side.BUY, 11, of=of)

    def _hold(self, of: int) -> None:
        self.session.signal(Side.NONE, 0, of=of, reason="flat market")

    def _timer(self) -> None:
        s = self.session
        s.emit(TimerSet(s.ns, s.last_tick or 1, 0, "t", s.ns + 5))
        s.emit(TimerFired(s.later(), 0, 0, "t", s.ns))

    def _cut(self) -> None:
        self.session.cut()

    def _wait(self, ns: int) -> None:
        self.session.later(ns)


@st.composite
def sessions(draw: st.DrawFn, max_size: int = 40) -> Session:
    """A random session with trades, quotes and bars of three instruments, orders of two strategies and everything that can happen to them."""
    walk = Walk()
    for move in draw(st.lists(MOVES, min_size=draw(st.sampled_from([0, max_size // 2, max_size])), max_size=max_size)):
        walk.move(*move)
    if draw(st.booleans()):
        walk.session.emit(SessionClosed(walk.session.later(), 0, "done"))
    return walk.session


def feed(view: Any, seq: int, event: Any) -> None:
    """One event of any sort into a view."""
    if type(event) in TICKS:
        view.advance(seq, of_events([event]))
    else:
        view.evolve(seq, event)


def answers(view: Any) -> dict[str, Any]:
    """Everything a view answers, for comparing."""
    found: dict[str, Any] = {"rows": view.rows()} if hasattr(view, "rows") else {}
    if isinstance(view, Positions):
        found["by_strategy"] = view.by_strategy()
    elif isinstance(view, Pnl):
        found["instruments"] = view.by_instrument()
        found["curves"] = {row.currency: view.curve(row.currency) for row in found["rows"]}
    elif isinstance(view, Decisions):
        found["rules"] = view.rules()
        found["signals"] = view.signals()
    elif isinstance(view, Causes):
        found["chains"] = [view.chain(seq) for seq in range(1, view.last_seq + 1)]
        found["children"] = [view.children(seq) for seq in range(1, view.last_seq + 1)]
    elif isinstance(view, Market):
        found["charts"] = [view.chart(i) for i in range(len(view.instruments))]
    return found
