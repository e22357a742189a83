"""What every event has in common."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An immutable fact. `ns`: receive time of the input being handled, UTC nanoseconds. `cause`: seq of an earlier event, 0 for none.

    The seq is the event's position in its session; the log assigns it, so it is not repeated here.
    """

    ns: int
    cause: int
