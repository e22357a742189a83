"""A simulated venue that tells us something else than what happened: drops, delays, repeats, swaps, invents and breaks off.

The market and our orders are those of the simulated venue behind it. Only the reports change on their way to us, and while the session is
lost nothing that we send arrives.

Invariants: the same seed, ticks and requests give the same reports, however tables and runs are cut; a fault draws from its own chance, so
that one more fault changes no other; receive times never decrease; `true` and `told` differ by the faults alone.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

import msgspec

from adapters.venues.faults import Fault, FaultSettings
from adapters.venues.reports import VenueReport
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import NEVER, Sendable, SimulatedVenue
from domain.chance import Chance
from domain.events import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderSubmitted,
    VenueConnected,
    VenueLost,
)
from domain.instrument import Instrument
from domain.risk.approval import Approved
from domain.terms import Liquidity
from domain.ticks import Ticks
from domain.value import value_of

Told = VenueReport | VenueLost | VenueConnected
_replaced: Final = msgspec.structs.replace


class Traded:
    """Fills added up by instrument: `qty` signed, `cost` the value paid and the fees, in 10^-amt_digits of the settlement currency."""

    __slots__ = ("cost", "qty")

    def __init__(self, n: int) -> None:
        self.qty = [0] * n
        self.cost = [0] * n

    def add(self, spec: Instrument, instrument: int, side: int, fill: OrderFilled) -> None:
        """Count one fill."""
        qty = side * fill.last_qty
        self.qty[instrument] += qty
        self.cost[instrument] += value_of(spec, fill.last_px, qty) + fill.fee_amt


class Sent:
    """What we asked for under one id, as long as the venue may trade it; `left` is what it has not traded."""

    __slots__ = ("instrument", "left", "px", "qty", "side")

    def __init__(self, order: OrderSubmitted) -> None:
        self.instrument = order.instrument
        self.side = int(order.side)
        self.qty = self.left = order.order_qty
        self.px = order.limit_px or order.stop_px


class LyingVenue:
    """As `SimulatedVenue`, with faults. `true`: what was traded; `told`: what the fills that reached us say; `done[fault]`: how often it happened.

    `lost`: reports and requests that went missing while the session was lost.
    """

    def __init__(self, instruments: tuple[Instrument, ...], settings: VenueSettings, seed: int, faults: FaultSettings) -> None:
        self._venue = SimulatedVenue(instruments, settings, seed)
        self._specs = instruments
        self._names = tuple(dict.fromkeys(i.venue for i in instruments))
        self._settings = faults
        chance = Chance(seed).fork("faults")
        self._chances = {fault: chance.fork(fault.name) for fault in Fault}
        self._rates = dict(faults.rates)
        self._script = frozenset(faults.script)
        self._seen: dict[Fault, int] = {}
        self._said: list[tuple[int, int, Told, Sent | None]] = []
        self._said_n = 0
        self._lies_n = 0
        self._held: VenueReport | None = None
        self._held_order: Sent | None = None
        self._held_until_ns = NEVER
        self._lost_from_ns = self._lost_until_ns = -1
        self._lost_from_n = 0
        self._sent: dict[str, Sent] = {}
        self.true = Traded(len(instruments))
        self.told = Traded(len(instruments))
        self.done: dict[Fault, int] = {}
        self.lost = 0

    def submit(self, request: Sendable) -> None:
        """As `SimulatedVenue.submit`; while the session is lost the request goes nowhere."""
        message = request.message if isinstance(request, Approved) else request
        if self._lost_from_ns <= message.ns < self._lost_until_ns:
            self.lost += 1
            return
        if isinstance(message, OrderSubmitted):
            self._sent.setdefault(message.cl_ord_id, Sent(message))
        self._venue.submit(request)

    @property
    def busy(self) -> bool:
        """Whether anything is pending."""
        return bool(self._said or self._held is not None or self._venue.busy)

    def next_ns(self) -> int:
        """Time of the earliest arrival, report or expiry that is pending; NEVER when there is none."""
        ns = self._venue.next_ns()
        if self._said:
            ns = min(ns, self._said[0][0])
        return min(ns, self._held_until_ns)

    def next_match(self, ticks: Ticks, start: int, stop: int) -> int:
        """As `SimulatedVenue.next_match`."""
        return self._venue.next_match(ticks, start, stop)

    def advance(self, ticks: Ticks, start: int, stop: int) -> None:
        """As `SimulatedVenue.advance`."""
        self._venue.advance(ticks, start, stop)

    def roll_day(self, ns: int) -> None:
        """As `SimulatedVenue.roll_day`."""
        self._venue.roll_day(ns)

    def lose(self, ns: int, until_ns: int = NEVER) -> None:
        """From `ns` on nothing is told and nothing that is sent arrives, until `until_ns` or `connect`."""
        self._lost_from_ns = ns
        self._lost_from_n = self._said_n
        self._lost_until_ns = until_ns

    def connect(self, ns: int) -> None:
        """The session stands again from `ns` on; what went missing stays missing."""
        self._lost_until_ns = min(self._lost_until_ns, ns)

    def report(self, until_ns: int) -> Told | None:
        """The earliest report that reaches us at or before `until_ns`, taken out; None when there is none."""
        said = self._said
        while True:
            bound_ns = min(until_ns, self._held_until_ns)
            if said:
                bound_ns = min(bound_ns, said[0][0])
            true = self._venue.report(bound_ns)
            if true is not None:
                self._hear(true)
            elif self._held is not None and self._held_until_ns <= bound_ns:
                self._let_go(self._held_until_ns)
            elif said and said[0][0] <= until_ns:
                ns, n, told, order = heappop(said)
                if not self._missing(ns, n, told):
                    if order is not None and isinstance(told, OrderFilled):
                        self.told.add(self._specs[order.instrument], order.instrument, order.side, told)
                    return told
            else:
                return None

    def _missing(self, ns: int, n: int, told: Told) -> bool:
        """Whether a report that would arrive at `ns` does not; what was said before the session broke arrives even at that very time."""
        if isinstance(told, (VenueLost, VenueConnected)):
            return False
        if (ns, n) > (self._lost_from_ns, self._lost_from_n) and ns < self._lost_until_ns:
            self.lost += 1
            return True
        return False

    def _hear(self, true: VenueReport) -> None:
        """Something happened at the venue: decide what we are told of it."""
        order = self._sent.get(_order_id(true))
        if isinstance(true, OrderFilled) and order is not None:
            self.true.add(self._specs[order.instrument], order.instrument, order.side, true)
        if self._lost_from_ns <= true.ns < self._lost_until_ns:
            self.lost += 1
        elif self._happens(Fault.LOSE):
            self._break_off(true.ns)
        else:
            self._carry(self._distorted(true, order) if isinstance(true, OrderFilled) and order is not None else true, order)
            if order is not None:
                self._add_lies(true, order)
        self._keep(true, order)

    def _distorted(self, fill: OrderFilled, order: Sent) -> OrderFilled:
        """The fill with at most one of its numbers changed."""
        spec = self._specs[order.instrument]
        qty = self._happens(Fault.WRONG_QTY)
        px = self._happens(Fault.WRONG_PX)
        if self._happens(Fault.OVERFILL):
            return _replaced(fill, last_qty=fill.last_qty + order.qty)
        if qty:
            lots = max(1, fill.last_qty // spec.lot_qty)
            n = self._chances[Fault.WRONG_QTY].integer(1, 2 * lots - 1)
            return _replaced(fill, last_qty=(n if n < lots else n + 1) * spec.lot_qty)
        if px:
            chance = self._chances[Fault.WRONG_PX]
            off = chance.integer(1, self._settings.wrong_ticks) * spec.tick_px
            better = fill.last_px - off
            return _replaced(fill, last_px=better if better > 0 and chance.happens(1, 2) else fill.last_px + off)
        return fill

    def _add_lies(self, true: VenueReport, order: Sent) -> None:
        """What we are told beside the truth."""
        if isinstance(true, OrderAccepted):
            if self._happens(Fault.PHANTOM):
                spec = self._specs[order.instrument]
                px = order.px or self._venue.taking_px(order.instrument, order.side, true.event_ns) or spec.tick_px
                lie = OrderFilled(
                    true.ns, 0, true.cl_ord_id, true.event_ns, self._lie_id(), px, order.qty, Liquidity.TAKER, 0, spec.settle, spec.amt_digits
                )  # fmt: skip
                self._say(true.ns, lie, order)
        elif isinstance(true, OrderFilled):
            if self._happens(Fault.TWICE):
                self._say(true.ns, _replaced(true, exec_id=self._lie_id()), order)
            if self._happens(Fault.LATE_REJECT):
                self._say(true.ns, OrderRejected(true.ns, 0, true.cl_ord_id, true.event_ns, "rejected after it was filled"), order)

    def _carry(self, report: VenueReport, order: Sent | None) -> None:
        """The way of a report to us."""
        ns = report.ns
        drop, delay, again = self._happens(Fault.DROP), self._happens(Fault.DELAY), self._happens(Fault.DUPLICATE)
        waits = self._happens(Fault.REORDER) and self._held is None and not (drop or delay)
        if waits:
            self._held = report
            self._held_order = order
            self._held_until_ns = ns + self._settings.delay_ns
            return
        if delay and not drop:
            ns += self._settings.delay_ns
            report = _replaced(report, ns=ns)
        if not drop:
            self._say(ns, report, order)
            if again:
                self._say(ns, report, order)
            if not delay and self._held is not None:
                self._let_go(ns)

    def _let_go(self, ns: int) -> None:
        held, order = self._held, self._held_order
        if held is not None:
            self._held = self._held_order = None
            self._held_until_ns = NEVER
            self._say(ns, _replaced(held, ns=ns), order)

    def _break_off(self, ns: int) -> None:
        """The session with the venue is lost now and stands again later; the report that would have come is the first to be missed."""
        until_ns = ns + self._settings.lost_ns
        self.lost += 1
        self.lose(ns, until_ns)
        for name in self._names:
            self._say(ns, VenueLost(ns, 0, name, "the session broke"), None)
        for name in self._names:
            self._say(until_ns, VenueConnected(until_ns, 0, name), None)

    def _say(self, ns: int, told: Told, order: Sent | None) -> None:
        self._said_n += 1
        heappush(self._said, (ns, self._said_n, told, order))

    def _happens(self, fault: Fault) -> bool:
        n = self._seen.get(fault, 0) + 1
        self._seen[fault] = n
        ppm = self._rates.get(fault, 0)
        happens = (fault, n) in self._script or (ppm > 0 and self._chances[fault].happens(ppm))
        if happens:
            self.done[fault] = self.done.get(fault, 0) + 1
        return happens

    def _lie_id(self) -> str:
        self._lies_n += 1
        return f"L{self._lies_n}"

    def _keep(self, true: VenueReport, order: Sent | None) -> None:
        """Forget what can trade no more, know a replaced order by its new id."""
        if order is None:
            return
        name = _order_id(true)
        if isinstance(true, OrderFilled):
            order.left -= true.last_qty
            if order.left <= 0:
                del self._sent[name]
        elif isinstance(true, (OrderCanceled, OrderExpired, OrderRejected)):
            del self._sent[name]
        elif isinstance(true, OrderReplaced):
            del self._sent[name]
            order.left += true.order_qty - order.qty
            order.qty = true.order_qty
            order.px = true.limit_px or true.stop_px
            self._sent[true.cl_ord_id] = order


def _order_id(report: VenueReport) -> str:
    """The id under which the order lived when the report was made."""
    if isinstance(report, (OrderCanceled, OrderReplaced)):
        return report.orig_cl_ord_id or report.cl_ord_id
    return report.cl_ord_id
