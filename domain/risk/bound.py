"""A limit in force for one member of its scope, in the form that rules read on the hot path.

Invariants: one with a memory stays the same object over all versions of its limit, so that what a rule remembers outlives a change.
"""

from __future__ import annotations

from typing import Any, Final

from domain.limits import OFF, Check, Limit
from domain.terms import Scope

_Check: Final = Check  # compiled code holds a Final; an imported class it looks up each time
MOST: Final = 2**63 - 1
_NEAR: Final = 2**62 - 1  # compiled code compares with numbers up to this without making an object
ANYONE: Final = -2


class Newest:
    """The seq that was recorded last, also as an object: most answers to an order rest on the same price, and to make an integer costs as much as to
    compare one. One for all bounds of a session."""

    __slots__ = ("seq", "shown")

    def __init__(self) -> None:
        self.seq = 0
        self.shown: Any = 0

    def of(self, seq: int) -> Any:
        """The seq as an object."""
        if seq != self.seq:
            self.seq = seq
            self.shown = seq
        return self.shown


class Bound:
    """What a check is asked about.

    id, values: of the limit in force (0 and empty for a rule that needs none); most: the first value. member: the symbol, name, class or
    venue it binds, empty where a limit of instruments needs no memory and one bound serves them all. instruments: indexes within the scope,
    of such a one empty. strategy: the strategy it binds alone, `ANYONE` else. memory: what the rule
    remembers for this member, None for a rule that remembers nothing. place: a number that all bounds of one member of one scope share. asked: the rule's check and this bound, as gates hold them.
    whole: none of the values is off. last: the newest answer, with the numbers it was made of.
    """

    __slots__ = (
        "_id", "_limit", "_limit_shown", "_newest", "_observed", "_seen", "_version", "asked", "id", "instruments", "last", "member", "memory", "most", "passed", "place", "rule", "scope", "strategy",
        "values", "version", "whole",
    )  # fmt: skip

    def __init__(
        self, rule: str, version: int, scope: Scope, member: str, instruments: tuple[int, ...], strategy: int, place: int = 0,
        newest: Newest | None = None,
    ) -> None:  # fmt: skip
        self.rule = rule
        self.version = version
        self.scope = scope
        self.member = member
        self.instruments = instruments
        self.strategy = strategy
        self.id = 0
        self.values: tuple[int, ...] = ()
        self.most = -1
        self.memory: Any = None
        self.place = place
        self.asked: Any = None
        self.last: Check | None = None
        self.passed = self.whole = False
        self._newest = newest or Newest()
        self._observed = self._limit = self._seen = 0
        # The same three numbers as objects: to make one of an integer at each answer costs as much as the comparison.
        self._limit_shown: Any = 0
        self._id: Any = 0
        self._version: Any = version

    def take(self, limit: Limit) -> None:
        """Bind by another version of the limit."""
        self.id = self._id = limit.id
        self.values = limit.values
        self.most = limit.values[0]
        self.whole = OFF not in limit.values
        self.last = None

    def answer(self, passed: bool, observed: int, limit: int, seen: int) -> Check:
        """The answer as the log records it. Most answers are those given to the order before: then it is the same record."""
        last = self.last
        if last is not None and observed == self._observed and seen == self._seen and limit == self._limit and passed == self.passed:
            return last
        self.passed = passed
        self._observed = observed
        if limit != self._limit:
            self._limit = limit
            self._limit_shown = shown(limit)
        self._seen = seen
        self.last = last = _Check(self.rule, passed, shown(observed), self._limit_shown, self._newest.of(seen), self._id, self._version)
        return last


def shown(n: int) -> int:
    """A compared number as the log can hold it: what needs more than 64 bits is recorded as the largest (the comparison itself is exact)."""
    if -_NEAR <= n <= _NEAR:
        return n
    return MOST if n > MOST else -MOST if n < -MOST else n


def answer(b: Bound, passed: bool, observed: int, limit: int, seen: int = 0) -> Check:
    """A rule's answer; see `Check`."""
    return b.answer(passed, observed, limit, seen)
