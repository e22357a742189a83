"""Decides which groups of a session are looked after, which are remembered, and what their orders count where only reducing is allowed.

Invariants: an open group is never forgotten; of the closed ones the last `CLOSED_GROUPS` are remembered, so that a late fill finds its group.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from domain.groups.group import Group, Part
from domain.order import Order
from domain.terms import GroupKind, Side

CLOSED_GROUPS: Final = 1024


class GroupBook:
    """The groups of a session. `open` are those with something to do, by instrument and number; `count` numbers all."""

    __slots__ = ("_closed", "_groups", "_of", "count", "open")

    def __init__(self) -> None:
        self.count = 0
        self.open: dict[int, dict[int, Group]] = {}
        self._groups: dict[int, Group] = {}
        self._closed: deque[Group] = deque()
        self._of: dict[int, tuple[Group, Part]] = {}

    def add(self, g: Group) -> None:
        """Look after a new group."""
        self._groups[g.number] = g
        self.open.setdefault(g.instrument, {})[g.number] = g

    def find(self, number: int) -> Group | None:
        """A group by its number; None for one that is forgotten."""
        return self._groups.get(number)

    def file(self, order: Order, g: Group, part: Part) -> None:
        """An order belongs to a group."""
        self._of[order.number] = (g, part)

    def place_of(self, order: Order) -> tuple[Group, Part] | None:
        """The group and the role of an order, None for one that has none."""
        return self._of.get(order.number)

    def protects(self, order: Order) -> bool:
        """The order is the stop or the target of a position that an open bracket looks after."""
        found = self._of.get(order.number)
        return found is not None and not found[0].closed and found[1].leg.reduce_only and found[0].kind is GroupKind.BRACKET

    def reopen(self, g: Group) -> None:
        """Look after a closed group again."""
        g.closed = False
        self._closed.remove(g)
        self.open.setdefault(g.instrument, {})[g.number] = g

    def close(self, g: Group) -> None:
        """Nothing is left to do for a group; the oldest closed one may be forgotten now."""
        g.closed = True
        groups = self.open[g.instrument]
        del groups[g.number]
        if not groups:
            del self.open[g.instrument]
        self._closed.append(g)
        if len(self._closed) > CLOSED_GROUPS:
            oldest = self._closed.popleft()
            del self._groups[oldest.number]
            for part in oldest.parts.values():
                for order in part.orders:
                    del self._of[order.number]

    def shared(self, instrument: int, side: Side, strategy: int, own: Group | None, replaced: Order | None) -> tuple[int, int]:
        """What the working orders of one side count too much where of the exits of a group only one is meant to trade: (all groups, the strategy's).

        Each group's exits count like the largest of them; beside an order of the same group (`own`, or that of the order being replaced) they
        do not count at all.
        """
        if replaced is not None:
            found = self._of.get(replaced.number)
            own = found[0] if found is not None else None
        every = ours = 0
        for g in self.open.get(instrument, {}).values():
            total = most = 0
            for part in g.exits:
                for order in part.orders:
                    if order.side is side and order is not replaced:
                        leaves = order.worst_leaves
                        total += leaves
                        most = max(most, leaves)
            twice = total if g is own else total - most
            every += twice
            if g.strategy == strategy:
                ours += twice
        return every, ours
