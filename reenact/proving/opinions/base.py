"""What the second opinions share: quantities, prices and values, worked out from the recount alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from domain import events as ev
from domain.limits import OFF, Limit
from domain.terms import OrderType, Scope, TradingState
from reenact.proving.facts import Facts
from reenact.proving.wish import Wish

Verdict = tuple[bool, str] | None
Opinion = Callable[[Facts, Wish, Limit | None, str], Verdict]
ANYONE = None
Money = int | Fraction
Found = Money | None


def position(facts: Facts, w: Wish) -> tuple[int, int, int]:
    """(position, what may still be bought, what may still be sold) at worst, without the order that the wish would replace."""
    i = w.instrument
    own = w.old.worst if w.old is not None else 0
    buys, sells = facts.worst(i, 1), facts.worst(i, -1)
    return facts.position[i], buys - (own if w.sign > 0 else 0), sells - (own if w.sign < 0 else 0)


def reducible(facts: Facts, w: Wish) -> int:
    """How much the wish may trade without making the account's position larger or turning it, whatever else fills; what replaces a reduce-only
    order may keep its size.
    """
    have, buys, sells = position(facts, w)
    least = w.old.worst if w.old is not None and w.reduce_only else 0
    return max(least, -have - buys) if w.sign > 0 else max(least, have - sells)


def reduces(facts: Facts, w: Wish) -> bool:
    """The wish can only make the account's position smaller."""
    return 0 < w.qty <= reducible(facts, w)


def strictest(facts: Facts, w: Wish) -> TradingState:
    """The strictest state of the scopes of a wish."""
    return max(facts.state(*place) for place in facts.places(w.strategy, w.instrument))


def worst_px(facts: Facts, w: Wish) -> int:
    """The price at which a wish is worth most: its own or the reference's; 0 when there is neither."""
    prices = [px for px in (w.px, facts.reference(w.instrument, w.sign)[0]) if px > 0]
    if not prices:
        return 0
    return min(prices) if facts.specs[w.instrument].inverse else max(prices)


def most_of(facts: Facts, limit: Limit | None, name: str) -> int:
    """A limit's number by its parameter's name."""
    return OFF if limit is None else facts.number(limit, name)


def within(facts: Facts, limit: Limit, member: str, i: int) -> bool:
    """Whether an instrument belongs to a limit's scope."""
    spec = facts.specs[i]
    match limit.scope:
        case Scope.VENUE:
            return spec.venue == member
        case Scope.CLASS:
            return spec.asset_class == member
        case Scope.INSTRUMENT:
            return spec.symbol == member
    return True


def who(facts: Facts, limit: Limit, member: str) -> int | None:
    """The strategy a limit binds alone (-1: persons), None for everybody."""
    return {name: i for i, name in enumerate(facts.names[:-1])}.get(member, -1) if limit.scope is Scope.STRATEGY else None


def held(facts: Facts, strategy: int | None, i: int) -> int:
    """The filled position, signed, of everybody or of one strategy."""
    return facts.position[i] if strategy is None else facts.owned[strategy][i]


def open_qty(facts: Facts, w: Wish, strategy: int | None, i: int) -> tuple[int, int]:
    """What may still be bought and sold at worst, without the order that the wish would replace."""
    buys, sells = facts.worst(i, 1, strategy), facts.worst(i, -1, strategy)
    if w.old is not None and w.old.instrument == i and strategy in (None, w.old.strategy):
        if w.old.sign > 0:
            buys -= w.old.worst
        else:
            sells -= w.old.worst
    return buys, sells


def shrinks(facts: Facts, w: Wish, strategy: int | None) -> bool:
    """The wish can only make the position of a limit's owner smaller, whatever else fills."""
    if strategy is None:
        return reduces(facts, w)
    have = held(facts, strategy, w.instrument)
    buys, sells = open_qty(facts, w, strategy, w.instrument)
    least = w.old.worst if w.old is not None and w.reduce_only else 0
    return 0 < w.qty <= max(least, -have - buys if w.sign > 0 else have - sells)


def exposed(facts: Facts, w: Wish, strategy: int | None, i: int) -> bool:
    """There is a position or an order that could open one."""
    replaced = w.old is not None and w.old.instrument == i
    return replaced or bool(held(facts, strategy, i) or facts.worst(i, 1, strategy) or facts.worst(i, -1, strategy))


def mark(facts: Facts, i: int) -> int:
    """The price an exposure is valued at: what a buyer would be measured against, for an inverse contract a seller."""
    return facts.reference(i, -1 if facts.specs[i].inverse else 1)[0]


def steady(facts: Facts, limit: Limit, member: str, *, window: int) -> bool:
    """The limit has bound since the session opened, never off, always with the same window (the place of its number)."""
    versions = [one for one in facts.limits if one.rule == limit.rule and one.scope == limit.scope and member in (one.members or ("",))]
    first = versions[0]
    return first.id <= len(facts.opened.limits) and all(OFF not in one.values and one.values[window] == first.values[window] for one in versions)


def messages(facts: Facts, limit: Limit, member: str, since_ns: int) -> list[ev.Event]:
    """Requests sent in a limit's scope after a time."""
    return [m for m, s, i in facts.since(since_ns) if (limit.scope, member) in facts.places(s, i)]


def exits_at_market(facts: Facts, w: Wish) -> bool:
    """It is a market order and only reduces."""
    return w.order_type is OrderType.MARKET and reduces(facts, w)
