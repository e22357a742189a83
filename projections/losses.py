"""Decides how far every loss limit was from tripping: the loss so far, what is allowed, whether it has tripped, and the price that would trip it.

The account, the market and what the loss rules remember are folded as the engine folds them, from the recorded events alone: no strategy is asked and
nothing is decided. Whether a limit has tripped is what the recorded halts say.

Invariants: the peaks, losses and halts are those that the engine had after the same event, however the log was cut.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from domain.desk import OPERATOR
from domain.events import DECISIONS, INPUTS, ORDER_EVENTS, AnyRecorded, ExternalTradeObserved, LimitsChanged, SessionOpened
from domain.instrument import Instrument
from domain.limits import OFF, Limit
from domain.losses.follower import Follower
from domain.money import div_ceil
from domain.risk import Book, daily_loss, drawdown
from domain.risk.latch import Latch
from domain.state import State
from domain.terms import Scope
from domain.ticks import Ticks
from projections import Fold
from projections.columns import BATCH, Pending

_RULES: Final = (daily_loss.RULE, drawdown.RULE)
_IDS: Final = frozenset(rule.id for rule in _RULES)
_HEARD: Final = frozenset((*Latch.takes, ExternalTradeObserved))


class Loss(msgspec.Struct, frozen=True, gc=False):
    """One limited number of one member ("" for the account), in 10^-digits of the currency.

    param: the limit's name in a configuration. loss: negative is a gain, None where something held has no price. most: the largest loss that is
    allowed, None where it depends on a peak that has no number yet. instrument, qty, trigger_px: where prices can trip it and one
    instrument is held, that one and the first price that does: it or lower for a long position, it or higher for a short one.
    """

    rule: str
    param: str
    scope: Scope
    member: str
    currency: str
    digits: int
    loss: int | None
    most: int | None
    latched: bool
    instrument: Instrument | None = None
    qty: int = 0
    trigger_px: int = 0


def trigger_px(latch: Latch) -> int | None:
    """The price of the one instrument held at which the limit trips: at it or beyond (below for a long position, above for a short one).

    None when nothing or more than one instrument is held, when prices cannot trip it, or when no price of 62 bits does. Exact: the limit holds
    at the neighbouring price. A drawdown's moves with its peak. Source: house rule (limits as trigger prices).
    """
    held = latch.pnl.held
    latch.catch_up()
    if len(held) != 1 or not latch.limited or latch.latched or latch.pnl.foreign or latch.top is None:
        return None
    ((instrument, qty),) = held.items()
    contract = latch.state.contracts[instrument]
    least = latch.top - latch.room(latch.top) - latch.pnl.cash
    inside, outside = (1 << 62, 0) if qty > 0 else (0, 1 << 62)
    # The value moves one way with the price: the last price that holds and the first that trips are searched by halves.
    while abs(inside - outside) > 1:
        px = (inside + outside) // 2
        if contract.value(px, qty) < least:
            outside = px
        else:
            inside = px
    return outside if 0 < outside < 1 << 62 else None


class Losses(Fold):
    """The loss limits of a session (L-01, L-02). `state`: the account as the engine knew it, None before the session's opening."""

    def __init__(self) -> None:
        self.state: State | None = None
        self._followers: list[Follower] = []
        self._pending = Pending()
        self.handlers = dict.fromkeys(DECISIONS | INPUTS, self._any)

    def _any(self, seq: int, event: AnyRecorded) -> None:
        kind = type(event)
        if isinstance(event, SessionOpened):
            self._open(event)
            return
        # As the watch does: it looks after what an input moved, and at the end of the step after what was decided on it.
        if kind in INPUTS:
            self._settle()
        self._fold(seq, event)
        if kind in INPUTS:
            self._settle()

    def _open(self, event: SessionOpened) -> None:
        self.state = State(event)
        self._book = Book(msgspec.structs.replace(event, limits=()), self.state, _RULES)
        for limit in event.limits:
            self._take(limit)
        self._settle()

    def _take(self, limit: Limit) -> None:
        if limit.rule in _IDS:
            # A book numbers its limits without a gap, and this one holds the loss limits only.
            numbered = msgspec.structs.replace(limit, id=len(self._book.limits) + 1)
            self._book.evolve(LimitsChanged(0, 0, numbered), None, 0)

    def _fold(self, seq: int, event: Any) -> None:
        state = self.state
        if state is None:
            return
        if isinstance(event, LimitsChanged):
            self._move()
            self._take(event.limit)
            return
        state.evolve(event)
        if type(event) in ORDER_EVENTS:
            order = state.order
            if order is not None and state.changes:
                self._move()
                for qty, px in state.changes:
                    self._book.trade(event, order.strategy, order.instrument, qty, px, seq)
            return
        if type(event) in _HEARD:
            self._move()
            self._book.evolve(event, None, seq)
        if isinstance(event, ExternalTradeObserved):
            self._book.trade(event, OPERATOR, event.instrument, event.side * event.last_qty, event.last_px, seq)

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        self._pending.add(first_seq, ticks)
        if self._pending.n >= BATCH:
            self._move()

    def _move(self) -> None:
        """Consume the ticks that are pending, and bring the peaks up to them when somebody asks."""
        state, pending = self.state, self._pending
        if state is None or not pending.n:
            return
        self._settle()
        exposed = [f for f in self._followers if f.latch.pnl.held]
        for follower in exposed:
            follower.follow()
        cols, seqs = pending.take()
        state.market.enter(Ticks(cols))
        for start, stop in pairwise((0, *(np.flatnonzero(np.diff(seqs) > 1) + 1).tolist(), len(seqs))):
            state.market.move(start, stop - 1, int(seqs[stop - 1]))
        bounds: dict[int, tuple[int, int]] = {}
        for follower in exposed:
            follower.enter(0)
            for i in follower.latch.pnl.held:
                follower.widen(i, bounds)

    def _settle(self) -> None:
        """Take in what moved since the last time, and see the gain after it."""
        state = self.state
        while state is not None and state.stirred:
            latch: Latch = state.stirred.pop(0)
            latch.stirred = latch.rolled = False
            follower = latch.follower
            if follower is None:
                follower = latch.follower = Follower(latch, state.market, len(self._followers))
                self._followers.append(follower)
            follower.take({})

    def rows(self) -> list[Loss]:
        """Every number in force, in the order in which its limit came to bind."""
        self._move()
        self._settle()
        return [row for follower in self._followers for row in _rows(follower.latch)]


def _rows(latch: Latch) -> list[Loss]:
    bound, pnl = latch.bound, latch.pnl
    marked, second = (p.name for p in _PARAMS[bound.rule])
    if latch.amt == OFF:
        marked = second
    place = (bound.scope, bound.member, pnl.currency, pnl.digits)
    found = []
    if latch.limited:
        loss = latch.look()
        most = latch.room(latch.top) if latch.top is not None else latch.amt if latch.bps == OFF else None
        px = trigger_px(latch)
        ((i, qty),) = pnl.held.items() if px is not None else ((0, 0),)
        spec = latch.state.instruments[i] if px is not None else None
        found.append(Loss(bound.rule, marked, *place, loss, most, latch.latched, spec, qty, px or 0))
    if latch.realised_most != OFF:
        num, den = latch.realised_loss()
        found.append(Loss(bound.rule, second, *place, div_ceil(num, den), latch.realised_most, latch.latched))
    return found


_PARAMS: Final = {rule.id: rule.params for rule in _RULES}
