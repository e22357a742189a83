"""What a venue can answer: rightly, late, twice, out of order, in part, wrongly, or not at all.

Invariants: a report is about an order of this session; how it may lie is written at each move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from domain import events as ev
from domain.terms import Liquidity, OrdStatus, Side
from reenact.proving.dice import Dice, Mover
from reenact.proving.known import Known
from reenact.proving.walk import Walk

_RECENT = 8


class Venue(Mover):
    """Reports on orders. `execs` numbers the fills, `told` are the last ones."""

    def __init__(self, walk: Walk, *, gentle: bool) -> None:
        super().__init__(walk)
        self.gentle = gentle
        self.execs = 0
        self.told: deque[ev.OrderFilled] = deque(maxlen=_RECENT)

    def moves(self) -> tuple[Callable[[Dice], None], ...]:
        """The moves, the frequent ones several times."""
        if self.gentle:
            return (self.fill, self.accept, self.fill, self.answer, self.fill, self.end, self.fill, self.fill)
        return (
            self.fill, self.accept, self.fill, self.answer, self.fill, self.answer, self.fill, self.refuse, self.accept, self.end, self.fill,
            self.late, self.amend, self.outside, self.link, self.pend,
        )  # fmt: skip

    def working(self, d: Dice) -> Known | None:
        """One of the youngest orders that may still trade."""
        found = list(self.walk.facts.working.values())[-_RECENT:]
        return found[-1 - d.of(len(found))] if found else None

    def any(self, d: Dice) -> Known | None:
        """One of the youngest orders, dead or alive."""
        found = self.walk.facts.orders[-_RECENT:]
        return found[-1 - d.of(len(found))] if found else None

    def accept(self, d: Dice) -> None:
        """An order is accepted, perhaps again."""
        known = self.working(d)
        if known is not None:
            ns = self.ticked(d)
            self.walk.step(ev.OrderAccepted(ns, 0, known.cl_ord_id, ns, f"v{known.seq}"))

    def fill(self, d: Dice) -> None:
        """A part or all of a working order trades, perhaps reported twice, near its price or the market's; rarely more than it asks for."""
        known = self.working(d)
        if known is not None:
            left = known.qty - known.filled
            lot = self.walk.facts.specs[known.instrument].lot_qty
            qty = d.one((left, left, lot, left - lot, left // 2, left)) if left > 0 else known.worst
            if d.of(24) == 23:
                qty = known.worst + lot
            self.filled(d, known, max(1, qty), twice=d.of(8) == 7)

    def late(self, d: Dice) -> None:
        """A fill of an order that may have ended, on an id it may not live under any more, or one that was reported already."""
        if self.told and d.of(3) == 2:
            self.walk.step(msgspec.structs.replace(self.told[-1 - d.of(len(self.told))], ns=self.ticked(d)))
            return
        known = self.any(d)
        if known is not None and known.filled < known.sent.order_qty:
            self.filled(d, known, max(1, d.one((known.sent.order_qty - known.filled, 1))), twice=False)

    def filled(self, d: Dice, known: Known, qty: int, *, twice: bool) -> None:
        """Report a fill."""
        facts = self.walk.facts
        i = known.instrument
        tick = facts.specs[i].tick_px
        mark = facts.mark(i) or known.limit_px or 100
        px = max(tick, (known.limit_px or mark) + d.one((0, 0, 0, 0, tick, -tick, -mark // 50, mark // 50, -mark // 10, mark // 10)))
        self.execs += 1
        ns = self.ticked(d)
        fee = d.one((0, 1, -1, 25))
        report = ev.OrderFilled(
            ns, 0, known.cl_ord_id, ns, f"e{self.execs}", px - px % tick or tick, qty, Liquidity.TAKER, fee, facts.specs[i].settle, 2 if fee else 0
        )
        self.told.append(report)
        for _ in range(1 + twice):
            self.walk.step(report)

    def answer(self, d: Dice) -> None:
        """A cancel or replace request is answered, mostly as asked; older ones may be answered first."""
        facts = self.walk.facts
        asked = [(k, i) for k in list(facts.working.values())[-_RECENT:] for i in (*k.asked, *sorted(k.cancel_ids))]
        if not asked:
            self.accept(d)
            return
        known, cl_ord_id = asked[-1 - d.of(len(asked))]
        ns = self.ticked(d)
        request = known.asked.get(cl_ord_id)
        if d.of(4) == 3:
            self.walk.step(ev.OrderCancelRejected(ns, 0, cl_ord_id, ns, known.cl_ord_id, "too late"))
        elif request is None:
            self.walk.step(ev.OrderCanceled(ns, 0, cl_ord_id, ns, known.cl_ord_id, "asked"))
        elif request.order_qty >= known.filled:
            terms = (request.order_qty, request.limit_px, request.stop_px, request.trail_px)
            self.walk.step(ev.OrderReplaced(ns, 0, cl_ord_id, ns, known.cl_ord_id, *terms))

    def refuse(self, d: Dice) -> None:
        """A new order is rejected."""
        known = self.working(d)
        if known is not None and not known.asked and not known.cancel_ids and known.cl_ord_id == known.sent.cl_ord_id:
            ns = self.ticked(d)
            self.walk.step(ev.OrderRejected(ns, 0, known.cl_ord_id, ns, "no"))

    def end(self, d: Dice) -> None:
        """An order expires or is canceled unasked, perhaps one that has ended before; a done-for-day rests."""
        known = self.any(d) if d.of(4) == 3 else self.working(d)
        if known is None:
            return
        ns = self.ticked(d)
        match d.of(3):
            case 0:
                self.walk.step(ev.OrderCanceled(ns, 0, known.cl_ord_id, ns, known.cl_ord_id, "by the venue"))
            case 1:
                self.walk.step(ev.OrderExpired(ns, 0, known.cl_ord_id, ns, done_for_day=False, reason="time"))
            case _:
                self.walk.step(ev.OrderExpired(ns, 0, known.cl_ord_id, ns, done_for_day=True, reason="day"))

    def amend(self, d: Dice) -> None:
        """A fill is busted or corrected, perhaps twice."""
        known = self.any(d)
        if known is None or not known.fills:
            return
        ref = d.one(list(known.fills))
        qty, px = known.fills[ref]
        ns = self.ticked(d)
        self.execs += 1
        if d.of(2):
            self.walk.step(ev.FillBusted(ns, 0, known.cl_ord_id, ns, f"b{self.execs}", ref))
        else:
            tick = self.walk.facts.specs[known.instrument].tick_px
            right = d.one((qty, max(1, qty - 1)))
            self.walk.step(ev.FillCorrected(ns, 0, known.cl_ord_id, ns, f"c{self.execs}", ref, px + d.one((0, tick)), right))

    def pend(self, d: Dice) -> None:
        """The venue says that it considers a new order."""
        known = self.working(d)
        if known is not None and not known.accepted:
            ns = self.ticked(d)
            self.walk.step(ev.OrderPended(ns, 0, known.cl_ord_id, ns, "", OrdStatus.PENDING_NEW))

    def outside(self, d: Dice) -> None:
        """Something happens to the account that no order explains."""
        facts = self.walk.facts
        i = d.of(len(facts.specs))
        spec = facts.specs[i]
        ns = self.ticked(d)
        match d.of(5):
            case 0:
                self.walk.step(ev.FeeCharged(ns, 0, spec.settle, d.one((5, 500, -3)), 2, "custody"))
            case 1:
                self.walk.step(ev.FundingPaid(ns, 0, i, spec.settle, d.one((7, -7)), 2))
            case 2:
                self.execs += 1
                px = facts.mark(i) or 100
                side = Side.BUY if d.of(2) else Side.SELL
                self.walk.step(ev.ExternalTradeObserved(ns, 0, i, ns, f"x{self.execs}", side, px, spec.lot_qty, "by another system"))
            case _:
                cash = facts.cash[spec.settle]
                self.walk.step(ev.BalanceReported(ns, 0, spec.settle, round(cash) + d.one((0, 1)), spec.amt_digits))

    def link(self, d: Dice) -> None:
        """The session with a venue breaks, or stands again."""
        facts = self.walk.facts
        ns = self.ticked(d)
        lost = list(facts.lost_venues)
        if lost and d.of(4):
            self.walk.step(ev.VenueConnected(ns, 0, lost[0]))
        elif not lost:
            self.walk.step(ev.VenueLost(ns, 0, facts.specs[d.of(len(facts.specs))].venue, "closed"))
        else:
            self.answer(d)
