"""A router that sends child orders without end, after Knight Capital in 2012."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Scenario, Shape, command, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    feeds = tuple(
        feed(
            line, scale.start_ns, seed + n, "15s",
            [
                {"lasts": "15m", "move_bps": 300 if n % 2 == 0 else -300},
                {"lasts": "15m", "move_bps": -450 if n % 2 == 0 else 450},
                {"lasts": "16m"},
            ],
        )
        for n, line in enumerate(scale.lines)
    )  # fmt: skip
    return Shape(feeds, "Router", {"sizes": sizes(scale)}, operators=(command("+45m", "kill", "somebody found the switch"),))


SCENARIO = Scenario(
    "knight",
    "Knight Capital, 2012: a router that never stops",
    "On 1 August 2012 a new release reached seven of eight servers. On the eighth an old function woke up that sent child orders for each parent "
    "order without counting the fills. In about 45 minutes it sent more than four million orders for 212 parents, bought at the offer and sold at "
    "the bid in many names, and cost the firm over 460 million dollars. There was no check right before the wire, none of aggregate capital, and "
    "97 internal messages that morning led to nothing. Here a router sends buys at every offer and sells at every bid, twice as many on one side, "
    "in up to five names, for 45 minutes until a person pulls the kill switch; prices first follow its buying and then come back.",
    "SEC order 34-70694 (16 October 2013); rules R-05, R-06, R-11, R-14",
    _shape,
    most=5,
)
