"""What must hold for losses: halted at the first event that takes one too far, latched until the roll, two persons or the cool-down."""

from __future__ import annotations

from collections import Counter
from typing import Any

from domain import events as ev
from domain.events import INPUTS, TICKS
from reenact.proving.facts import Facts
from reenact.proving.invariants import Invariant
from reenact.proving.purse import Purse

RULES = ("L-01", "L-02", "L-03")
_OUTSIDE = INPUTS | TICKS
_MOVES = (
    *sorted(TICKS, key=lambda kind: kind.__name__), ev.OrderFilled, ev.FillBusted, ev.FillCorrected, ev.ExternalTradeObserved, ev.FeeCharged,
    ev.FundingPaid, ev.ReconciliationAdjusted, ev.OutcomeRecorded, ev.DayRolled, ev.TradingHalted, ev.TradingResumed, ev.LimitsChanged,
    ev.TimerFired, ev.OrderCancelRequested,
)  # fmt: skip


class Losses(Invariant):
    """Loss limits of any scope."""

    id = "L-01"
    says = "a loss beyond its limit halts the scope at that very event, cancels its orders but for what protects, and holds until it is lifted as configured"
    before = (*_OUTSIDE,)
    after = _MOVES

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.purses = facts.purses
        for limit in facts.opened.limits:
            self._open(limit)
        self.due: dict[int, tuple[Purse, str]] = {}
        self.asked: set[int] = set()
        self.stopped: list[tuple[Purse, int]] = []

    def _open(self, limit: Any) -> None:
        if limit.rule in RULES:
            for member in limit.members or ("",):
                self.purses.setdefault((limit.rule, limit.scope, member), Purse(self.facts, limit, member))

    def ahead(self, seq: int, event: Any) -> None:
        """Nothing from outside may come before a halt that is due."""
        for purse, why in self.due.values():
            self.broken(f"{_place(purse)}: {why}, and the next event came before a halt", purse.rule)

    def take(self, seq: int, event: Any) -> None:
        """Count an event, and look."""
        kind = type(event)
        if kind is ev.OrderCancelRequested:
            if self.facts.known is not None:
                self.asked.add(self.facts.known.seq)
            return
        if kind is ev.LimitsChanged:
            self._open(event.limit)
        for n, purse in enumerate(self.purses.values()):
            if kind in TICKS and not purse.held.get(event.instrument) and purse.top is not None and n not in self.due:
                continue
            if kind is ev.TradingHalted and event.rule == purse.rule and (event.scope, event.member) == purse.place:
                self._halted(purse, event)
            purse.take(event)
            self._look(n, purse)

    def _look(self, n: int, purse: Purse) -> None:
        self.tested[purse.rule] += 1
        why = ""
        if purse.halt is None and purse.steady:
            if purse.rule == "L-03":
                most = self.facts.number(purse.limit, "loss_streak")
                streak = purse.streak()
                why = f"{streak} round trips were lost, {most} trip the breaker" if most >= 0 and streak >= most and streak else ""
            else:
                why = purse.beyond()
        if why:
            self.due[n] = purse, why
        else:
            self.due.pop(n, None)

    def _halted(self, purse: Purse, event: ev.TradingHalted) -> None:
        if not purse.steady:
            pass
        elif purse.rule == "L-03":
            streak, most = purse.streak(), self.facts.number(purse.limit, "loss_streak")
            self.must(0 <= most <= streak, f"{_place(purse)} was halted after {streak} losses, {most} trip the breaker", "L-03")
            cool = self.facts.number(purse.limit, "loss_cooldown")
            self.must(
                event.until_ns == (event.ns + max(cool, 1) if cool >= 0 else 0),
                f"the breaker holds until {event.until_ns}, the cool-down is {cool} ns",
                "L-03",
            )
        else:
            self.must(purse.beyond(), f"{_place(purse)} was halted by {purse.rule}, but {purse.loss()} is lost of {purse.room()} allowed", purse.rule)
        self.stopped.append((purse, self.facts.seq))

    def settle(self) -> None:
        """After a roll nothing of the day's limits stands, after a cool-down no breaker; a halted scope has no order without a cancel intent."""
        facts = self.facts
        for purse in self.purses.values():
            halt = purse.halt
            if halt is None:
                continue
            if purse.rule == "L-03":
                over = halt.until_ns and facts.now_ns > halt.until_ns
                self.must(not over, f"the breaker of {_place(purse)} holds at {facts.now_ns}, its cool-down ended at {halt.until_ns}", "L-03")
            elif halt.ns < self._rolled():
                self.broken(f"the day rolled, and {_place(purse)} is still halted by {purse.rule}", purse.rule)
        for purse, halted in self.stopped:
            for known in facts.working.values():
                if known.seq < halted and purse.place in facts.places(known.strategy, known.instrument):
                    asked = known.seq in self.asked or known.revived or known.protects
                    self.must(asked, f"{_place(purse)} was halted by {purse.rule}, order {known.cl_ord_id} works without a cancel intent", purse.rule)
        self.stopped = []

    def _rolled(self) -> int:
        event = self.facts.events.get(self.facts.day_seq)
        return event.ns if event is not None else 0


def _place(purse: Purse) -> str:
    return purse.place[1] or "the account"


KINDS = (Losses,)
