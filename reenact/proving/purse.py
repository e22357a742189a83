"""What one member of a loss limit's scope gained or lost, recounted from the events: the money that moved and what is held.

Invariants: fractions only, nothing is rounded but what the rules say is; average cost is kept in the plainest way there is.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from domain import events as ev
from domain.limits import OFF, Limit
from domain.terms import Scope
from reenact.proving.facts import Facts
from reenact.proving.opinions.base import who, within

Money = int | Fraction


class Purse:
    """One rule (L-01, L-02 or L-03) at one place. `top`: the gain that losses are measured from, None without a number; `losses`: when round
    trips ended with a loss; `halt`: the rule's halt that stands.
    """

    def __init__(self, facts: Facts, limit: Limit, member: str) -> None:
        self.facts = facts
        self.rule = limit.rule
        self.place = limit.scope, member
        self.strategy = who(facts, limit, member)
        self.inside = [i for i in range(len(facts.specs)) if within(facts, limit, member, i)]
        self.currency = facts.specs[self.inside[0]].settle if self.inside else ""
        self.capital = facts.cash.get(self.currency, 0)
        self.money: Money = 0
        self.held: dict[int, int] = {}
        self.cost: dict[int, Money] = {}
        self.foreign = False
        self.halt: ev.TradingHalted | None = None
        self.top: Money | None = 0
        self.realised: Money = 0
        self.realised_from: Money = 0
        self.trip: dict[int, Money] = {}
        self.losses: list[int] = []

    @property
    def limit(self) -> Limit:
        """The version in force."""
        return self.facts.in_force[self.rule, *self.place]

    @property
    def steady(self) -> bool:
        """What the rule remembers goes back to the opening: nothing it counts by was off or another window meanwhile."""
        own = [one for one in self.facts.limits if one.rule == self.rule and one.scope == self.place[0] and self.place[1] in (one.members or ("",))]
        at = 1 if self.rule != "L-02" else 0
        return all((one.values[at] < 0) == (own[0].values[at] < 0) and (self.rule != "L-03" or one.values[:2] == own[0].values[:2]) for one in own)

    def take(self, event: Any) -> None:
        """Count an event that the facts stand at."""
        facts = self.facts
        for strategy, i, qty, px in facts.moved:
            if i in self.inside and self.strategy in (None, strategy):
                self._move(event, i, qty, px)
        match event:
            case ev.FeeCharged() if self.place[0] is Scope.ACCOUNT:
                self._pay(event.currency, event.amt, event.digits)
            case ev.FundingPaid() if event.instrument in self.inside:
                amt: Money = event.amt
                if self.strategy is not None:
                    whole = facts.position[event.instrument]
                    amt = round(Fraction(amt) * self.held.get(event.instrument, 0) / whole) if whole else 0
                self._pay(event.currency, amt, event.digits)
            case ev.ReconciliationAdjusted() if event.currency == self.currency:
                self.capital += self._own(event.amt, event.digits)
            case ev.OutcomeRecorded() if event.instrument in self.inside and self.strategy in (None, event.strategy):
                if facts.specs[event.instrument].settle == self.currency:
                    self.money += event.amt
                    self.realised += event.amt
                self._ended(event.ns, event.amt)
            case ev.DayRolled():
                self.reset()
            case ev.TradingHalted() if event.rule == self.rule and (event.scope, event.member) == self.place:
                self.halt = event
            case ev.TradingResumed() if event.rule == self.rule and (event.scope, event.member) == self.place:
                self.halt = None
                self.losses.clear()
                self.reset()
        gain = self.gain()
        if gain is not None and self.halt is None and (self.top is None or (self.rule == "L-02" and gain > self.top)):
            self.top = gain

    def reset(self) -> None:
        """Measure from here on."""
        self.top = self.gain()
        self.realised_from = self.realised

    def gain(self) -> Money | None:
        """Money moved and what is held at the last prices; None without a price or a common currency."""
        total: Money = self.money
        for i, qty in self.held.items():
            if qty:
                if self.facts.mark(i) <= 0:
                    return None
                total += self.facts.value(i, self.facts.mark(i), qty)
        return None if self.foreign else total

    def loss(self) -> Money | None:
        """The loss by now."""
        gain = self.gain()
        return None if gain is None or self.top is None else self.top - gain

    def room(self) -> Money | None:
        """The largest loss allowed, None where none is."""
        amt = self.facts.number(self.limit, "daily_loss" if self.rule == "L-01" else "drawdown")
        most: Money | None = amt if amt != OFF else None
        bps = OFF if self.rule == "L-01" else self.facts.number(self.limit, "drawdown_bps")
        if bps != OFF and self.top is not None:
            basis = self.capital + self.top
            part = basis * min(bps, 10_000) // 10_000 if basis > 0 else 0
            most = part if most is None else min(most, part)
        return most

    def beyond(self) -> str:
        """Why the limit is exceeded now, "" when it is not or nothing can be said."""
        loss, room = self.loss(), self.room()
        text = self.facts.amt_text
        i = self.inside[0] if self.inside else 0
        if self.rule == "L-01":
            most = self.facts.number(self.limit, "daily_realised_loss")
            lost = self.realised_from - self.realised
            if most != OFF and lost > most:
                return f"{text(i, lost)} were lost by closing, {text(i, most)} are allowed"
        if loss is not None and room is not None and loss > room:
            return f"{text(i, loss)} are lost, {text(i, room)} are allowed"
        return ""

    def streak(self) -> int:
        """Losing round trips within the window."""
        window = self.facts.number(self.limit, "loss_window")
        return sum(1 for ns in self.losses if window == OFF or self.facts.now_ns - ns <= window)

    def _own(self, amt: Money, digits: int) -> int:
        return round(Fraction(amt) * Fraction(10) ** (self.facts.digits[self.currency] - digits))

    def _pay(self, currency: str, amt: Money, digits: int) -> None:
        if currency == self.currency:
            self.money -= self._own(amt, digits)
            self.realised -= self._own(amt, digits)

    def _move(self, event: Any, i: int, qty: int, px: int) -> None:
        facts = self.facts
        spec = facts.specs[i]
        fee: Money = 0
        if isinstance(event, ev.OrderFilled) and event.fee_amt:
            if event.fee_currency == spec.settle:
                fee = round(Fraction(event.fee_amt) * Fraction(10) ** (spec.amt_digits - event.fee_digits))
            if self.rule != "L-03":
                self._pay(event.fee_currency, event.fee_amt, event.fee_digits)
        self._round(event.ns, i, qty, px, fee)
        if spec.settle != self.currency:
            self.foreign = True
            return
        value = facts.value(i, px, qty)
        self.money -= value
        held, cost = self.held.get(i, 0), self.cost.get(i, 0)
        if held * qty >= 0:
            self.cost[i] = cost + value
        else:
            closed = min(abs(qty), abs(held))
            sold = Fraction(value * closed, abs(qty))
            released = Fraction(cost) * closed / abs(held)
            self.realised += -sold - released
            self.cost[i] = cost - released + (value - sold)
        self.held[i] = held + qty

    def _round(self, ns: int, i: int, qty: int, px: int, fee: Money) -> None:
        """The round trip that a change goes on with, ends, or begins."""
        held = self.held.get(i, 0)
        after = held + qty
        so_far = self.trip.get(i, 0)
        if held * after < 0:
            self._ended(ns, so_far - self.facts.value(i, px, -held) - fee)
            self.trip[i] = -self.facts.value(i, px, after)
        else:
            self.trip[i] = so_far - self.facts.value(i, px, qty) - fee
            if not after:
                self._ended(ns, self.trip.pop(i))

    def _ended(self, ns: int, amt: Money) -> None:
        if amt < 0 and self.halt is None and self.facts.number(self.limit, "loss_streak") != OFF:
            self.losses.append(ns)
