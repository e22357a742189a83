"""Decides how a rule's numbers are written down: a room of its own, beside `Check`, so that it can be compiled.

Invariants: the comparison is the rule's and exact; only what is recorded of it is cut to what the log can hold.
"""

from __future__ import annotations

from typing import Final

from domain.risk.check import Check

MOST: Final = 2**63 - 1
_NEAR: Final = 2**62 - 1  # compiled code compares with numbers up to this without making an object
_Check: Final = Check  # compiled code holds a Final; an imported class it looks up each time


def shown(n: int) -> int:
    """A compared number as the log can hold it: what needs more than 64 bits is recorded as the largest (the comparison itself is exact)."""
    if -_NEAR <= n <= _NEAR:
        return n
    return n if -MOST <= n <= MOST else MOST if n > 0 else -MOST


def answer(rule: str, passed: bool, observed: int, limit: int, seen: int = 0) -> Check:
    """A rule's answer; see `Check`."""
    return _Check(rule, passed, shown(observed), limit, seen)
