"""A clock that jumps an hour ahead, and venue times that disagree with ours."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    phases: Phases = [
        {"lasts": "1m"},
        {"lasts": "20s", "behind": "1h"},
        {"lasts": "1h", "silent": True, "move_bps": 400},
        {"lasts": "1m", "ahead": "5m"},
        {"lasts": "5m", "move_bps": -500},
        {"lasts": "2m"},
    ]
    params = {"sizes": sizes(scale, 1, 4), "every_ns": 10 * 10**9}
    return Shape(tuple(feed(line, scale.start_ns, seed, "1s", phases) for line in scale.lines), "CatchUp", params)


SCENARIO = Scenario(
    "clock-jump",
    "Clock jump: an hour to catch up with",
    "A machine that was suspended, or a clock that was set, makes time jump. Receive times of a session never go back; here they jump an hour ahead, and "
    "before and after that the venue's own times are an hour behind and five minutes ahead of them. A strategy that slices an order by the clock sends "
    "all the slices it has missed at once, four percent higher; then the price comes back. Ages, windows and cool-downs must count receive times alone.",
    "RTS 25 (clock synchronisation); features D R-05, R-20, L-03",
    _shape,
)
