"""Seeded chance for strategies and simulated venues: a small generator whose numbers never change between versions.

Source: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), on integers.
"""

from __future__ import annotations

MASK = (1 << 64) - 1


class Chance:
    """A stream of reproducible integers. `fork(name)` gives an independent stream, so that users do not disturb each other."""

    __slots__ = ("state",)

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK

    def next64(self) -> int:
        """A uniform integer in [0, 2^64)."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def integer(self, low: int, high: int) -> int:
        """A uniform integer in [low, high], both ends included, without modulo bias."""
        span = high - low + 1
        if span <= 0:
            raise ValueError(f"empty range {low}..{high}")
        limit = (1 << 64) - (1 << 64) % span
        while True:
            z = self.next64()
            if z < limit:
                return low + z % span

    def happens(self, parts: int, of: int = 1_000_000) -> bool:
        """True with probability parts / of."""
        return self.integer(1, of) <= parts

    def fork(self, name: str) -> Chance:
        """An independent stream that depends on this stream's state and `name` only."""
        mixed = self.state
        for byte in name.encode():
            mixed = ((mixed ^ byte) * 0x100000001B3) & MASK
        return Chance(Chance(mixed).next64())
