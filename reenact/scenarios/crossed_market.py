"""A quote whose bid stands above its offer."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    feeds = []
    for line in scale.lines:
        crossed = {"crossed_ticks": line.ticks(10), "bid_lots": 1}
        phases: Phases = [
            {"lasts": "2m"},
            {"lasts": "2m", "move_bps": -500, **crossed},
            {"lasts": "6m", "move_bps": -100},
        ]
        feeds.append(feed(line, scale.start_ns, seed, "1s", phases))
    return Shape(tuple(feeds), "FreeMoney", {"sizes": sizes(scale)}, venue={"liquidity": "displayed"})


SCENARIO = Scenario(
    "crossed-market",
    "Crossed market: a gift that is none",
    "In a fast fall the two sides of a quote can be of different age: the offer is new, the bid above it is left over and almost empty. Here the market "
    "stands crossed for two minutes while it falls five percent. A strategy takes it for free money, buys at the offer and sells at the bid; every "
    "purchase is filled, of every sale a single lot.",
    "FIA PTG market-data reasonability checks (crossed and locked books); features D R-20",
    _shape,
)
