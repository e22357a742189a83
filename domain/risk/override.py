"""Which override lets an order pass that a rule stopped?

Invariants: an override excuses one limit only, for one strategy in one instrument, as far as two persons said and no longer than they said;
a rule that raised, that had no input to compare, or that another check fails beside is never excused.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.events import OverrideGranted
from domain.limits import Check


def find_override(
    granted: Iterable[OverrideGranted], now_ns: int, strategy: int, instrument: int, failed: tuple[Check, ...]
) -> OverrideGranted | None:
    """The oldest override under which the order may pass, None when there is none.

    Every failing check must be of its limit, with an observed number from 0 to `most`: a negative one says that an input was missing.
    Source: RTS 6 Art. 15(6); features D K-05.
    """
    for override in granted:
        if (
            failed
            and override.strategy == strategy
            and override.instrument == instrument
            and now_ns < override.expires_ns
            and all(_excused(override, check) for check in failed)
        ):
            return override
    return None


def _excused(override: OverrideGranted, check: Check) -> bool:
    return check.rule == override.rule and check.limit_id == override.limit_id and 0 <= check.observed <= override.most
