"""What each rule must answer, worked out naively from the recount: the second opinion on every check in the record.

An opinion is asked before the order is counted. It returns whether the order conforms, and a sentence with the numbers; None where the record
does not tell enough to say. A rule without one (a user's own) is held only to what holds for every rule.

Invariants: no line here is shared with the rules; comparisons are exact, in fractions where the rule divides.
"""

from __future__ import annotations

from reenact.proving.opinions import counts, exposure, orders, permits
from reenact.proving.opinions.base import Opinion

OPINIONS: dict[str, Opinion] = orders.OPINIONS | permits.OPINIONS | counts.OPINIONS | exposure.OPINIONS
"""The second opinion on each built-in rule, by its id."""

__all__ = ["OPINIONS"]
