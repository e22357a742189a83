"""What must hold for surveillance: every pattern that the events complete raises one alert, and every alert is of such a pattern.

Invariants: the patterns are looked for in plain lists of what happened; of a rule whose limit was changed nothing is claimed from then on,
because what its memory keeps of the time before depends on when the numbers changed.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil
from typing import Any

from domain import events as ev
from domain.limits import OFF, Limit
from reenact.proving.facts import Facts
from reenact.proving.invariants import Invariant
from reenact.proving.known import Known

Alert = tuple[str, int, int, int, int, int]
"""(rule, strategy, instrument, observed, limit, seq it began with)."""
_WHOLE = 10_000
_ENDS = (ev.OrderCanceled, ev.OrderExpired, ev.OrderFilled, ev.OrderRejected)


class Pattern:
    """One watching limit at one member of its scope."""

    def __init__(self, facts: Facts, limit: Limit, member: str) -> None:
        self.facts = facts
        self.limit = limit
        self.member = member

    def number(self, name: str) -> int:
        """A number of the limit."""
        return self.facts.number(self.limit, name)

    def completed(self, event: Any) -> Alert | None:
        """The alert that an event makes due."""
        if OFF in self.limit.values:
            return None
        known = self.facts.known
        inside = known is not None and self.facts.within(self.limit.scope, self.member, known.strategy, known.instrument)
        return self.look(event, known) if inside and known is not None else None

    def look(self, event: Any, known: Known) -> Alert | None:
        """The alert that an event of an order inside makes due."""
        raise NotImplementedError


class Spoof(Pattern):
    """Orders that end, by strategy and instrument: (time, whether canceled soon without a fill, seq of the sending), since the last alert."""

    def __init__(self, facts: Facts, limit: Limit, member: str) -> None:
        super().__init__(facts, limit, member)
        self.over: set[int] = set()
        self.ends: dict[tuple[int, int], list[tuple[int, bool, int]]] = {}

    def look(self, event: Any, known: Known) -> Alert | None:
        """Count an order that ended."""
        if not isinstance(event, _ENDS) or known.worst or known.seq in self.over:
            return None
        self.over.add(known.seq)
        if isinstance(event, ev.OrderRejected):
            return None
        soon = isinstance(event, ev.OrderCanceled) and not known.filled and event.ns - known.ns <= self.number("spoof_life")
        place = known.strategy, known.instrument
        every = self.ends.setdefault(place, [])
        every.append((event.ns, soon, known.seq))
        recent = [end for end in every if end[0] > event.ns - self.number("spoof_window")]
        share = Fraction(sum(quick for _, quick, _ in recent), len(recent))
        most = self.number("spoof_share")
        if not soon or len(recent) < self.number("spoof_orders") or share <= Fraction(most, _WHOLE):
            return None
        every.clear()
        return "R-25a", *place, ceil(share * _WHOLE), most, recent[0][2]


class Wash(Pattern):
    """Fills that no opposite one was found for: (time, instrument, price, signed quantity, seq), oldest first."""

    def __init__(self, facts: Facts, limit: Limit, member: str) -> None:
        super().__init__(facts, limit, member)
        self.fills: list[tuple[int, int, int, int, int]] = []

    def look(self, event: Any, known: Known) -> Alert | None:
        """Pair a fill with the oldest opposite one at its price."""
        if not isinstance(event, ev.OrderFilled) or not self.facts.moved:
            return None
        (_, i, qty, px), window = self.facts.moved[0], self.number("wash_window")
        for one in self.fills:
            if one[1:3] == (i, px) and one[3] * qty < 0 and event.ns - one[0] <= window:
                self.fills.remove(one)
                return "R-25b", known.strategy, i, event.ns - one[0], window, one[4]
        self.fills.append((event.ns, i, px, qty, self.facts.seq))
        return None


class Layers(Pattern):
    """The fill after which cancels of the other side count, and their prices: by strategy, instrument and that other side."""

    def __init__(self, facts: Facts, limit: Limit, member: str) -> None:
        super().__init__(facts, limit, member)
        self.open: dict[tuple[int, int, int], tuple[int, int, set[int]]] = {}

    def look(self, event: Any, known: Known) -> Alert | None:
        """Begin with a fill, go on with a cancel."""
        window = self.number("layering_window")
        strategy, i, sign = place = known.strategy, known.instrument, known.sign
        if isinstance(event, ev.OrderFilled) and self.facts.moved:
            other = strategy, i, -sign
            if other not in self.open or event.ns - self.open[other][0] > window:
                self.open[other] = event.ns, self.facts.seq, set()
        elif isinstance(event, ev.OrderCanceled) and place in self.open and known.limit_px:
            began, seq, prices = self.open[place]
            if event.ns - began <= window:
                prices.add(known.limit_px)
                if len(prices) >= self.number("layering_orders"):
                    del self.open[place]
                    return "R-25c", strategy, i, len(prices), self.number("layering_orders"), seq
        return None


PATTERNS = {"R-25a": Spoof, "R-25b": Wash, "R-25c": Layers}


class Surveillance(Invariant):
    """Alerts."""

    id = "R-25"
    says = "every pattern that is completed raises one alert, with its numbers and where it began, and no alert is raised without one"
    after = (*_ENDS, ev.SurveillanceAlerted, ev.LimitsChanged)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.patterns = [PATTERNS[one.rule](facts, one, m) for one in facts.opened.limits if one.rule in PATTERNS for m in one.members or ("",)]
        self.rules = {facts.rules[rule].code: rule for rule in PATTERNS if rule in facts.rules}
        self.due: Counter[Alert] = Counter()
        self.told: Counter[Alert] = Counter()

    def take(self, seq: int, event: Any) -> None:
        """Look at the end of an order, a fill, an alert."""
        if isinstance(event, ev.LimitsChanged):
            self.patterns = [p for p in self.patterns if p.limit.rule != event.limit.rule]
        elif isinstance(event, ev.SurveillanceAlerted):
            rule = self.rules.get(event.code, "")
            self.must(rule, f"an alert of {event.code}, which is no rule that watches")
            self.told[rule, event.strategy, event.instrument, event.observed, event.limit, event.since] += 1
        else:
            for pattern in self.patterns:
                alert = pattern.completed(event)
                if alert is not None:
                    self.due[alert] += 1

    def settle(self) -> None:
        """What was due was told, and nothing else."""
        if not self.due and not self.told:
            return
        watched = {pattern.limit.rule for pattern in self.patterns}
        for alert in self.due | self.told:
            if alert[0] in watched:
                says = "{} of strategy {} in instrument {}: {} against {}, since event {}".format(*alert)
                self.must(self.told[alert] >= self.due[alert], f"no alert tells of {says}", alert[0])
                self.must(self.told[alert] <= self.due[alert], f"an alert without a pattern: {says}", alert[0])
        self.due.clear()
        self.told.clear()


KINDS = (Surveillance,)
