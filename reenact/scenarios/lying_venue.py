"""A venue that does not acknowledge, repeats fills and gets quantities wrong."""

from __future__ import annotations

from reenact.scenarios.scale import Scale
from reenact.scenarios.shape import Phases, Scenario, Shape, feed, sizes


def _shape(scale: Scale, seed: int) -> Shape:
    phases: Phases = [
        {"lasts": "10m", "move_bps": -300},
        {"lasts": "5m", "move_bps": -100},
    ]
    faults = {"drop": "0.95", "twice": "0.02", "wrong_qty": "0.02", "late_reject": "0.02", "delay": "0.05", "delay_by": "5s"}
    params = {"sizes": sizes(scale), "more_ns": 60 * 10**9}
    feeds = tuple(feed(line, scale.start_ns, seed, "1s", phases) for line in scale.lines)
    return Shape(feeds, "Keeper", params, venue={"faults": faults})


SCENARIO = Scenario(
    "lying-venue",
    "Lying venue: what is true is not what is told",
    "Gateways lose acknowledgements, resend executions under new ids and report wrong quantities, most of all on their worst days. Here 95 of 100 "
    "reports never arrive and some of the rest are repeated, wrong or late. A strategy that wants one more unit each minute believes its fills: what "
    "it does not hear of it sends again. The loss counts what the venue truly traded, not what it told us.",
    "FIX possible duplicates and resends (43, 97); RTS 6 Art. 15(2): every order sent counts; features D, general rule 3",
    _shape,
)
