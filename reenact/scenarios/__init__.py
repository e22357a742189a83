"""The scenario library: disasters that happened or may happen, to be run against one's own limits. A new scenario is one file and one line."""

from __future__ import annotations

from reenact.scenarios import clock_jump, crossed_market, exchange_halt, fat_finger, flash_crash, knight, lying_venue, stale_feed
from reenact.scenarios.shape import Scenario

SCENARIOS: dict[str, Scenario] = {
    s.SCENARIO.name: s.SCENARIO for s in (knight, flash_crash, fat_finger, stale_feed, crossed_market, lying_venue, exchange_halt, clock_jump)
}
"""Every scenario by its name."""

__all__ = ["SCENARIOS", "Scenario"]
