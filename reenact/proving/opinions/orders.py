"""Second opinions on what an order is by itself: its state, price, size, position and data."""

# ruff: noqa: ARG001 (every opinion has the same signature, needed or not)
from __future__ import annotations

from fractions import Fraction

from domain import events as ev
from domain.limits import OFF, Limit
from domain.terms import OrderType, TradingState
from reenact.proving.facts import Facts
from reenact.proving.opinions.base import (
    Opinion,
    Verdict,
    exits_at_market,
    most_of,
    position,
    reduces,
    reducible,
    shrinks,
    steady,
    strictest,
    worst_px,
)
from reenact.proving.wish import Wish


def _killed(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    state = strictest(facts, w)
    return state is not TradingState.KILLED, f"the state of its scopes is {state.name}"


def _state(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    state = strictest(facts, w)
    if state is TradingState.ACTIVE:
        return True, "trading is active"
    *shared, own = (facts.state(*place) for place in facts.places(w.strategy, w.instrument))
    ok = state is TradingState.REDUCE_ONLY
    ok = ok and (not any(shared) or reduces(facts, w)) and (not own or shrinks(facts, w, w.strategy))
    return ok, f"the state is {state.name} and {facts.qty_text(w.instrument, reducible(facts, w))} could be reduced"


def _tradable(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    ok = facts.specs[w.instrument].tradable
    return ok, f"the instrument is {'' if ok else 'not '}tradable"


def _tick(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    tick = facts.specs[w.instrument].tick_px
    named = {OrderType.LIMIT: w.limit_px, OrderType.STOP: w.stop_px, OrderType.STOP_LIMIT: w.limit_px and w.stop_px}.get(w.order_type, 1)
    bad = [px for px in (w.limit_px, w.stop_px) if px < 0 or px % tick]
    return bool(named) and not bad, f"prices {w.limit_px} and {w.stop_px} on a grid of {tick}"


def _expires(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    end = most_of(facts, limit, "expires")
    return facts.now_ns < end, f"now is {facts.now_ns}, it expires at {end}"


def _lot(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    lot = facts.specs[w.instrument].lot_qty
    return w.qty > 0 and w.qty % lot == 0, f"a quantity of {w.qty} in lots of {lot}"


def _min_notional(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    px = w.px or facts.reference(w.instrument, w.sign)[0]
    amt = abs(facts.value(w.instrument, px, w.qty)) if px > 0 else Fraction(0)
    least = facts.specs[w.instrument].min_notional_amt
    return amt >= least, f"a value of {facts.amt_text(w.instrument, amt)}, the least is {facts.amt_text(w.instrument, least)}"


def _feed_up(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    down = facts.feed_lost(w.instrument)
    return not down or exits_at_market(facts, w), f"the feed is {'down' if down else 'up'}"


def _age(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    most = most_of(facts, limit, "max_age")
    _, ns, seq = facts.reference(w.instrument, w.sign)
    if exits_at_market(facts, w):
        return True, "it only reduces, at the market"
    if not seq:
        return False, "there is no reference price"
    return facts.now_ns - ns <= most, f"the reference is {facts.now_ns - ns} ns old, the limit is {most} ns"


def _collar(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    ref, _, _ = facts.reference(w.instrument, w.sign)
    most = most_of(facts, limit, "collar_bps")
    if ref <= 0:
        return False, "there is no reference price"
    if not w.px:
        return True, "a market order has no price"
    away = Fraction(abs(w.px - ref), ref)
    i = w.instrument
    return away <= Fraction(
        most, 10_000
    ), f"price {facts.px_text(i, w.px)} is {float(away * 10_000):.4f} bps from {facts.px_text(i, ref)}, the limit is {most}"


def _value(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    px = worst_px(facts, w)
    if px <= 0:
        return False, "no price is known"
    amt, most = abs(facts.value(w.instrument, px, w.qty)), most_of(facts, limit, "max_order_value")
    return amt <= most, f"a value of {facts.amt_text(w.instrument, amt)}, the limit is {facts.amt_text(w.instrument, most)}"


def _qty(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    most = most_of(facts, limit, "max_order_qty")
    return w.qty <= most, f"a quantity of {facts.qty_text(w.instrument, w.qty)}, the limit is {facts.qty_text(w.instrument, most)}"


def _position(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    held, buys, sells = position(facts, w)
    worst = held + buys + w.qty if w.sign > 0 else sells + w.qty - held
    most = most_of(facts, limit, "max_long" if w.sign > 0 else "max_short")
    i = w.instrument
    text = f"the position is {facts.qty_text(i, held)}, at worst {facts.qty_text(i, worst)} {'long' if w.sign > 0 else 'short'}"
    return most == OFF or worst <= most, f"{text}, the limit is {facts.qty_text(i, most) if most != OFF else 'off'}"


def _reduce_only(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if not w.reduce_only:
        return True, "it is not reduce-only"
    most = reducible(facts, w)
    return w.qty <= most, f"{facts.qty_text(w.instrument, w.qty)} of at most {facts.qty_text(w.instrument, most)} that can be reduced"


def _collar_ticks(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    return _absolute(facts, w, most_of(facts, limit, "collar_ticks") * facts.specs[w.instrument].tick_px)


def _collar_px(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    return _absolute(facts, w, most_of(facts, limit, "collar_px"))


def _absolute(facts: Facts, w: Wish, most: int) -> Verdict:
    ref, _, _ = facts.reference(w.instrument, w.sign)
    if ref <= 0:
        return False, "there is no reference price"
    i = w.instrument
    return not w.px or abs(
        w.px - ref
    ) <= most, f"price {facts.px_text(i, w.px)} against {facts.px_text(i, ref)}, the limit is {facts.px_text(i, most)}"


def _drift(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None or not steady(facts, limit, member, window=1):
        return None
    if not w.px:
        return True, "it has no price of its own"
    most, window = facts.number(limit, "collar_drift_bps"), facts.number(limit, "collar_drift_window")
    prices = [w.px]
    for m, strategy, i in facts.since(facts.now_ns - window):
        if i == w.instrument and isinstance(m, ev.OrderSubmitted | ev.OrderReplaceRequested) and (limit.scope, member) in facts.places(strategy, i):
            prices.append(m.limit_px or m.stop_px)
    own = [px for px in prices if px]
    if min(own) <= 0:
        return False, "a price is none"
    away = Fraction((max(own) - min(own)) * 10_000, min(own))
    return away <= most, f"own prices from {min(own)} to {max(own)} in {window} ns, {float(away):.2f} bps apart, the limit is {most}"


def _share(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    most, average = most_of(facts, limit, "max_volume_bps"), most_of(facts, limit, "average_volume")
    if OFF in (most, average):
        return True, "no part of the volume is bounded"
    part = Fraction(w.qty * 10_000, average) if average else None
    return part is not None and part <= most, f"a quantity of {w.qty} where {average} are traded, the limit is {most} bps"


OPINIONS: dict[str, Opinion] = {
    "K-01": _killed, "K-02": _state, "R-19a": _tradable, "R-19b": _tick, "R-19c": _lot, "R-19e": _expires, "R-19d": _min_notional, "R-20a": _feed_up, "R-20": _age,
    "R-01": _collar, "R-01a": _collar_ticks, "R-01b": _collar_px, "R-03": _value, "R-04": _qty, "R-04a": _share, "R-02": _drift, "R-07": _position, "R-23": _reduce_only,
}  # fmt: skip
