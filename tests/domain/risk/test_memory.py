"""How what a rule remembers is told of events, whatever its class."""

from __future__ import annotations

import pytest

from domain.risk.memory import Memory, Told, hears_trades, told


class Own(Memory):
    takes = (int,)

    def __init__(self) -> None:
        self.heard: list[object] = []

    def evolve(self, event: object, order: object, seq: int) -> None:
        self.heard.append((event, order, seq))


class Trades(Own):
    def trade(self, event: object, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        self.heard.append((event, instrument, strategy, qty, px, seq))


class Foreign:
    takes = ()

    def __init__(self) -> None:
        self.heard: list[object] = []

    def evolve(self, event: object, order: object, seq: int) -> None:
        self.heard.append((event, order, seq))


class ForeignTrades(Foreign):
    def trade(self, event: object, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        self.heard.append((event, instrument, strategy, qty, px, seq))


@pytest.mark.parametrize(("kind", "own", "trades"), [(Own, True, False), (Trades, True, True), (Foreign, False, False), (ForeignTrades, False, True)])
def test_a_memory_of_any_class_is_told_the_same(kind: type[Own] | type[Foreign], own: bool, trades: bool) -> None:
    """Given a memory that derives from ours or not, with or without trades, then it hears what was said, in its own object."""
    memory = kind()
    heard = told(memory)
    assert (heard is memory) is own
    assert isinstance(heard, Told) is not own
    assert hears_trades(memory) is trades
    heard.evolve("event", "order", 3)
    expected: list[object] = [("event", "order", 3)]
    if trades:
        heard.trade("event", 1, 2, -5, 100, 4)
        expected.append(("event", 1, 2, -5, 100, 4))
    assert memory.heard == expected


def test_a_memory_that_wants_nothing_takes_nothing() -> None:
    """Given the base alone, then it asks for no event and does nothing when told."""
    memory = Memory()
    memory.evolve(object(), None, 1)
    memory.trade(object(), 0, 0, 1, 1, 1)
    assert memory.takes == ()
