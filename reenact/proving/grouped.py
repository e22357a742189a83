"""What must hold for groups of orders: siblings are canceled at once and once, what protects is as large as what is open, nothing is left behind.

Invariants: what a group's fills add up to is summed up anew at each look; where the venue refused, or a person or a strategy took an order back,
only the record of it is asked for.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from domain import events as ev
from domain.terms import FailurePolicy, GroupKind
from reenact.proving.facts import Facts
from reenact.proving.invariants import Invariant
from reenact.proving.known import Known

ENTRY, FLAT = "entry", "flat"


class Told:
    """One group as its events tell it. `orders` in the order in which they were sent; `failed`: roles of which a failure was recorded; `taken`: those
    of which somebody else took an order back; `flattens`: a failure asked for that; `given_up`: its strategy did."""

    def __init__(self, opened: ev.GroupOpened) -> None:
        self.opened = opened
        self.orders: list[Known] = []
        self.failed: set[str] = set()
        self.taken: set[str] = set()
        self.flattens = self.given_up = self.closed = False

    @property
    def net_qty(self) -> int:
        """What the fills add up to, signed."""
        return sum(known.sign * known.filled for known in self.orders)

    @property
    def open_qty(self) -> int:
        """What the fills of a bracket left open, in the direction of its entry."""
        return int(self.opened.legs[0].side) * self.net_qty

    @property
    def working(self) -> list[Known]:
        """What may still trade."""
        return [known for known in self.orders if known.worst]


class Groups(Invariant):
    """Brackets, alternatives, and orders that others wait for."""

    id = "GROUP"
    says = "a group's siblings are canceled at once and once, its exits are as large as what is open, and a closed group works nothing"
    before = (ev.OrderReplaceRequested, ev.OrderCancelRequested, ev.GroupClosed)
    after = (
        ev.GroupOpened, ev.GroupLegged, ev.GroupLegFailed, ev.GroupReleased, ev.GroupReopened, ev.OrderCancelRequested, ev.OrderCancelRejected, ev.OrderRejected,
        ev.SessionResumed,
    )  # fmt: skip

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.groups: dict[int, Told] = {}
        self.asked: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.resumed = 0

    def ahead(self, seq: int, event: Any) -> None:
        """Look at a request, or at the end of a group, before it counts."""
        if isinstance(event, ev.GroupClosed):
            self._closed(event)
        elif isinstance(event, ev.OrderReplaceRequested):
            known = self.facts.by_id[event.orig_cl_ord_id]
            if known.group and self._by_house(event, known):
                self._fits(self.groups[known.group], known.role, event.order_qty - known.filled, event.cl_ord_id)
        elif isinstance(event, ev.OrderCancelRequested):
            known = self.facts.by_id[event.orig_cl_ord_id]
            if known.group and event.reason.startswith(f"group {known.group} "):
                self.asked[known.seq] += 1
                most = 1 + self.refused[known.seq] + self.resumed
                self.must(self.asked[known.seq] <= most, f"order {known.cl_ord_id} of group {known.group} was canceled {self.asked[known.seq]} times")

    def _by_house(self, event: ev.OrderReplaceRequested, known: Known) -> bool:
        """The group asks for another quantity; a strategy that moves its order says so by a signal."""
        approval: Any = self.facts.events.get(event.cause)
        signal: Any = self.facts.events.get(getattr(approval, "cause", 0))
        return isinstance(signal, ev.SignalRaised) and signal.reason == f"{known.role} of group {known.group}"

    def _closed(self, event: ev.GroupClosed) -> None:
        told = self.groups[event.number]
        told.closed = True
        left = ", ".join(known.cl_ord_id for known in told.working)
        self.must(not left, f"group {event.number} was closed while {left} works")
        if told.opened.kind is GroupKind.OCO:
            return
        net = told.net_qty
        if told.opened.kind is GroupKind.BRACKET:
            self.must(event.open_qty == net, f"group {event.number} was closed with {event.open_qty} open, its fills leave {net}")
        if told.flattens and not told.given_up:
            flat = not net or FLAT in told.failed | told.taken
            self.must(flat, f"group {event.number} was to be flattened and was closed with {net} open")

    def _fits(self, told: Told, role: str, qty: int, order: str) -> None:
        """What protects a bracket is sent for what is open."""
        if told.opened.kind is GroupKind.BRACKET and role not in (ENTRY, FLAT):
            self.must(qty == told.open_qty, f"the {role} {order} of group {told.opened.number} is for {qty}, {told.open_qty} is open")
        elif told.opened.kind is GroupKind.OTO and role != ENTRY and role != FLAT:
            entry = [known for known in told.orders if known.role == ENTRY]
            whole = bool(entry) and entry[-1].filled >= entry[-1].qty
            self.must(whole, f"{order} of group {told.opened.number} left before its entry was filled whole")

    def take(self, seq: int, event: Any) -> None:
        """Count."""
        known = self.facts.known
        match event:
            case ev.GroupOpened():
                self.groups[event.number] = Told(event)
            case ev.GroupLegged():
                told, leg = self.groups[event.number], self.facts.by_id[event.cl_ord_id]
                self._fits(told, event.role, leg.qty, event.cl_ord_id)
                told.orders.append(leg)
            case ev.GroupLegFailed():
                told = self.groups[event.number]
                told.failed.add(event.role)
                told.flattens = told.flattens or event.on_failure is FailurePolicy.FLATTEN
            case ev.GroupReleased():
                self.groups[event.number].given_up = True
            case ev.GroupReopened():
                self.groups[event.number].closed = False
            case ev.SessionResumed():
                self.resumed += 1
            case ev.OrderCancelRequested() if known is not None and known.group:
                if not event.reason.startswith(f"group {known.group} "):
                    self.groups[known.group].taken.add(known.role)
            case ev.OrderCancelRejected() | ev.OrderRejected() if known is not None:
                self.refused[known.seq] += 1

    def settle(self) -> None:
        """Nothing is left to do."""
        for told in self.groups.values():
            if told.closed:
                continue
            if told.opened.kind is GroupKind.OCO:
                self._one_of_many(told)
            elif told.opened.kind is GroupKind.BRACKET:
                self._protected(told)

    def _one_of_many(self, told: Told) -> None:
        """Once one of the alternatives traded, a cancel of every other one that works was asked for."""
        winners = [known for known in told.orders if known.filled and known.role != FLAT]
        if not winners:
            return
        for known in told.working:
            if known.role not in (FLAT, winners[0].role):
                self.must(
                    known.cancel_ids or self.asked[known.seq] or known.role in told.failed,
                    f"{winners[0].role} of group {told.opened.number} traded, and no cancel of {known.cl_ord_id} ({known.role}) was asked for",
                )

    def _protected(self, told: Told) -> None:
        """While something is open every exit works, or the record says why not."""
        if told.open_qty <= 0 or told.flattens or told.given_up:
            return
        for leg in told.opened.legs[1:]:
            works = any(known.worst for known in told.orders if known.role == leg.role)
            self.must(works or leg.role in told.failed | told.taken, f"group {told.opened.number} has {told.open_qty} open, and no {leg.role} works")


KINDS = (Groups,)
