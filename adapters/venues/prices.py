"""Decides what stands at a simulated venue for one instrument: the last print, the quote and the last bar, with the sizes left.

Invariants: what of a size was given to one of our orders is not given again; a later tick of the same kind replaces it.
"""

from __future__ import annotations

from adapters.venues.tables import ASKS, BARS, BIDS, PRINTS, Rows
from domain.ticks import (
    ASK_PX,
    ASK_QTY,
    BID_PX,
    BID_QTY,
    CLOSE_PX,
    HIGH_PX,
    INTERVAL_NS,
    LOW_PX,
    OPEN_PX,
    PX,
    QTY,
    QUOTE,
    RECV_NS,
    TRADE,
    VOLUME_QTY,
)


class Prices:
    """By lane (prints, bids, asks, bars): `px` (a bar's close), `size` as shown, `left` of it, `ns` when it came.

    `traded`, `quoted`, `barred`: whether such data ever came. `bar` is (open, high, low, close, start) of the last bar.
    """

    __slots__ = ("_bar_at", "_print_at", "_quote_at", "bar", "barred", "left", "moved", "ns", "px", "quoted", "size", "traded")

    def __init__(self) -> None:
        self.traded = self.quoted = self.barred = False
        self.px = [0, 0, 0, 0]
        self.size = [0, 0, 0, 0]
        self.left = [0, 0, 0, 0]
        self.ns = [-1, -1, -1, -1]
        self.bar = (0, 0, 0, 0, 0)
        self.moved = 0
        self._print_at = self._quote_at = self._bar_at = -1

    def load(self, kind: int, rows: Rows, i: int, ordinal: int) -> None:
        """Take tick i; `ordinal` is its number since the venue began, one that is not later than the known one changes nothing."""
        ns = rows[RECV_NS][i]
        if kind == TRADE:
            if ordinal > self._print_at:
                self._print_at = ordinal
                self.traded = True
                self.px[PRINTS] = rows[PX][i]
                self.size[PRINTS] = self.left[PRINTS] = rows[QTY][i]
                self.ns[PRINTS] = ns
        elif kind == QUOTE:
            if ordinal > self._quote_at:
                self._quote_at = ordinal
                self.quoted = True
                self._set(BIDS, rows[BID_PX][i], rows[BID_QTY][i], ns)
                self._set(ASKS, rows[ASK_PX][i], rows[ASK_QTY][i], ns)
        elif ordinal > self._bar_at:
            self._bar_at = ordinal
            self.barred = True
            close = rows[CLOSE_PX][i]
            self.bar = (rows[OPEN_PX][i], rows[HIGH_PX][i], rows[LOW_PX][i], close, ns - rows[INTERVAL_NS][i])
            self._set(BARS, close, rows[VOLUME_QTY][i], ns)

    def _set(self, lane: int, px: int, size: int, ns: int) -> None:
        self.px[lane] = px
        self.size[lane] = self.left[lane] = size
        self.ns[lane] = ns

    def stands(self, lane: int, now_ns: int) -> bool:
        """Whether a lane offers a price at `now_ns`: a quote stands until the next, a print or a close counts at its own time only."""
        if lane in (BIDS, ASKS):
            return self.size[lane] > 0
        return self.ns[lane] == now_ns

    def offered(self, order_lane: int, now_ns: int) -> int:
        """The lane in which an order that takes finds a price at `now_ns`, -1 when none offers one."""
        if self.quoted:
            return order_lane if self.size[order_lane] > 0 else -1
        lane = PRINTS if self.traded else BARS
        return lane if self.ns[lane] == now_ns else -1

    def taking_lane(self, order_lane: int) -> int:
        """Where an order that takes finds its price: quotes before prints before bars."""
        return order_lane if self.quoted else PRINTS if self.traded else BARS

    def stop_lane(self, order_lane: int) -> int:
        """What triggers a stop: prints before quotes before bars."""
        return PRINTS if self.traded else order_lane if self.quoted else BARS
