"""What must hold for sizing: a sized order fits into what its strategy's policy leaves of the equity, and a hint gets the answer it deserves.

Invariants: whether a quantity fits is asked bound by bound, in fractions, and the largest one is searched for, not worked out; where groups of
orders stand, alternatives count once (`domain.groups.group`), and then only what holds whatever they count is claimed.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

from domain import events as ev
from domain.instrument import Instrument
from reenact.proving.facts import Facts
from reenact.proving.invariants import Invariant

_FAR = 2**62 - 1
_WHOLE = 10_000


class Terms:
    """What the size of one order depends on. `held`: what the strategy has and works on the order's side, negative for the opposite."""

    def __init__(self, facts: Facts, signal: ev.SignalRaised, protect_px: int) -> None:
        i, sign = signal.instrument, int(signal.side)
        self.policy: Any = facts.opened.strategies[signal.strategy].sizing
        self.spec = facts.specs[i]
        self.sign = sign
        self.asked = signal.qty
        self.protect_px = protect_px
        self.px = signal.limit_px or signal.stop_px or facts.reference(i, sign)[0]
        # Where groups stand, what works counts somewhere between nothing and all of it.
        works = facts.worst(i, sign, signal.strategy) if i not in facts.grouped else 0
        self.held = sign * facts.owned[signal.strategy][i] + works
        self.equity = equity(facts, self.spec)

    @property
    def in_money(self) -> bool:
        """Some bound is an amount of money."""
        return bool(self.policy.risk_bps or self.policy.leverage or self.policy.margin_bps)

    @property
    def unknown(self) -> bool:
        """A number that a bound needs is missing or makes no sense."""
        if self.asked < 0:
            return True
        if not self.in_money:
            return False
        bad_stop = self.protect_px <= 0 or (self.px - self.protect_px) * self.sign <= 0
        return self.equity is None or self.equity <= 0 or self.px <= 0 or bool(self.policy.risk_bps and bad_stop)

    def loss(self, qty: int) -> Fraction:
        """What is lost at the stop of what a quantity opens; what it closes first loses nothing more."""
        opens = max(0, qty - max(0, -self.held))
        return abs(worth(self.spec, self.px, opens) - worth(self.spec, self.protect_px, opens))

    def margin(self, qty: int) -> Fraction:
        """What the position of a quantity and all before it binds."""
        return worth(self.spec, self.px, max(0, self.held + qty)) * Fraction(self.policy.margin_bps, _WHOLE)

    def fits(self, qty: int) -> bool:
        """The policy allows a quantity."""
        policy, equity_amt = self.policy, self.equity or 0
        return (
            qty <= _FAR
            and (not policy.max_qty or qty <= policy.max_qty)
            and (not policy.risk_bps or self.loss(qty) * _WHOLE <= equity_amt * policy.risk_bps)
            and (not policy.leverage or worth(self.spec, self.px, max(0, self.held + qty)) * 100 <= equity_amt * policy.leverage)
            and (not policy.margin_bps or self.margin(qty) <= equity_amt)
        )

    def answer(self) -> tuple[int, str]:
        """The quantity and the verdict."""
        policy, lot = self.policy, self.spec.lot_qty
        if self.unknown:
            return 0, "refused"
        if not (self.in_money or policy.max_qty):
            return (self.asked, "honoured") if self.asked else (0, "refused")
        if self.asked and self.fits(self.asked):
            return self.asked, "honoured"
        if self.asked and policy.on_excess == "refuse":
            return 0, "refused"
        low, high = 0, _FAR // lot + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.fits(middle * lot) else (low, middle)
        return (low * lot, "scaled") if low else (0, "refused")


def worth(spec: Instrument, px: int, qty: int) -> Fraction:
    """The value of a quantity in 10^-amt_digits of the settlement currency, exact."""
    units = Fraction(spec.multiplier, 10**spec.multiplier_digits) * Fraction(qty, 10**spec.qty_digits) * 10**spec.amt_digits
    price = Fraction(px, 10**spec.price_digits)
    return units / price if spec.inverse else units * price


def equity(facts: Facts, spec: Instrument) -> int | None:
    """Cash and positions in an instrument's settlement currency; None where one has no price."""
    total = facts.cash[spec.settle]
    for i, qty in enumerate(facts.position):
        other = facts.specs[i]
        if qty and other.settle == spec.settle:
            if facts.mark(i) <= 0 or other.amt_digits != spec.amt_digits:
                return None
            total += facts.value(i, facts.mark(i), qty)
    return total


