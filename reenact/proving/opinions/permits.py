"""Second opinions on who may send what, when, and beside which other orders."""

# ruff: noqa: ARG001 (every opinion has the same signature, needed or not)
from __future__ import annotations

from fractions import Fraction

from domain.limits import OFF, Limit
from reenact.proving.facts import PERSON, Facts
from reenact.proving.opinions.base import Opinion, Verdict, exits_at_market, held, most_of, open_qty, position, shrinks, steady
from reenact.proving.wish import Wish

_MINUTE_NS = 60 * 10**9


def _connected(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    venue = facts.specs[w.instrument].venue
    return venue not in facts.lost_venues, f"the session with {venue} is {'broken' if venue in facts.lost_venues else 'up'}"


def _duplicate_id(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    return w.cl_ord_id not in facts.by_id, f"the id {w.cl_ord_id} was used before"


def _owner(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if not most_of(facts, limit, "require_owner"):
        return True, "no owner is asked for"
    named = w.strategy == PERSON or bool(facts.opened.strategies[w.strategy].owner.strip())
    return named, f"{'somebody' if named else 'nobody'} answers for {facts.names[w.strategy]}"


def _duplicate(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None or w.intentional or w.old is not None:
        return True, "it is no repetition"
    if not steady(facts, limit, member, window=0):
        return None
    window = facts.number(limit, "duplicate_window")
    mine = (w.instrument, w.sign, w.qty, w.order_type, w.limit_px, w.stop_px)
    for k in facts.orders:
        sent = k.sent
        same = mine == (k.instrument, k.sign, sent.order_qty, sent.order_type, sent.limit_px, sent.stop_px)
        if same and facts.now_ns - k.ns < window and (limit.scope, member) in facts.places(k.strategy, k.instrument):
            return False, f"order {sent.cl_ord_id} was the same {facts.now_ns - k.ns} ns before, the window is {window} ns"
    return True, f"no equal order in {window} ns"


def _self_trade(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if not most_of(facts, limit, "self_trade"):
        return None
    for k in facts.working.values():
        if k.instrument != w.instrument or k.sign == w.sign:
            continue
        for px in [k.limit_px, *(r.limit_px for r in k.asked.values())]:
            if not px or not w.limit_px or (px <= w.limit_px if w.sign > 0 else px >= w.limit_px):
                return False, f"its price {w.limit_px} meets our own order {k.cl_ord_id} at {px}"
    return True, f"its price {w.limit_px} meets none of our own orders"


def _restricted(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    start, end = most_of(facts, limit, "restricted_from"), most_of(facts, limit, "restricted_until")
    closed = start <= facts.now_ns and (end == OFF or facts.now_ns < end)
    return not closed, f"now is {facts.now_ns}, restricted from {start} until {end}"


def _hours(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    first, last = facts.numbers(limit, "hours")
    minute = facts.now_ns // _MINUTE_NS % 1440
    hours = range(first, last) if first <= last else (*range(first, 1440), *range(last))
    return minute in hours, f"minute {minute} of the day, open from {first} to {last}"


def _listed(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    ok = w.strategy == PERSON or w.instrument in facts.opened.strategies[w.strategy].instruments
    return ok, f"{facts.names[w.strategy]} {'lists' if ok else 'does not list'} the instrument"


def _exclusive(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if most_of(facts, limit, "exclusive") <= 0:
        return True, "anyone may trade it"
    i = w.instrument
    others = [s for s in facts.owned if s != w.strategy and (held(facts, s, i) or facts.worst(i, 1, s) or facts.worst(i, -1, s))]
    smaller = shrinks(facts, w, None if w.strategy == PERSON else w.strategy)
    return not others or smaller, f"{', '.join(facts.names[s] for s in others) or 'nobody else'} holds or works something in it"


def _types(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    allowed = most_of(facts, limit, "order_types")
    return bool(allowed >> int(w.order_type) & 1), f"type {w.order_type.name} of the types {allowed:b}"


def _deny_short(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if not most_of(facts, limit, "deny_short") or w.sign > 0:
        return True, "it cannot go short"
    short = open_qty(facts, w, w.strategy, w.instrument)[1] + w.qty - held(facts, w.strategy, w.instrument)
    return short <= 0, f"{facts.names[w.strategy]} could be short {facts.qty_text(w.instrument, short)}"


def _locate(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if not most_of(facts, limit, "require_locate") or w.sign > 0:
        return True, "it cannot go short"
    have, _, sells = position(facts, w)
    short = sells + w.qty - have
    return short <= 0 or bool(w.locate.strip()), f"the account could be short {facts.qty_text(w.instrument, short)}, locate {w.locate!r}"


def _borrow(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if w.sign > 0:
        return True, "it cannot go short"
    have, _, sells = position(facts, w)
    most, i = most_of(facts, limit, "borrow_qty"), w.instrument
    lowest = have - sells - w.qty
    return lowest + most >= 0, f"fills of every sell leave {facts.qty_text(i, lowest)}, {facts.qty_text(i, most)} may be borrowed"


def _jump(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    px, _, seq = facts.reference(w.instrument, w.sign)
    before = facts.price_before(w.instrument, w.sign, seq)
    if exits_at_market(facts, w):
        return True, "it only reduces, at the market"
    if before <= 0 or px <= 0:
        return False, "there is no price, or none before it"
    most = most_of(facts, limit, "max_jump_bps")
    jump = Fraction(abs(px - before) * 10_000, before)
    return jump <= most, f"the price went from {before} to {px}, {float(jump):.2f} bps, the limit is {most}"


def _crossed(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    quote = facts.quotes[w.instrument]
    if not most_of(facts, limit, "deny_crossed") or quote is None or not quote[1] or not quote[3] or exits_at_market(facts, w):
        return True, "no book could be crossed"
    return quote[0] < quote[2], f"the book stands at {quote[0]} bid, {quote[2]} offered"


def _gapped(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    seq = facts.reference(w.instrument, w.sign)[2]
    gap = facts.gaps.get(w.instrument, 0)
    if not most_of(facts, limit, "deny_gapped") or exits_at_market(facts, w):
        return True, "gaps stop nothing"
    return gap <= seq, f"a gap at {gap}, the price is of {seq}"


OPINIONS: dict[str, Opinion] = {
    "K-03": _connected, "R-15": _duplicate_id, "K-04": _owner, "R-14": _duplicate, "R-16": _self_trade, "R-17": _restricted, "R-22": _hours,
    "R-18a": _listed, "R-18": _types, "R-18b": _deny_short, "R-18c": _exclusive, "R-21": _locate, "R-21b": _borrow, "R-20b": _jump, "R-20c": _crossed, "R-20d": _gapped,
}  # fmt: skip
