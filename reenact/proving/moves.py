"""Every move of a session by family; what the machine draws from.

Invariants: a number past the last move means the first ones again, so that no number is wasted and a smaller one is a plainer move.
"""

from __future__ import annotations

from collections.abc import Callable

from reenact.proving.dice import Dice
from reenact.proving.market import Market
from reenact.proving.persons import Persons
from reenact.proving.venue import Venue
from reenact.proving.walk import Walk

FAMILIES = ("market", "wishes", "venue", "persons", "time", "restart")
Move = tuple[int, int]
"""A family's index and a number."""


class Moves:
    """What can happen in one session. `style` says how: bit 0 the user's own strategies run, else the adversary; bit 1 halts and kills are
    asked for; bit 2 the market is gentle and orders are plain; bit 3 the adversary opens groups of orders.
    """

    def __init__(self, walk: Walk, style: int) -> None:
        self.walk = walk
        self._venue = Venue(walk, gentle=bool(style & 4))
        market = Market(walk, attacked=not style & 1, gentle=bool(style & 4), grouped=bool(style & 8))
        self._persons = Persons(walk, stern=bool(style & 2))
        self._by: tuple[tuple[Callable[[Dice], None], ...], ...] = (
            market.market(), market.wishes(), self._venue.moves(), self._persons.moves(), (market.wait,), (self._restart,),
        )  # fmt: skip

    def play(self, move: Move) -> None:
        """Make one move."""
        family, number = move
        d = Dice(number)
        d.one(self._by[family % len(self._by)])(d)

    def _restart(self, d: Dice) -> None:
        self.walk.resume(self._venue.ticked(d))
