"""Second opinions on what everything held and working is worth at worst."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from domain.limits import Limit
from reenact.proving.facts import Facts
from reenact.proving.opinions.base import Found, Money, Opinion, Verdict, held, mark, open_qty, shrinks, who, within, worst_px
from reenact.proving.wish import Wish

Measure = Callable[[int, int, int], int]


def _worth(facts: Facts, i: int, px: int, qty: int) -> int:
    amt = facts.value(i, px, qty)
    return -amt if facts.specs[i].inverse else amt


def _gross_qty(have: int, buys: int, sells: int) -> int:
    return max(abs(have + buys), abs(have - sells)) if have + buys >= 0 or have - sells <= 0 else max(have + buys, sells - have)


def _rest(facts: Facts, w: Wish, limit: Limit, member: str, measure: Measure) -> Found:
    """What the scope's other instruments are worth; None without a price or in other money."""
    total: Money = 0
    strategy = who(facts, limit, member)
    for i, spec in enumerate(facts.specs):
        if i == w.instrument or not within(facts, limit, member, i):
            continue
        qty = measure(held(facts, strategy, i), *open_qty(facts, w, strategy, i))
        if not qty:
            continue
        if mark(facts, i) <= 0 or spec.settle != facts.specs[w.instrument].settle:
            return None
        total += _worth(facts, i, mark(facts, i), qty)
    return total


def _parts(facts: Facts, w: Wish, limit: Limit, member: str) -> tuple[Money, Money] | None:
    """Worst-case gross exposure of the others, and of the wish's own instrument with the wish."""
    i = w.instrument
    rest = _rest(facts, w, limit, member, lambda have, buys, sells: max(have + buys, sells - have))
    px, at = worst_px(facts, w), mark(facts, i)
    if rest is None or px <= 0:
        return None
    have = held(facts, who(facts, limit, member), i)
    buys, sells = open_qty(facts, w, who(facts, limit, member), i)
    up, down = have + buys, sells - have
    same, opposite = (up, down) if w.sign > 0 else (down, up)
    if at <= 0:
        if same > 0 or opposite > 0:
            return None
        at = px
    before = max(0, same)
    added = max(0, same + w.qty) - before
    with_wish = _worth(facts, i, at, before) + _worth(facts, i, px, added)
    return rest, max(with_wish, _worth(facts, i, at, max(0, opposite)))


def _total(facts: Facts, w: Wish, limit: Limit, member: str, measure: Measure) -> Found:
    """What the scope is worth by a measure, with the wish on top in full."""
    i = w.instrument
    rest = _rest(facts, w, limit, member, measure)
    px, at = worst_px(facts, w), mark(facts, i)
    if rest is None or px <= 0:
        return None
    qty = measure(held(facts, who(facts, limit, member), i), *open_qty(facts, w, who(facts, limit, member), i))
    if qty and at <= 0:
        return None
    return rest + (_worth(facts, i, at, qty) if qty else 0) + _worth(facts, i, px, w.qty)


def _fits(facts: Facts, w: Wish, limit: Limit, member: str, amt: Found, most: Money, what: str) -> Verdict:
    """At most so much, or the wish only reduces."""
    ok = shrinks(facts, w, who(facts, limit, member)) or (amt is not None and amt <= most)
    i = w.instrument
    return ok, f"{what} would be {facts.amt_text(i, amt) if amt is not None else 'without a price'}, the limit is {facts.amt_text(i, most)}"


def _gross(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    parts = _parts(facts, w, limit, member)
    return _fits(facts, w, limit, member, parts and sum(parts), limit.values[0], "worst-case gross exposure")


def equity(facts: Facts, w: Wish) -> Found:
    """Cash and positions in the wish's currency at the last prices; None where one has no price."""
    settle = facts.specs[w.instrument].settle
    total = facts.cash[settle]
    for i, qty in enumerate(facts.position):
        if qty and facts.specs[i].settle == settle:
            if facts.mark(i) <= 0:
                return None
            total += facts.value(i, facts.mark(i), qty)
    return total


def _per_equity(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    parts, own = _parts(facts, w, limit, member), equity(facts, w)
    if parts is None or own is None or own <= 0:
        return shrinks(facts, w, who(facts, limit, member)), "there is no equity or no price"
    return _fits(facts, w, limit, member, sum(parts), Fraction(own) * limit.values[0] / 100, "worst-case gross exposure")


def _margin(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    parts, own = _parts(facts, w, limit, member), equity(facts, w)
    if parts is None or own is None:
        return shrinks(facts, w, who(facts, limit, member)), "there is no price"
    needed = Fraction(sum(parts)) * limit.values[0] / 10_000
    return _fits(facts, w, limit, member, needed, max(own, 0), "margin")


def _net(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    measure: Measure = (lambda have, buys, _: have + buys) if w.sign > 0 else (lambda have, _, sells: sells - have)
    return _fits(facts, w, limit, member, _total(facts, w, limit, member, measure), limit.values[0], "worst-case net exposure")


def _credit(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    amt = _total(facts, w, limit, member, lambda have, buys, sells: abs(have) + buys + sells)
    return _fits(facts, w, limit, member, amt, limit.values[0], "used credit")


def _open_value(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    amt = _total(facts, w, limit, member, lambda _, buys, sells: buys + sells)
    return _fits(facts, w, limit, member, amt, limit.values[0], "the value of open orders")


def _concentration(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    parts = _parts(facts, w, limit, member)
    strategy = who(facts, limit, member)
    if parts is None:
        return shrinks(facts, w, strategy), "there is no price"
    rest, own = parts
    have = held(facts, strategy, w.instrument)
    buys, sells = open_qty(facts, w, strategy, w.instrument)
    if not rest and have + buys <= 0 and sells - have <= 0:
        return True, "nothing else is exposed"
    part = Fraction(own) / (rest + own) if rest + own else 0
    most = limit.values[0]
    return part * 10_000 <= most or shrinks(facts, w, strategy), f"{float(part * 100):.2f} % of gross exposure, the limit is {most / 100} %"


def _loss(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    purse = facts.purses.get((limit.rule, limit.scope, member))
    if purse is None or not purse.steady:
        return None
    if shrinks(facts, w, who(facts, limit, member)):
        return True, "it only reduces"
    if purse.halt is not None:
        return False, f"{limit.rule} has tripped"
    if limit.rule == "L-03":
        most = facts.number(limit, "loss_streak")
        return most < 0 or purse.streak() < most, f"{purse.streak()} round trips were lost, {most} trip the breaker"
    if facts.specs[w.instrument].settle != purse.currency:
        return False, "it is in other money"
    marked = limit.rule == "L-02" or facts.number(limit, "daily_loss") >= 0
    if marked and purse.loss() is None:
        return False, "there is no price"
    return not purse.beyond(), purse.beyond() or "the loss is within its limit"


OPINIONS: dict[str, Opinion] = {
    "L-01": _loss, "L-02": _loss, "L-03": _loss,
    "R-08d": _gross, "R-09": _gross, "R-09b": _per_equity, "R-10": _net, "R-10b": _concentration, "R-11": _credit, "R-12": _margin, "R-13b": _open_value,
}  # fmt: skip
