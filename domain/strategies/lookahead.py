"""Decides how a strategy that listens to prices only runs ahead of a table and stays equal to its plain form.

Such a strategy's intentions are a function of the observations alone, never of fills or denials. So they can be computed for a
whole stretch at once: a plan holds the rows that act. While a plan is followed, the tracks (the per-instrument state) lag behind
it and cost nothing; they are brought up to date when something comes that the plan does not hold.

Invariants: following a plan gives the same intents as `on_tick` for every observation; a tick that is not the plan's next
observation ends the plan; an observation is every tick or bar of a subscribed instrument that says a price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from domain.errors import invariant
from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.strategies.observations import SOURCES, Observed, Source, observed
from domain.strategy import ScanningStrategy
from domain.terms import Side
from domain.ticks import INSTRUMENT, RECV_NS, Ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.context import Context

HORIZON = 1 << 15
SHORT = 64


class Act(NamedTuple):
    """What an action code of a track means: the order to send."""

    side: Side
    qty: int
    reason: str


class Track:
    """What a price-only strategy remembers of one instrument. Action codes index the strategy's acts; 0 is no action."""

    __slots__ = ()

    def update(self, value: int) -> int:
        """Fold one observation; the action code it causes."""
        raise NotImplementedError

    def foresee(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]] | None:
        """The indexes of the observations that would act and their codes. Changes nothing. None: int64 cannot hold the sums, ask one by one."""
        raise NotImplementedError

    def fold(self, values: NDArray[np.int64], last: int, since: int) -> None:
        """Fold `values`, of which the last acting one had code `last` (0: none acted) and was followed by `since` more."""
        raise NotImplementedError


class _Part(NamedTuple):
    """The plan of one instrument: acting rows with their codes."""

    seen: Observed
    loud: NDArray[np.int64]
    codes: list[int]