class Sizes(Invariant):
    """Quantities that a policy has decided."""

    id = "SIZING"
    says = (
        "a sized order risks no more than its part of the equity, its hint is honoured, scaled or refused as the policy says, and it leaves as sized"
    )
    before = (ev.OrderSized, ev.OrderSubmitted)

    def ahead(self, seq: int, event: Any) -> None:
        """Look at a size, and at an order that leaves, before they count."""
        if isinstance(event, ev.OrderSized):
            self._size(event)
        elif event.strategy >= 0 and self.facts.opened.strategies[event.strategy].sizing is not None:
            self._leaves(event)

    def _size(self, event: ev.OrderSized) -> None:
        facts = self.facts
        signal = facts.events.get(event.cause)
        order = event.cl_ord_id
        if not isinstance(signal, ev.SignalRaised):
            self.broken(f"the size of order {order} answers no signal")
        own = (signal.strategy, signal.instrument, signal.qty) == (event.strategy, event.instrument, event.asked_qty)
        self.must(own, f"the size of order {order} is of another signal, which asked for {signal.qty}")
        terms = Terms(facts, signal, event.protect_px)
        policy = terms.policy
        if policy is None:
            self.broken(f"order {order} was sized, and {facts.names[event.strategy]} has no policy")
        self.must(not signal.reduce_only, f"order {order} only reduces, and was sized")
        self.must(
            event.qty <= max(0, event.asked_qty) or not event.asked_qty, f"order {order} asked for {event.asked_qty} and was sized up to {event.qty}"
        )
        self.must(
            event.qty % terms.spec.lot_qty == 0 or event.qty == event.asked_qty, f"order {order} was sized to {event.qty}, which is no whole lot"
        )
        self.must(event.reason, f"no reason is given for the size of order {order}")
        if event.qty and policy.risk_bps:
            room = Fraction((terms.equity or 0) * policy.risk_bps, _WHOLE)
            i = event.instrument
            self.must(
                terms.loss(event.qty) <= room,
                f"order {order} of {event.qty} loses {facts.amt_text(i, terms.loss(event.qty))} at its stop, {facts.amt_text(i, room)} may be risked",
            )
        if event.instrument not in facts.grouped:
            self._exactly(event, terms)

    def _exactly(self, event: ev.OrderSized, terms: Terms) -> None:
        order = event.cl_ord_id
        self.must(not 0 < terms.asked <= -terms.held, f"order {order} only closes what its strategy holds, and was sized")
        qty, verdict = terms.answer()
        self.must(
            (event.qty, event.verdict) == (qty, verdict),
            f"order {order} asked for {terms.asked} at {terms.px}, stop {terms.protect_px}, held {terms.held}, equity {terms.equity}: it was {event.verdict} "
            f"with {event.qty}, its policy says {verdict} with {qty}",
        )
        if terms.in_money and not terms.unknown:
            self.must(event.equity_amt == terms.equity, f"the equity is {terms.equity}, the size of order {order} rests on {event.equity_amt}")
            looked = event.qty or event.asked_qty
            margin = ceil(terms.margin(looked))
            self.must(event.margin_amt == margin, f"order {order} binds a margin of {margin}, the record says {event.margin_amt}")
            if terms.protect_px > 0:
                risk = ceil(terms.loss(looked))
                self.must(event.risk_amt == risk, f"order {order} risks {risk}, the record says {event.risk_amt}")

    def _leaves(self, event: ev.OrderSubmitted) -> None:
        facts = self.facts
        approval: Any = facts.events.get(event.cause)
        sized = facts.events.get(getattr(approval, "cause", 0))
        if isinstance(sized, ev.OrderSized):
            own = sized.qty == event.order_qty and sized.cl_ord_id == event.cl_ord_id
            self.must(own, f"order {event.cl_ord_id} leaves with {event.order_qty}, it was sized to {sized.qty}")
            return
        i, sign = event.instrument, int(event.side)
        held = sign * facts.owned[event.strategy][i] + facts.worst(i, sign, event.strategy)
        closes = event.reduce_only or event.order_qty <= -held or i in facts.grouped
        self.must(closes, f"order {event.cl_ord_id} of {facts.names[event.strategy]} opens {event.order_qty} and was not sized")


KINDS = (Sizes,)
