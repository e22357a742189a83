"""A strategy that sells into a crash and buys the recovery, after 6 May 2010."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    phases: Phases = [
        {"lasts": "2m"},
        {"lasts": "5m", "move_bps": -900},
        {"lasts": "1m"},
        {"lasts": "8m", "move_bps": 950},
        {"lasts": "4m"},
    ]
    return Shape(tuple(feed(line, scale.start_ns, seed, "1s", phases) for line in scale.lines), "Panic", {"sizes": sizes(scale), "back_bps": 850})


SCENARIO = Scenario(
    "flash-crash",
    "Flash crash: selling into a hole",
    "On 6 May 2010 a large automated sale met a thin market; within minutes the main US indices lost about nine percent in all and won most of it "
    "back, while stops and momentum programs sold at the bottom. Here the price falls nine percent in five minutes and recovers in eight; a strategy "
    "sells more each time it has fallen another ten basis points and buys everything back near the top.",
    "CFTC and SEC, Findings regarding the market events of May 6, 2010 (30 September 2010)",
    _shape,
)
