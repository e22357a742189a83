"""What a rule must remember to answer.

`takes` are the event types that a memory hears of by `evolve`: order events reach the memories of the order's own scopes with the order, all
others reach every memory with None. One that has `trade` hears of position changes as well. `retake()`, if there is one, is called after the
limit changed. The built-in ones derive from `Memory`, which makes telling them cheap; any object with the same methods will do.

Invariants: what is remembered follows from the events alone.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Memory:
    """What one rule remembers for one member of a scope."""

    __slots__ = ()

    takes: ClassVar[tuple[type, ...]] = ()

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Fold one event; `order` is the `Order` that an order event concerns, else None."""

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Fold a position change: signed quantity; the event is a fill, a bust, a correction or a foreign trade."""


class Told(Memory):
    """A memory of any other class, told as ours are."""

    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Pass it on."""
        self.inner.evolve(event, order, seq)

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Pass it on."""
        self.inner.trade(event, instrument, strategy, qty, px, seq)


def told(memory: Any) -> Memory:
    """The memory as the house tells it of events."""
    return memory if isinstance(memory, Memory) else Told(memory)


def hears_trades(memory: Any) -> bool:
    """The memory has a `trade` of its own."""
    return getattr(type(memory), "trade", Memory.trade) is not Memory.trade
