"""Makes a counterexample small: fewer moves, then plainer ones, as long as the same invariant breaks.

Hypothesis would do this too, but for as long as five minutes; here the tries are bounded, and a session of a few moves takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reenact.proving.moves import Move

Fails = Callable[[Sequence[Move]], bool]


def shrunk(moves: Sequence[Move], fails: Fails, tries: int = 1_500) -> list[Move]:
    """The moves made few and plain; at most so many tries. Source: ddmin (Zeller and Hildebrandt, 2002)."""
    left = tries
    best = list(moves)

    def better(candidate: list[Move]) -> bool:
        nonlocal left, best
        if left <= 0:
            return False
        left -= 1
        if not fails(candidate):
            return False
        best = candidate
        return True

    while left > 0:
        before = list(best)
        size = max(1, len(best) // 2)
        while size and left > 0:
            at = max(0, len(best) - size)
            while True:
                better(best[:at] + best[at + size :])
                if not at or left <= 0:
                    break
                at = min(max(0, at - size), max(0, len(best) - size))
            size //= 2
        for k in range(len(best)):
            _plainer(k, lambda: best, better)
        if best == before:
            break
    return best


def _plainer(k: int, best: Callable[[], list[Move]], better: Callable[[list[Move]], bool]) -> None:
    """Make the number of one move smaller: nothing, few bits, one bit less."""
    for bits in (0, 4, 8, 12, 16, 20, 24, 32):
        family, number = best()[k]
        if number >> bits and better([*best()[:k], (family, number & (1 << bits) - 1), *best()[k + 1 :]]):
            return
