"""What the events say, recounted naively: orders, positions, money, prices, limits and halts after every prefix of a log.

Invariants: it reads events and nothing of the engine; it forgets nothing; the same numbers that the engine folds it adds up by other code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from domain import events as ev
from domain.instrument import Instrument
from domain.limits import OFF, Limit
from domain.risk.rule import Rule
from domain.terms import GroupKind, Scope, TradingState
from reenact.proving.known import Known
from reenact.proving.params import offsets

Place = tuple[Scope, str]
PERSON = -1
PERSON_NAME = "operator"


class Facts:
    """The session as its events tell it. After `take(seq, event)` it stands at that event; `known` is the order the event concerned, if any.

    `prints[i]` is (px, ns, seq) of the last trade or bar close, `quotes[i]` (bid px, bid qty, ask px, ask qty, ns, seq), None before the first.
    `moved` are the position changes of the last event: (strategy, instrument, signed qty, px). Positions of a person have the strategy -1.
    """

    def __init__(self, opened: ev.SessionOpened, rules: Sequence[Rule]) -> None:
        self.opened = opened
        self.specs = opened.instruments
        self.rules = {rule.id: rule for rule in rules}
        self.offsets = {rule.id: offsets(rule) for rule in rules}
        self.seq = 0
        self.now_ns = opened.ns
        n = len(self.specs)
        self.names = (*(s.name for s in opened.strategies), PERSON_NAME)
        self.prints: list[tuple[int, int, int] | None] = [None] * n
        self.quotes: list[tuple[int, int, int, int, int, int] | None] = [None] * n
        self.before: list[int] = [0] * n
        self.before_quote: dict[tuple[int, int], int] = {}
        self.gaps: dict[int, int] = {}
        self.lost_feeds: dict[str, tuple[int, ...]] = {}
        self.lost_venues: dict[str, int] = {}
        self.events: dict[int, Any] = {}
        self.sent: list[tuple[Any, int, int]] = []
        self.day_seq = self.day_sent = 0
        self.day_trades: dict[tuple[int, int], int] = {}
        self.flat_seq: dict[tuple[int, int], int] = {}
        self.looked_seq: dict[int, int] = {}
        self.orders: list[Known] = []
        self.working: dict[int, Known] = {}
        self.by_id: dict[str, Known] = {}
        self.position = [0] * n
        self.owned = {s: [0] * n for s in range(PERSON, len(opened.strategies))}
        self.digits = {b.currency: b.digits for b in opened.balances} | {i.settle: i.amt_digits for i in self.specs}
        self.cash: dict[str, int] = dict.fromkeys(self.digits, 0)
        for b in opened.balances:
            self.cash[b.currency] += round(Fraction(b.amt) * Fraction(10) ** (self.digits[b.currency] - b.digits))
        self.in_force: dict[tuple[str, Scope, str], Limit] = {}
        self.limits: list[Limit] = []
        for limit in opened.limits:
            self._bind(limit)
        self.halts: dict[Place, dict[str, ev.TradingHalted | ev.KillSwitchEngaged]] = {}
        self.grouped: set[int] = set()
        self.groups: dict[int, ev.GroupOpened] = {}
        self.purses: dict[tuple[str, Scope, str], Any] = {}
        self.known: Known | None = None
        self.moved: list[tuple[int, int, int, int]] = []
        self._bound: dict[tuple[int, int], dict[str, list[tuple[Limit, str]]]] = {}
        self._takes = self._table()

    def take(self, seq: int, event: Any) -> None:
        """Stand at the next event."""
        self.seq = seq
        self.known = None
        if self.moved:
            self.moved = []
        self.events[seq] = event
        if event.ns > self.now_ns:
            self.now_ns = event.ns
        take = self._takes.get(type(event))
        if take is not None:
            take(event)

    def _table(self) -> dict[type, Callable[[Any], Any]]:
        reports = (
            ev.OrderAccepted, ev.OrderPended, ev.OrderRejected, ev.OrderTriggered, ev.OrderFilled, ev.OrderCanceled, ev.OrderCancelRejected,
            ev.OrderReplaced, ev.OrderRestated, ev.OrderExpired, ev.FillBusted, ev.FillCorrected, ev.OrderCancelRequested,
            ev.OrderReplaceRequested, ev.OrderUnknown,
        )  # fmt: skip
        takes: dict[type, Callable[[Any], Any]] = dict.fromkeys(reports, self._report)
        return takes | {
            ev.TradePrinted: self._trade, ev.QuoteUpdated: self._quote, ev.BarClosed: lambda e: self._printed(e.instrument, e.close_px, e.ns), ev.OrderSubmitted: self._submitted,
            ev.LimitsChanged: lambda e: self._bind(e.limit), ev.TradingHalted: self._halted, ev.KillSwitchEngaged: self._halted,
            ev.TradingResumed: self._resumed, ev.ParametersChanged: self._parameters, ev.FeedLost: self._feed_lost, ev.FeedConnected: lambda e: self.lost_feeds.pop(e.feed, None), ev.FeedGap: self._feed_gap,
            ev.DayRolled: self._day, ev.GroupOpened: self._grouped, ev.GroupLegged: self._legged, ev.VenueLost: self._venue_lost, ev.VenueConnected: lambda e: self.lost_venues.pop(e.venue, None),
            ev.ExternalTradeObserved: self._external, ev.FeeCharged: self._fee, ev.FundingPaid: self._fee, ev.ReconciliationAdjusted: self._adjusted,
        }  # fmt: skip

    def _trade(self, e: ev.TradePrinted) -> None:
        self._printed(e.instrument, e.px, e.ns)

    def _printed(self, i: int, px: int, ns: int) -> None:
        self.before[i] = last[0] if (last := self.prints[i]) is not None else 0
        self.prints[i] = (px, ns, self.seq)

    def _quote(self, e: ev.QuoteUpdated) -> None:
        old = self.quotes[e.instrument]
        for sign, at in ((1, 2), (-1, 0)):
            self.before_quote[e.instrument, sign] = old[at] if old is not None and old[at + 1] else 0
        self.quotes[e.instrument] = (e.bid_px, e.bid_qty, e.ask_px, e.ask_qty, e.ns, self.seq)

    def _submitted(self, e: ev.OrderSubmitted) -> None:
        self.known = known = Known(e, self.seq)
        self.sent.append((e, e.strategy, e.instrument))
        self.orders.append(known)
        self.working[known.seq] = known
        self.by_id.setdefault(e.cl_ord_id, known)

    def _report(self, e: Any) -> None:
        known = self.by_id.get(e.cl_ord_id) or self.by_id.get(getattr(e, "orig_cl_ord_id", ""))
        self.known = known
        if known is None:
            return
        was_dead = known.dead
        filled = known.filled
        match e:
            case ev.OrderCancelRequested():
                self._also(known, e.cl_ord_id)
                self.sent.append((e, known.strategy, known.instrument))
                known.cancel_ids.add(e.cl_ord_id)
            case ev.OrderReplaceRequested():
                self._also(known, e.cl_ord_id)
                self.sent.append((e, known.strategy, known.instrument))
                known.asked[e.cl_ord_id] = e
            case ev.OrderCancelRejected():
                known.asked.pop(e.cl_ord_id, None)
                known.cancel_ids.discard(e.cl_ord_id)
            case ev.OrderReplaced():
                self._replaced(known, e)
            case ev.OrderFilled():
                self._filled(known, e)
            case ev.FillBusted():
                self._busted(known, e)
            case ev.FillCorrected():
                self._corrected(known, e)
            case ev.OrderUnknown():
                known.unknown = True
            case ev.OrderRejected():
                self._rejected(known, e)
            case ev.OrderCanceled():
                known.ended = known.ended if known.dead else "canceled"
            case ev.OrderExpired():
                if not e.done_for_day:
                    known.ended = known.ended if was_dead and known.ended else "expired"
                elif not known.ended or (known.ended == "rejected" and filled):
                    known.rests = True
            case ev.OrderRestated():
                if not known.ended or (known.ended == "rejected" and filled):
                    known.rests, known.qty = False, e.order_qty
            case ev.OrderTriggered():
                known.limit_px = e.limit_px
        if not isinstance(e, (ev.OrderUnknown, ev.OrderCancelRequested, ev.OrderReplaceRequested, ev.OrderCancelRejected)):
            known.unknown = False
            known.answered = known.answered or not isinstance(e, (ev.OrderPended, ev.FillBusted, ev.FillCorrected))
        if known.ended and known.dead:
            known.asked.clear()
            known.cancel_ids.clear()
        known.recount()
        if known.worst:
            self.working[known.seq] = known
        else:
            self.working.pop(known.seq, None)

    def _also(self, known: Known, cl_ord_id: str) -> None:
        known.ids.append(cl_ord_id)
        self.by_id[cl_ord_id] = known

    def _replaced(self, known: Known, e: ev.OrderReplaced) -> None:
        if e.cl_ord_id not in known.asked:
            return
        del known.asked[e.cl_ord_id]
        known.rests = False
        known.cl_ord_id, known.qty, known.limit_px, known.stop_px = e.cl_ord_id, e.order_qty, e.limit_px, e.stop_px

    def _rejected(self, known: Known, e: ev.OrderRejected) -> None:
        if e.cl_ord_id in known.asked or e.cl_ord_id in known.cancel_ids:
            known.asked.pop(e.cl_ord_id, None)
            known.cancel_ids.discard(e.cl_ord_id)
        elif (e.cl_ord_id == known.sent.cl_ord_id or e.cl_ord_id == known.cl_ord_id) and not known.ended:
            known.ended = "rejected"

    def _filled(self, known: Known, e: ev.OrderFilled) -> None:
        if e.exec_id in known.reported:
            return
        known.reported.add(e.exec_id)
        known.accepted = True
        if e.exec_id in known.void:
            return
        known.fills[e.exec_id] = (e.last_qty, e.last_px)
        self._move(known.strategy, known.instrument, known.sign * e.last_qty, e.last_px)
        self._traded(known, 1)
        if e.fee_amt:
            self._pay(e.fee_currency, e.fee_amt, e.fee_digits)

    def _busted(self, known: Known, e: ev.FillBusted) -> None:
        known.void.add(e.ref_exec_id)
        old = known.fills.pop(e.ref_exec_id, None)
        if old is not None:
            self._move(known.strategy, known.instrument, -known.sign * old[0], old[1])
            self._traded(known, -1)

    def _traded(self, known: Known, n: int) -> None:
        self.day_trades[known.strategy, known.instrument] = self.day_trades.get((known.strategy, known.instrument), 0) + n

    def _corrected(self, known: Known, e: ev.FillCorrected) -> None:
        old = known.fills.pop(e.ref_exec_id, None)
        if old is None or e.exec_id in known.reported:
            return
        known.reported.add(e.exec_id)
        known.void.add(e.ref_exec_id)
        known.fills[e.exec_id] = (e.last_qty, e.last_px)
        if old == (e.last_qty, e.last_px):
            return
        place = known.strategy, known.instrument
        flat = self.flat_seq.get(place, 0)
        self._move(known.strategy, known.instrument, -known.sign * old[0], old[1])
        self.flat_seq[place] = flat
        self._move(known.strategy, known.instrument, known.sign * e.last_qty, e.last_px)

    def _move(self, strategy: int, i: int, qty: int, px: int) -> None:
        self.position[i] += qty
        self.owned[strategy][i] += qty
        self.cash[self.specs[i].settle] -= self.value(i, px, qty)
        self.moved.append((strategy, i, qty, px))
        if strategy != PERSON and not self.owned[strategy][i]:
            self.flat_seq[strategy, i] = self.seq

    def _external(self, e: ev.ExternalTradeObserved) -> None:
        self._move(PERSON, e.instrument, e.side * e.last_qty, e.last_px)

    def _pay(self, currency: str, amt: int, digits: int) -> None:
        scale = Fraction(10) ** (self.digits.setdefault(currency, digits) - digits)
        self.cash[currency] = self.cash.get(currency, 0) - round(amt * scale)

    def _fee(self, e: ev.FeeCharged | ev.FundingPaid) -> None:
        self._pay(e.currency, e.amt, e.digits)

    def _adjusted(self, e: ev.ReconciliationAdjusted) -> None:
        self._pay(e.currency, -e.amt, e.digits)

    def _bind(self, limit: Limit) -> None:
        self.limits.append(limit)
        for member in limit.members or ("",):
            self.in_force[limit.rule, limit.scope, member] = limit
        self._bound = {}

    def _halted(self, e: Any) -> None:
        rule = "K-01" if isinstance(e, ev.KillSwitchEngaged) else e.rule
        self.halts.setdefault((e.scope, e.member), {})[rule] = e

    def _resumed(self, e: ev.TradingResumed) -> None:
        self.halts.get((e.scope, e.member), {}).pop(e.rule, None)
        if e.requester or e.rule == "R-06":
            for strategy, name in enumerate(self.names[:-1]):
                if e.scope is Scope.ACCOUNT or (e.scope is Scope.STRATEGY and e.member == name):
                    self.looked_seq[strategy] = self.seq

    def _parameters(self, e: ev.ParametersChanged) -> None:
        self.looked_seq[e.strategy] = self.seq

    def _feed_lost(self, e: ev.FeedLost) -> None:
        self.lost_feeds[e.feed] = e.instruments

    def _feed_gap(self, e: ev.FeedGap) -> None:
        for i in range(len(self.specs)) if e.instrument < 0 else (e.instrument,):
            self.gaps[i] = self.seq

    def _day(self, e: ev.DayRolled) -> None:
        self.day_seq, self.day_sent = self.seq, len(self.sent)
        self.day_trades.clear()

    def _grouped(self, e: ev.GroupOpened) -> None:
        self.grouped.add(e.instrument)
        self.groups[e.number] = e

    def _legged(self, e: ev.GroupLegged) -> None:
        known = self.by_id[e.cl_ord_id]
        known.group, known.role = e.number, e.role
        known.protects = known.reduce_only and self.groups[e.number].kind is GroupKind.BRACKET

    def _venue_lost(self, e: ev.VenueLost) -> None:
        self.lost_venues.setdefault(e.venue, e.ns)

    def value(self, i: int, px: int, qty: int) -> int:
        """Signed contract value in 10^-amt_digits of the settlement currency; that of inverse contracts is rounded half-even."""
        spec = self.specs[i]
        if spec.inverse:
            exact = Fraction(spec.multiplier * qty, 10 ** (spec.multiplier_digits + spec.qty_digits)) * 10**spec.amt_digits
            return -round(exact * 10**spec.price_digits / px)
        return spec.multiplier * qty * px * 10 ** (spec.amt_digits - spec.multiplier_digits - spec.qty_digits - spec.price_digits)

    def reference(self, i: int, sign: int) -> tuple[int, int, int]:
        """(px, ns, seq) of what a buy (+1) or sell (-1) is measured against; zeros when there is none."""
        last, quote = self.prints[i], self.quotes[i]
        if quote is not None and (last is None or last[2] < quote[5]):
            px, qty = (quote[2], quote[3]) if sign > 0 else (quote[0], quote[1])
            if qty and px > 0:
                return px, quote[4], quote[5]
        return last if last is not None else (0, 0, 0)

    def price_before(self, i: int, sign: int, seq: int) -> int:
        """The price that came before the one of a seq, from the same source; 0 when there is none."""
        if not seq:
            return 0
        if (last := self.prints[i]) is not None and last[2] == seq:
            return self.before[i]
        return self.before_quote.get((i, sign), 0)

    def since(self, ns: int) -> list[tuple[Any, int, int]]:
        """Requests sent after a time, each with its order's strategy and instrument."""
        found = []
        for one in reversed(self.sent):
            if one[0].ns <= ns:
                break
            found.append(one)
        return found

    def mark(self, i: int) -> int:
        """The price a position is valued at: the last print, else the middle of a two-sided quote, else 0."""
        quote = self.quotes[i]
        if (last := self.prints[i]) is not None:
            return last[0]
        return (quote[0] + quote[2]) // 2 if quote is not None and quote[1] and quote[3] else 0

    def places(self, strategy: int, i: int) -> tuple[Place, ...]:
        """The scopes that an order belongs to."""
        spec: Instrument = self.specs[i]
        return (
            (Scope.ACCOUNT, ""), (Scope.VENUE, spec.venue), (Scope.CLASS, spec.asset_class), (Scope.INSTRUMENT, spec.symbol),
            (Scope.STRATEGY, self.names[strategy]),
        )  # fmt: skip

    def binding(self, strategy: int, i: int) -> dict[str, list[tuple[Limit, str]]]:
        """The limits in force for an order, each with its member, by rule; those that are wholly off are left out."""
        found = self._bound.get((strategy, i))
        if found is None:
            found = {}
            for (rule, scope, member), limit in self.in_force.items():
                if (scope, member) in self.places(strategy, i) and any(v != OFF for v in limit.values):
                    found.setdefault(rule, []).append((limit, member))
            self._bound[strategy, i] = found
        return found

    def number(self, limit: Limit, name: str) -> int:
        """A parameter of a limit by its name, the first of two for a rate; `OFF` where it is off or the rule has none of this name."""
        at = self.offsets[limit.rule].get(name)
        return OFF if at is None else limit.values[at]

    def numbers(self, limit: Limit, name: str) -> tuple[int, int]:
        """A parameter of two numbers: a rate as (count, window), hours as (first minute, end minute)."""
        at = self.offsets[limit.rule].get(name)
        return (OFF, OFF) if at is None else (limit.values[at], limit.values[at + 1])

    def within(self, scope: Scope, member: str, strategy: int, i: int) -> bool:
        """Whether an order of this strategy in this instrument belongs to a place."""
        return (scope, member) in self.places(strategy, i)

    def state(self, scope: Scope, member: str) -> TradingState:
        """The state of one place by itself."""
        found = TradingState.ACTIVE
        for e in self.halts.get((scope, member), {}).values():
            found = max(found, TradingState.KILLED if isinstance(e, ev.KillSwitchEngaged) else e.state)
        return found

    def worst(self, i: int, sign: int, strategy: int | None = None) -> int:
        """What working and UNKNOWN orders on one side may still trade at worst, in an instrument (of one strategy)."""
        return sum(k.worst for k in self.working.values() if k.instrument == i and k.sign == sign and (strategy is None or k.strategy == strategy))

    def feed_lost(self, i: int) -> bool:
        """A feed of the instrument is known to be down."""
        return any(i in ids for ids in self.lost_feeds.values())

    def qty_text(self, i: int, qty: int) -> str:
        """A quantity as people read it."""
        return self.specs[i].qty_text(qty)

    def px_text(self, i: int, px: int) -> str:
        """A price as people read it."""
        return self.specs[i].px_text(px)

    def amt_text(self, i: int, amt: int | Fraction) -> str:
        """An amount with its currency."""
        return f"{self.specs[i].amt_text(round(amt))} {self.specs[i].settle}"
