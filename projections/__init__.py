"""Decides what a view is: a pure fold of a session's events that answers questions about it.

Invariants: a view depends on the events alone, never on where commits or runs of ticks were cut; views do not import each other;
rows hold plain integers (with their digits or their `Instrument`), so that the edge decides how people see them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from domain.events import AnyRecorded, Event, StrategySpec
from domain.ticks import Ticks

Handlers = Mapping[type[Event], Callable[[int, Any], None]]


class View(Protocol):
    """What `projections.rebuild.fold` needs: single events through `evolve`, runs of market data through `advance`.

    `handlers` says which events the view reads, and with what; `evolve` is the same thing through one door.
    """

    @property
    def handlers(self) -> Handlers: ...

    def evolve(self, seq: int, event: AnyRecorded) -> None:
        """Fold one event that is no tick."""
        ...

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        """Fold a run of consecutive ticks, the first of which has `first_seq`."""
        ...


class Fold:
    """Base of the views: `evolve` by the class of the event, ticks ignored unless `advance` is overridden."""

    handlers: Handlers

    def evolve(self, seq: int, event: AnyRecorded) -> None:
        """Fold one event that is no tick; events the view does not read change nothing."""
        handler = self.handlers.get(type(event))
        if handler is not None:
            handler(seq, event)

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        """Fold a run of ticks; by default nothing."""


def strategy_name(strategies: Sequence[StrategySpec], index: int) -> str:
    """The name of a session's strategy, "" for orders by hand and trades from elsewhere (index -1)."""
    return strategies[index].name if index >= 0 else ""
