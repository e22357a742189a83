"""An instrument that stops trading with orders in its book, and opens again elsewhere."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, command, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    phases: Phases = [
        {"lasts": "3m", "move_bps": -700},
        {"lasts": "270s", "halted": True},
        {"lasts": "30s", "halted": True, "session": "down"},
        {"lasts": "1s", "silent": True, "move_bps": -800, "session": "down"},
        {"lasts": "30s", "session": "down"},
        {"lasts": "5m", "move_bps": -400},
    ]
    params = {"sizes": sizes(scale), "every_ns": 5 * 10**9}
    feeds = tuple(feed(line, scale.start_ns, seed, "1s", phases) for line in scale.lines)
    return Shape(feeds, "Averager", params, operators=(command("+9m", "reduce_only", "the gap was seen"),))


SCENARIO = Scenario(
    "exchange-halt",
    "Exchange halt: a book that opens lower",
    "After a fall of seven percent the exchange halts the instrument for five minutes; what rests in its book stays there. Shortly before it opens again, "
    "eight percent lower, the session breaks for a minute, so that the fills of the opening are not told. Here a strategy averages down: from six "
    "percent below on it bids at the last price every five seconds, halted or not, and takes nothing back.",
    "Limit-up limit-down plan and market-wide circuit breakers (Reg. NMS); features D R-20, K-03",
    _shape,
)
