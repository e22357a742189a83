"""Decides what "the state of everything" at a moment of a session is.

Invariants: it is what the engine knew then: the same folds, stopped after the same event.
"""

from __future__ import annotations

import msgspec

from adapters.rules import place_text
from adapters.times import parse_time, time_text
from domain.errors import ReenactError
from domain.events import ParametersChanged, SessionOpened
from domain.money import to_text
from domain.terms import Scope, TradingState
from projections import Fold
from projections.controls import Approval, Controls, Halt
from projections.losses import Loss, Losses
from projections.market import Last, Market
from projections.orders import Orders
from projections.pnl import Pnl
from projections.positions import Positions
from projections.rebuild import fold
from reenact.limiting import LimitRow, limit_rows
from reenact.logs import SessionLog
from reenact.queries import InstrumentPnlRow, OrderLine, PnlRow, PositionRow, money, order_lines, pnl_rows, position_rows


class MarketRow(msgspec.Struct, frozen=True):
    """What was last seen of an instrument; `age` fields are times of receipt."""

    instrument: str
    trade: str
    trade_at: str
    bid: str
    ask: str
    quote_at: str
    close: str
    close_at: str


class TimerRow(msgspec.Struct, frozen=True):
    """A timer that was waiting."""

    strategy: str
    name: str
    due: str


class HaltRow(msgspec.Struct, frozen=True):
    """A place that was not free to trade. `rule` is empty where a person asked."""

    place: str
    state: str
    rule: str
    reason: str
    since: str
    seq: int
    until: str


class LossRow(msgspec.Struct, frozen=True):
    """A loss limit: how much is lost and how much may be. `loss` is negative for a gain, empty where something held has no price.

    `key` is its name in a configuration; `limit` is empty where it is a part of a peak that has no number yet. `trips_at`: where one instrument
    is held, its first price that trips the limit, as do all prices `beyond` it (below or above); empty where no price of it does.
    """

    rule: str
    key: str
    place: str
    loss: str
    limit: str
    currency: str
    latched: bool
    instrument: str
    trips_at: str
    beyond: str


class Moment(msgspec.Struct, frozen=True):
    """Everything after the event `seq`. `trading`: the strictest state of the account; `halts`: what is not free, by scope."""

    session: str
    seq: int
    time: str
    trading: str
    day: str
    cash: dict[str, str]
    market: list[MarketRow]
    positions: list[PositionRow]
    working: list[OrderLine]
    orders: int
    pnl: list[PnlRow]
    instruments: list[InstrumentPnlRow]
    halts: list[HaltRow]
    limits: list[LimitRow]
    losses: list[LossRow]
    waiting: list[str]
    params: dict[str, str]
    timers: list[TimerRow]
    lost_feeds: list[str]


class _Parameters(Fold):
    """The parameters the strategies ran with."""

    def __init__(self) -> None:
        self.params: dict[str, str] = {}
        self.names: tuple[str, ...] = ()
        self.handlers = {SessionOpened: self._open, ParametersChanged: self._change}

    def _open(self, seq: int, event: SessionOpened) -> None:
        self.names = tuple(s.name for s in event.strategies)
        self.params = {s.name: s.params for s in event.strategies}

    def _change(self, seq: int, event: ParametersChanged) -> None:
        self.params[self.names[event.strategy]] = event.params


def moment(session: SessionLog, when: str) -> Moment:
    """The state after the event of a seq, or after everything received up to an ISO time. Raises ReenactError outside the session."""
    until_seq, until_ns = _bound(when)
    losses, given, market, orders, positions, pnl, controls = Losses(), _Parameters(), Market(), Orders(), Positions(), Pnl(), Controls()
    reached = fold(session.commits(), [losses, given, market, orders, positions, pnl, controls], until_seq=until_seq, until_ns=until_ns)
    state = losses.state
    if state is None or (until_seq is not None and until_seq > reached):
        last = session.last()[0]
        raise ReenactError(
            f"{when} is outside the session; its events are 1 to {last.last_seq}, from {time_text(session.opened().ns)} to {time_text(last.last_ns)}.",
            place=f"session {session.name}",
        )
    event = dict(session.holding(reached).items())[reached]
    accounts, lines = pnl_rows(pnl)
    specs = state.instruments
    return Moment(
        session.name, reached, time_text(event.ns), account_state(controls).name, str(state.day) if state.day else "",
        {c: money(n, state.digits[c]) for c, n in state.cash.items()}, [_market_row(x) for x in market.rows()],
        position_rows(positions), order_lines(r for r in orders.rows() if r.leaves_qty), len(orders.rows()), accounts, lines,
        [_halt_row(h) for h in controls.halted()], limit_rows(controls, session.opened()), [_loss_row(x) for x in losses.rows()],
        [_asked(a) for a in controls.approvals if not a.outcome], given.params,
        [TimerRow(given.names[s], name, time_text(due)) for (s, name), due in sorted(state.timers.items(), key=lambda t: (t[1], t[0]))],
        sorted(specs[i].symbol for i in state.lost),
    )  # fmt: skip


def _bound(when: str) -> tuple[int | None, int | None]:
    """Seq or time of what a person wrote."""
    if when.isascii() and when.isdecimal():
        return int(when), None
    try:
        return None, parse_time(when)
    except ValueError as e:
        raise ReenactError(f"{when!r} is neither an event's number nor an ISO time such as 2013-10-07T14:30:00Z.") from e


def account_state(controls: Controls) -> TradingState:
    """The strictest state of the account as a whole."""
    return max((h.state for h in controls.halted() if h.scope is Scope.ACCOUNT), default=TradingState.ACTIVE)


def _halt_row(h: Halt) -> HaltRow:
    until = time_text(h.until_ns) if h.until_ns else ""
    return HaltRow(place_text(h.scope, h.member), h.state.name, h.rule, h.reason, time_text(h.ns), h.seq, until)


def _loss_row(x: Loss) -> LossRow:
    spec = x.instrument
    return LossRow(
        x.rule, x.param, place_text(x.scope, x.member), "" if x.loss is None else money(x.loss, x.digits),
        "" if x.most is None else money(x.most, x.digits), x.currency, x.latched, spec.symbol if spec is not None else "",
        spec.px_text(x.trigger_px) if spec is not None else "", "" if spec is None else "below" if x.qty > 0 else "above",
    )  # fmt: skip


def _asked(a: Approval) -> str:
    asked = a.asked
    return f"{asked.number}: {asked.command} by {asked.requester}, until {time_text(asked.expires_ns)}"


def _market_row(last: Last) -> MarketRow:
    spec, trade, quote, bar = last.instrument, last.trade, last.quote, last.bar

    def side(px: int, qty: int) -> str:
        return f"{spec.px_text(px)} × {spec.qty_text(qty)}" if qty else "empty"

    return MarketRow(
        spec.symbol, f"{spec.px_text(trade.px)} × {spec.qty_text(trade.qty)}" if trade else "", time_text(trade.ns) if trade else "",
        side(quote.bid_px, quote.bid_qty) if quote else "", side(quote.ask_px, quote.ask_qty) if quote else "", time_text(quote.ns) if quote else "",
        to_text(bar.close_px, spec.price_digits) if bar else "", time_text(bar.ns) if bar else "",
    )  # fmt: skip
