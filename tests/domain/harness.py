"""Given a session, when inputs come, then these events: the world of `reenact.testing`, under the names that the tests here use."""

from __future__ import annotations

from reenact.testing.world import SECOND, T0, World, X, Y, bounds, opening, quotes, trades

__all__ = ["SECOND", "T0", "World", "X", "Y", "bounds", "opening", "quotes", "trades"]
