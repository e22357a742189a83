"""A feed that freezes while the market moves."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    phases: Phases = [
        {"lasts": "2m"},
        {"lasts": "5m", "silent": True, "move_bps": -400},
        {"lasts": "3m", "move_bps": -100},
    ]
    calm = [{**phase, "noise_ticks": line.ticks(2)} for line in scale.lines[:1] for phase in phases]  # nothing is filled while all is well
    params = {"sizes": sizes(scale), "every_ns": 10 * 10**9}
    return Shape(tuple(feed(line, scale.start_ns, seed, "1s", calm) for line in scale.lines), "Joiner", params)


SCENARIO = Scenario(
    "stale-feed",
    "Stale feed: silence taken for calm",
    "A feed hangs without saying so; the last price stands on the screen while the market moves away. Here nothing arrives for five minutes while the "
    "price falls four percent. A strategy that joins a bid which holds takes the silence for a bid that holds, and joins it every ten seconds. When the "
    "feed comes back, all of these bids turn out to be filled at the old price.",
    "FIA PTG market-data reasonability checks; features D R-20",
    _shape,
)