def _merged(parts: list[_Part]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Rows, values and codes of all actions, in the order of the table."""
    if len(parts) == 1:
        (part,) = parts
        return part.seen.rows[part.loud], part.seen.values[part.loud], part.codes
    none = np.zeros(0, dtype=np.int64)
    rows = np.concatenate([none, *(p.seen.rows[p.loud] for p in parts)])
    order = np.argsort(rows, kind="stable")
    values = np.concatenate([none, *(p.seen.values[p.loud] for p in parts)])
    codes = [c for p in parts for c in p.codes]
    return rows[order], values[order], [codes[i] for i in order.tolist()]


class _Plan:
    """The foreseen actions in rows base..end of a table. `row` is where the strategy stands, `k` the next action, `next` its row."""

    __slots__ = ("base", "codes", "end", "instruments", "k", "loud", "next", "ns", "parts", "row", "rows", "ticks", "values")

    def __init__(self, ticks: Ticks, base: int, end: int, parts: list[_Part]) -> None:
        self.ticks = ticks
        self.base = self.row = base
        self.end = end
        self.parts = parts
        self.k = 0
        self.rows: NDArray[np.int64] | None = None
        rows, values, codes = _merged(parts)
        # One entry more than there are actions: the end, which no tick equals.
        self.loud: list[int] = [*rows.tolist(), end]
        self.ns: list[int] = [*ticks.cols[RECV_NS, rows].tolist(), -1]
        self.instruments: list[int] = [*ticks.cols[INSTRUMENT, rows].tolist(), -1]
        self.values: list[int] = [*values.tolist(), 0]
        self.codes: list[int] = [*codes, 0]
        self.next = self.loud[0]

    def observation(self, row: int) -> int:
        """The first row at or after `row` that says something, or `end`."""
        if self.rows is None:
            self.rows = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *(p.seen.rows for p in self.parts)]))
        at = int(self.rows.searchsorted(row))
        return int(self.rows[at]) if at < len(self.rows) else self.end

    def stands_at(self, row: int) -> bool:
        """Whether the strategy has seen exactly what was said before `row`; if so, it stands there now."""
        if self.row > row or self.observation(self.row) < row:
            return False
        self.row = row
        return True

    def says(self, row: int, ns: int, instrument: int, value: int) -> bool:
        """Whether an observing row is this observation."""
        cols = self.ticks.cols
        if cols[RECV_NS, row] != ns or cols[INSTRUMENT, row] != instrument:
            return False
        seen = next(p.seen for p in self.parts if p.seen.instrument == instrument)
        return bool(seen.values[seen.rows.searchsorted(row)] == value)

    def act(self) -> int:
        """Take the next action; its code."""
        k = self.k
        self.k = k + 1
        self.next = self.loud[k + 1]
        return self.codes[k]


class PriceStrategy(ScanningStrategy):
    """Base of strategies that listen to prices only. A subclass names its acts and makes its tracks."""

    def __init__(self, acts: tuple[Act, ...], source: Source) -> None:
        if source not in SOURCES:
            raise ValueError(f"source must be one of {', '.join(SOURCES)}; it is {source!r}")
        self._acts = acts
        self._source: Source = source
        self._trades, self._quotes, self._bars = (source in ("any", kind) for kind in ("trade", "quote", "bar"))
        self._tracks: dict[int, Track] = {}
        self._plan: _Plan | None = None

    def new_track(self, ctx: Context, instrument: int) -> Track:
        """The state with which an instrument starts."""
        raise NotImplementedError

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Observe a trade or a two-sided quote."""
        if isinstance(tick, TradePrinted):
            if not self._trades:
                return
            value = 2 * tick.px
        elif self._quotes and tick.bid_qty and tick.ask_qty:
            value = tick.bid_px + tick.ask_px
        else:
            return
        if self._plan is None:
            track = self._tracks.get(tick.instrument) or self._track(ctx, tick.instrument)
            code = track.update(value)
        else:
            code = self._follow(self._plan, ctx, tick, value)
        if code:
            self._act(ctx, tick.instrument, code)

    def on_bar(self, ctx: Context, bar: BarClosed) -> None:
        """Observe a bar's close."""
        if not self._bars:
            return
        value = 2 * bar.close_px
        code = self._track(ctx, bar.instrument).update(value) if self._plan is None else self._follow(self._plan, ctx, bar, value)
        if code:
            self._act(ctx, bar.instrument, code)

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        """The next row of the plan that acts, or where the plan ends. Stretches too short for a plan are taken one by one."""
        plan = self._plan
        if plan is not None:
            if plan.ticks is ticks and start < plan.end and (plan.row == start or plan.stands_at(start)):
                return plan.next if plan.next < stop else stop
            self._settle()
        if stop - start < SHORT or start < ticks.cache.get(self, 0):
            return _first_of(ctx.instruments, ticks, start, stop)
        plan = self._plan = self._foresee(ctx, ticks, start, min(len(ticks), start + HORIZON))
        if plan is None:
            return _first_of(ctx.instruments, ticks, start, stop)
        return plan.next if plan.next < stop else stop

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        """Move along the plan, or fold one by one without."""
        plan = self._plan
        if plan is not None:
            if plan.ticks is ticks and stop <= plan.next and (plan.row == start or plan.stands_at(start)):
                plan.row = stop
                return
            self._settle()
        for seen in observed(ticks, ctx.instruments, start, stop, self._source):
            track = self._track(ctx, seen.instrument)
            for value in seen.values.tolist():
                invariant(not track.update(value), "a skipped tick is quiet")

    def _track(self, ctx: Context, instrument: int) -> Track:
        track = self._tracks.get(instrument)
        if track is None:
            track = self._tracks[instrument] = self.new_track(ctx, instrument)
        return track

    def _act(self, ctx: Context, instrument: int, code: int) -> None:
        side, qty, reason = self._acts[code]
        if side is Side.BUY:
            ctx.buy(instrument, qty, reason=reason)
        else:
            ctx.sell(instrument, qty, reason=reason)

    def _follow(self, plan: _Plan, ctx: Context, event: TradePrinted | QuoteUpdated | BarClosed, value: int) -> int:
        """The action code of an observation while there is a plan; ends the plan if it holds another one here."""
        k, row = plan.k, plan.row
        if row == plan.next and event.ns == plan.ns[k] and event.instrument == plan.instruments[k] and value == plan.values[k]:
            plan.row = row + 1
            plan.k = k + 1
            plan.next = plan.loud[k + 1]
            return plan.codes[k]
        row = plan.observation(row)
        if row < plan.end and plan.says(row, event.ns, event.instrument, value):
            plan.row = row + 1
            return plan.act() if row == plan.next else 0
        self._settle()
        return self._track(ctx, event.instrument).update(value)

    def _foresee(self, ctx: Context, ticks: Ticks, start: int, end: int) -> _Plan | None:
        parts = []
        for seen in observed(ticks, ctx.instruments, start, end, self._source):
            found = self._track(ctx, seen.instrument).foresee(seen.values)
            if found is None:
                ticks.cache[self] = end
                return None
            parts.append(_Part(seen, *found))
        return _Plan(ticks, start, end, parts)

    def _settle(self) -> None:
        """Bring the tracks up to where the plan was followed, and forget the plan."""
        plan, self._plan = self._plan, None
        if plan is None:
            return
        for seen, loud, codes in plan.parts:
            n = int(seen.rows.searchsorted(plan.row))
            acted = int(loud.searchsorted(n))
            if n:
                last, since = (codes[acted - 1], n - 1 - int(loud[acted - 1])) if acted else (0, n)
                self._tracks[seen.instrument].fold(seen.values[:n], last, since)


def _first_of(instruments: tuple[int, ...], ticks: Ticks, start: int, stop: int) -> int:
    """The first row of one of the instruments."""
    who = ticks.cols[INSTRUMENT]
    while start < stop and who[start] not in instruments:
        start += 1
    return start
