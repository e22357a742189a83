"""One order a hundred times too large, and one with a price that lost a digit."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, feed, order

_TIMES = 100


def _shape(scale: Scale, seed: int) -> Shape:
    line = scale.lines[0]
    phases: Phases = [
        {"lasts": "2m"},
        {"lasts": "1m", "move_bps": 200},
        {"lasts": "7m", "move_bps": -500},
        {"lasts": "5m"},
    ]
    slipped = line.px // 10 // line.spec.tick_px * line.spec.tick_px or line.spec.tick_px
    operators = (order(line, "+1m", "buy", line.unit), order(line, "+2m", "buy", _TIMES * line.unit), order(line, "+9m", "sell", line.unit, slipped))
    return Shape((feed(line, scale.start_ns, seed, "1s", phases),), "Idle", venue={"liquidity": "displayed"}, operators=operators)


SCENARIO = Scenario(
    "fat-finger",
    "Fat finger: two zeros too many",
    "In December 2005 a person at Mizuho Securities offered 610,000 shares at 1 yen that were to be one share at 610,000 yen; slips of the same kind have "
    "cost firms dearly before and since. Here an ordinary order by hand is followed by one a hundred times its size, and later by one whose price has lost "
    "a digit. The large order eats what is shown and the price rises while it is filled; then the price comes back, and further.",
    "Tokyo District Court, Mizuho Securities v. Tokyo Stock Exchange (4 December 2009); FIA order size and price tolerance controls",
    _shape,
)
