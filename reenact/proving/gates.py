"""Every check in the record is held against a second opinion, and every order against its approval.

Invariants: an order leaves only after its own approval; all rules that bind it have answered; each answer is the one that the recount gives.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from domain import events as ev
from domain.limits import OFF, Check, Limit
from reenact.proving import wish as wishes
from reenact.proving.facts import Facts
from reenact.proving.invariants import Invariant
from reenact.proving.opinions import OPINIONS
from reenact.proving.opinions.counts import cancel_budget
from reenact.proving.violation import Violation

PLAIN = frozenset(
    {
        "K-01", "K-03", "R-15", "R-18a", "R-18", "R-17", "R-19a", "R-19b", "R-19c", "R-19d", "R-19e", "R-22", "R-01", "R-01a", "R-01b", "R-03",
        "R-04", "R-04a", "R-05", "R-07", "R-14", "R-16",
    }
)  # fmt: skip
"""Rules that need not know whether an order reduces: where groups of orders stand, alternatives of one group count once (`domain.groups.group`)."""


class Gates(Invariant):
    """All rules of an order: who answered, what, and whether that is right."""

    id = "GATES"
    says = "every order has its own approval, on which every rule that binds it has answered, in their order"
    before = (ev.OrderSubmitted, ev.OrderReplaceRequested, ev.OrderDenied, ev.OrderCancelRequested)
    after = (ev.OrderApproved, ev.OverrideGranted)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.open: ev.OrderApproved | None = None
        self.open_seq = 0
        self.overrides: dict[int, ev.OverrideGranted] = {}
        self.order = list(facts.rules)
        self.reached: Counter[tuple[str, str]] = Counter()
        self.seen: Counter[str] = Counter()

    def take(self, seq: int, event: Any) -> None:
        """Remember an approval for the order that must follow it, and the overrides."""
        if isinstance(event, ev.OverrideGranted):
            self.overrides[event.number] = event
            return
        self.open, self.open_seq = event, seq

    def ahead(self, seq: int, event: Any) -> None:
        """A request or a denial, before it is counted."""
        if isinstance(event, ev.OrderDenied):
            self._denied(event)
            return
        approval = self.open
        self.open = None
        if isinstance(event, ev.OrderCancelRequested):
            if approval is not None and event.cause == self.open_seq:
                self._cancel(event, approval)
            return
        own = approval is not None and event.cause == self.open_seq and approval.cl_ord_id == event.cl_ord_id
        self.must(own, f"order {event.cl_ord_id} leaves without an approval of its own")
        if approval is None:
            return
        if isinstance(event, ev.OrderSubmitted):
            wish = wishes.submitted(event)
        else:
            known = self.facts.by_id[event.orig_cl_ord_id]
            wish = wishes.replacement(known, event.cl_ord_id, event.order_qty, event.limit_px, event.stop_px)
        self.seen["approved"] += 1
        self._hold(approval.checks, wish, approval)

    def _denied(self, event: ev.OrderDenied) -> None:
        failed = [c for c in event.checks if not c.passed]
        self.must(failed, f"order {event.cl_ord_id} was denied although every rule passed")
        rule = self.facts.rules.get(failed[0].rule)
        self.must(
            rule is not None and event.reason == rule.code,
            f"order {event.cl_ord_id} was denied with {event.reason}, its first failing rule is {failed[0].rule}",
        )
        self.seen["denied"] += 1
        for check in failed:
            if not self.facts.rules[check.rule].on_cancel:
                self.reached[check.rule, "denied"] += 1
        for check in event.checks:
            if self.facts.rules[check.rule].on_cancel:
                limit = self.facts.limits[check.limit_id - 1]
                if len(limit.members) <= 1:
                    self._budget(event.cl_ord_id, check, limit, "".join(limit.members))
        wish = wishes.denied(self.facts, event)
        if wish is not None and wish.instrument >= 0:
            self._hold(event.checks, wish, None)

    def _cancel(self, event: ev.OrderCancelRequested, approval: ev.OrderApproved) -> None:
        """A cancel that had to ask for room: every budget that binds its order has answered."""
        known = self.facts.by_id[event.orig_cl_ord_id]
        found = {(c.rule, c.limit_id): c for c in approval.checks}
        for rule_id, limits in self.facts.binding(known.strategy, known.instrument).items():
            for limit, member in limits if self.facts.rules[rule_id].on_cancel else ():
                check = found.pop((rule_id, limit.id), None)
                if check is None:
                    if any(n != OFF for n in limit.values):
                        self.broken(f"rule {rule_id} binds cancel {event.cl_ord_id} and has not answered", rule_id)
                    continue
                self.must(check.passed, f"cancel {event.cl_ord_id} was approved although {rule_id} failed", rule_id)
                self._budget(event.cl_ord_id, check, limit, member)
        self.must(not found, f"cancel {event.cl_ord_id} met a limit that does not bind it")

    def _budget(self, cl_ord_id: str, check: Check, limit: Limit, member: str) -> None:
        verdict = cancel_budget(self.facts, limit, member)
        if verdict is not None:
            self.reached[check.rule, "passed" if check.passed else "denied"] += 1
            said = "let it pass" if check.passed else "stopped it"
            self.must(verdict[0] == check.passed, f"rule {check.rule} {said} wrongly, cancel {cl_ord_id}: {verdict[1]}", check.rule)

    def _hold(self, checks: tuple[Check, ...], wish: wishes.Wish, approval: ev.OrderApproved | None) -> None:
        facts = self.facts
        binding = facts.binding(wish.strategy, wish.instrument)
        waived = self.overrides.get(approval.override) if approval is not None and approval.override else None
        places = [self.order.index(c.rule) if c.rule in facts.rules else -1 for c in checks]
        self.must(places == sorted(places), f"the rules answered order {wish.cl_ord_id} out of their order")
        found: dict[tuple[str, int], Check] = {}
        for c in checks:
            found[c.rule, c.limit_id] = c
        self.must(len(found) == len(checks), f"a rule answered twice on order {wish.cl_ord_id}")
        for rule_id, rule in facts.rules.items():
            if rule.on_cancel or rule.alerts:
                continue
            if not rule.params:
                check = found.pop((rule_id, 0), None)
                self._one(rule_id, check, wish, None, "", waived, approval)
                continue
            for limit, member in binding.get(rule_id, ()):
                self._one(rule_id, found.pop((rule_id, limit.id), None), wish, limit, member, waived, approval)
        self.must(not found, f"order {wish.cl_ord_id} met {', '.join(r for r, _ in found)}, by a limit that does not bind it")

    def _one(
        self, rule: str, check: Check | None, wish: wishes.Wish, limit: Limit | None, member: str, waived: ev.OverrideGranted | None,
        approval: ev.OrderApproved | None,
    ) -> None:  # fmt: skip
        facts = self.facts
        place = f" of {member}" if member else ""
        if check is None:
            self.broken(f"rule {rule}{place} binds order {wish.cl_ord_id} and has not answered", rule)
        override = waived is not None and waived.rule == rule and limit is not None and waived.limit_id == limit.id
        if approval is not None:
            if not check.passed and not override:
                raise Violation(
                    rule, facts.seq, f"order {wish.cl_ord_id} was approved although {rule}{place} failed: {check.observed} against {check.limit}"
                )
            if override and not check.passed and waived is not None and check.observed > waived.most:
                raise Violation(
                    "K-05", facts.seq, f"override {waived.number} allows up to {waived.most}, order {wish.cl_ord_id} has {check.observed}"
                )
        if check.passed and check.observed == check.limit and limit is not None:
            self.reached[rule, "at"] += 1
        if check.passed:
            self.reached[rule, "passed"] += 1
        opinion = OPINIONS.get(rule) if wish.instrument not in facts.grouped or rule in PLAIN else None
        verdict = opinion(facts, wish, limit, member) if opinion is not None else None
        if verdict is None:
            return
        self.tested[rule] += 1
        if wish.qty <= 0 and not check.passed:
            return  # what asks for nothing is for the lot rule to deny; any other may call it senseless too
        if verdict[0] != check.passed:
            said = "let it pass" if check.passed else "stopped it"
            raise Violation(rule, facts.seq, f"rule {rule}{place} {said} wrongly, order {wish.cl_ord_id}: {verdict[1]}")
