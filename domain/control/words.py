"""Decides what a person's words mean in this session, and which sentence answers words that mean nothing.

Invariants: a sentence names what was written and what is known; it is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.desk import Desk
from domain.order import Order
from domain.risk.book import OPERATOR_NAME, Book, Place
from domain.terms import Scope, TradingState

SCOPES = {scope.name.lower(): scope for scope in Scope}
STATES = {TradingState.REDUCE_ONLY: "reduce-only", TradingState.HALTED: "halted", TradingState.KILLED: "killed"}
PERSON = "person"
"""What a person's halt is called where the log has an empty rule."""


class Refused(Exception):
    """The command cannot be obeyed, for the reason given."""


def scope_of(word: str) -> Scope:
    """The scope of that name. Raises Refused."""
    scope = SCOPES.get(word)
    if scope is None:
        raise Refused(f"there is no scope {word!r}; known are {', '.join(SCOPES)}{nearest(word, SCOPES)}")
    return scope


def place_of(book: Book, word: str, member: str) -> Place:
    """The place that a scope and one of its members name. Raises Refused for one that this session does not have."""
    scope = scope_of(word)
    known = book.members(scope)
    if member in known:
        return scope, member
    if scope is Scope.ACCOUNT:
        raise Refused(f"the account has no members: leave {member!r} out")
    if not member:
        raise Refused(f"name the {word} that is meant: {_listed(known)}")
    raise Refused(f"there is no {word} {member!r} in this session; known are {_listed(known)}{nearest(member, known)}")


def place_text(place: Place) -> str:
    """A place as people read it."""
    scope, member = place
    return "the account" if scope is Scope.ACCOUNT else f"{scope.name.lower()} {member}"


def strategy_of(book: Book, name: str) -> int:
    """The index of a strategy, -1 for orders by hand. Raises Refused."""
    place_of(book, "strategy", name)
    names = book.members(Scope.STRATEGY)
    return -1 if name == OPERATOR_NAME else names.index(name)


def instrument_of(desk: Desk, symbol: str) -> int:
    """The index of an instrument. Raises Refused."""
    symbols = [spec.symbol for spec in desk.state.instruments]
    if symbol not in symbols:
        raise Refused(f"there is no instrument {symbol!r} in this session; known are {_listed(symbols)}{nearest(symbol, symbols)}")
    return symbols.index(symbol)


def working_in(desk: Desk, place: Place) -> list[Order]:
    """The orders in scope that may still trade, UNKNOWN ones included, in the order of their submission."""
    covers = desk.risk.covers
    return [order for order in desk.state.orders.working() if covers(*place, order.strategy, order.instrument)]


def nearest(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?" when something near is known, else nothing. Near: at most a third of the letters differ."""
    best, least = "", len(word) // 3 + 1
    for other in known:
        away = _distance(word.lower(), other.lower())
        if away < least:
            best, least = other, away
    return f"; did you mean {best!r}?" if best else ""


def _distance(a: str, b: str) -> int:
    """How many letters must be put in, left out or changed. Source: Levenshtein, Soviet Physics Doklady 10(8), 1966."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


def _listed(names: Iterable[str], most: int = 20) -> str:
    """Names for a sentence, a long list cut short."""
    names = list(names)
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
