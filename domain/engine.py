"""The engine: one code path for live and replay, blocks of one or of thousands.

`run` moves through market data, `step` takes every other input; both record what is decided in the journal and put what must
leave the house into `desk.outbox`.

Invariants: decisions depend on recorded inputs only; where tables and commits were cut changes nothing; a quiet tick costs no
Python object when every strategy can scan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from domain.bars import BarBuilder
from domain.chance import Chance
from domain.context import Context
from domain.control import Control
from domain.desk import Desk
from domain.events import (
    AnyInput,
    BalanceReported,
    BarClosed,
    OperatorCommandReceived,
    OrderFilled,
    OrderUnknown,
    QuoteUpdated,
    ReconciliationBreak,
    SessionOpened,
    SessionResumed,
    TimerFired,
    TradePrinted,
)
from domain.groups.room import Groups
from domain.journal import Journal
from domain.losses.watch import TIMER, Watch
from domain.risk import Rule
from domain.state import reported_difference
from domain.strategy import ScanningStrategy, Strategy
from domain.surveillance import Surveillance
from domain.terms import OrdStatus
from domain.ticks import Tick, Ticks

Handler = tuple[Callable[[Context, Any], None], Context]


class Scanner:
    """One scanning strategy and how far it has looked: `next` is its next loud index in the current table (-1: look again), `folded` how far it has folded."""

    __slots__ = ("ctx", "folded", "next", "strategy")

    def __init__(self, strategy: ScanningStrategy, ctx: Context) -> None:
        self.strategy = strategy
        self.ctx = ctx
        self.next = -1
        self.folded = 0

    def look(self, ticks: Ticks, i: int) -> None:
        """Find the next loud tick from i on."""
        if self.folded < i:
            self.fold(ticks, i)
        self.next = self.strategy.scan(self.ctx, ticks, i, len(ticks))

    def fold(self, ticks: Ticks, to: int) -> None:
        """Fold the quiet ticks up to `to`."""
        self.strategy.skip(self.ctx, ticks, self.folded, to)
        self.folded = to


class BarClock:
    """Bars of one length and instrument, built for some strategies; `at` is the first tick of the current table at or past the open bar's end."""

    __slots__ = ("at", "builder", "listeners")

    def __init__(self, builder: BarBuilder) -> None:
        self.builder = builder
        self.listeners: list[tuple[Strategy, Context]] = []
        self.at = 0


class Engine:
    """Strategies, desk and state of one session. Build it from the session's first event, then feed it inputs in order."""

    def __init__(self, opened: SessionOpened, strategies: Sequence[Strategy], journal: Journal, rules: Sequence[Rule] = ()) -> None:
        self.desk = Desk(opened, journal, rules)
        self.strategies = tuple(strategies)
        chance = Chance(opened.seed)
        self.contexts = tuple(
            Context(self.desk, i, spec.name, spec.instruments, chance.fork(f"strategy {i} {spec.name}")) for i, spec in enumerate(opened.strategies)
        )
        self._pairs = tuple(zip(self.strategies, self.contexts, strict=True))
        on_ticks = [(s, c) for (s, c), spec in zip(self._pairs, opened.strategies, strict=True) if not spec.bar_ns]
        self._scanners = [Scanner(s, c) for s, c in on_ticks if isinstance(s, ScanningStrategy)]
        self._scanner_of = {scanner.ctx.index: scanner for scanner in self._scanners}
        n = len(opened.instruments)
        self._plain = _handlers([(s, c) for s, c in on_ticks if not isinstance(s, ScanningStrategy)], n)
        self._all = _handlers(on_ticks, n)
        self._on_fills: dict[int, Handler] = {c.index: (s.on_fill, c) for s, c in self._pairs if type(s).on_fill is not Strategy.on_fill}
        self._clocks = self._bar_clocks(opened)
        self._has_plain = any(any(by) for by in self._plain.values())
        self._stream: Iterator[tuple[int, Tick]] = iter(())
        self._stream_at = -1
        self._table: Ticks | None = None
        self.reacts: dict[type, list[Callable[[Any, int], None]]] = {}
        self.timers: dict[str, Callable[[TimerFired, int], None]] = {}
        self.desk.proposals.groups = Groups(self)
        self.control = Control(self, opened.control)
        self._watch = Watch(self.desk)
        self._stirred = self.desk.state.stirred
        self._surveillance = Surveillance(self)
        self.timers[TIMER] = self._watch.cooled
        self._decide: dict[type, Callable[[Any, int], None]] = {
            OrderFilled: self._on_fill,
            TimerFired: self._on_timer,
            OperatorCommandReceived: self._on_command,
            SessionResumed: self._on_resumed,
            BalanceReported: self._on_balance,
        }

    def start(self, opened: SessionOpened) -> None:
        """Record the opening and let every strategy begin."""
        self.desk.cause = self.desk.journal.emit(opened)
        self._watch.judge()
        for strategy, ctx in self._pairs:
            strategy.on_start(ctx)

    def step(self, event: AnyInput) -> None:
        """Take one input that is no tick: record it, fold it, decide on it."""
        desk = self.desk
        desk.cause = seq = desk.journal.emit(event)
        desk.now_ns = event.ns
        kind = type(event)
        desk.fold(event, seq)
        state = desk.state
        desk.reported = state.order
        desk.moved = state.changes
        if self._stirred:
            self._watch.judge()
        if state.noticed:
            self._surveillance.tell(seq)
        for react in self.reacts.get(kind, ()):
            react(event, seq)
        decide = self._decide.get(kind)
        if decide is not None:
            decide(event, seq)
        if self._stirred:
            self._watch.judge()

    def run(self, ticks: Ticks, start: int, stop: int) -> int:
        """Consume ticks start..k of a table, where tick k-1 is the first on which anything was decided, else k = stop. Returns k."""
        desk = self.desk
        scanners = self._scanners
        watch = self._watch
        if ticks is not self._table:
            self._enter(ticks, start)
        desk.counted = start
        desk.index = start - 1
        desk.acted = False
        i = start
        while i < stop:
            loud = stop
            for scanner in scanners:
                if scanner.next < i:
                    scanner.look(ticks, i)
                if scanner.next < loud:
                    loud = scanner.next
            for clock in self._clocks:
                loud = min(loud, clock.at)
            tripped = False
            beyond = loud + 1 if loud < stop else stop
            if watch.calm < beyond:
                to = watch.next(i, beyond)
                tripped = watch.tripped
                if not tripped and to < beyond:
                    # No limit trips before `to`; what comes after it has not been searched yet.
                    i = self._walk(ticks, i, to) if self._has_plain else to
                    if desk.acted:
                        break
                    continue
                if tripped:
                    loud = to
            if self._has_plain:
                i = self._walk(ticks, i, loud)
                if desk.acted:
                    break
            i = loud
            if loud == stop:
                break
            for scanner in scanners:
                if scanner.folded < loud:
                    scanner.fold(ticks, loud)
            desk.index = loud
            if tripped:
                watch.trip(loud)
            if self._clocks:
                self._close_bars(ticks, loud)
            self._deliver(ticks, loud)
            i = loud + 1
            if desk.acted:
                break
        for scanner in scanners:
            if scanner.folded < i:
                scanner.fold(ticks, i)
        desk.index = i - 1
        desk.sync()
        return i

    def _enter(self, ticks: Ticks, start: int) -> None:
        self._watch.leave()
        self.desk.market.enter(ticks)
        self._watch.enter(ticks, start)
        self._table = ticks
        self._stream_at = -1
        for scanner in self._scanners:
            scanner.next = -1
            scanner.folded = start
        for clock in self._clocks:
            clock.at = clock.builder.add(ticks, start, len(ticks))

    def _bar_clocks(self, opened: SessionOpened) -> list[BarClock]:
        """One clock per instrument, length and exclusion that a strategy asks for."""
        clocks: dict[tuple[int, int, int], BarClock] = {}
        for (strategy, ctx), spec in zip(self._pairs, opened.strategies, strict=True):
            for i in spec.instruments if spec.bar_ns else ():
                clock = clocks.setdefault((i, spec.bar_ns, spec.bar_exclude), BarClock(BarBuilder(i, spec.bar_ns, spec.bar_exclude)))
                clock.listeners.append((strategy, ctx))
        return list(clocks.values())

    def _close_bars(self, ticks: Ticks, i: int) -> None:
        """Tick i is at or past the end of some bars: tell them before the tick itself."""
        for clock in self._clocks:
            if clock.at == i:
                bar = clock.builder.close(self.desk.clock_ns())
                clock.at = clock.builder.add(ticks, i, len(ticks))
                if bar is not None:
                    for strategy, ctx in clock.listeners:
                        strategy.on_bar(ctx, bar)

    def _walk(self, ticks: Ticks, i: int, stop: int) -> int:
        """Hand ticks i..stop to the plain strategies, until one acts. Returns the index after the last tick handed over."""
        if i >= stop:
            return i
        desk = self.desk
        if self._stream_at != i:
            self._stream = enumerate(ticks.events(i), i)
        run = islice(self._stream, stop - i)
        uniform = ticks.uniform()
        handlers = self._plain[_TYPE_OF[uniform[0]]][uniform[1]] if uniform is not None else None
        if handlers is not None and len(handlers) == 1:
            call, ctx = handlers[0]
            for desk.index, tick in run:
                call(ctx, tick)
                if desk.acted:
                    break
        elif handlers is None or handlers:
            by_type = self._plain
            for desk.index, tick in run:
                for call, ctx in by_type[type(tick)][tick.instrument]:
                    call(ctx, tick)
                if desk.acted:
                    break
        else:
            desk.index = stop - 1
            self._stream_at = -1
            return stop
        self._stream_at = desk.index + 1
        return self._stream_at

    def _deliver(self, ticks: Ticks, i: int) -> None:
        """Hand tick i to every strategy, in the order of the configuration."""
        if self._has_plain and self._stream_at == i:
            tick: Tick = next(self._stream)[1]
            self._stream_at = i + 1
        else:
            tick = self.desk.market.event(i)
        for call, ctx in self._all[type(tick)][tick.instrument]:
            call(ctx, tick)
        for scanner in self._scanners:
            scanner.folded = i + 1
            scanner.next = -1

    def _disturb(self, strategy: int) -> None:
        """A callback changed the strategy: it must look again, after folding what it has passed."""
        scanner = self._scanner_of.get(strategy)
        if scanner is not None:
            scanner.next = -1

    def _on_fill(self, event: OrderFilled, seq: int) -> None:
        desk = self.desk
        if desk.moved and desk.reported is not None:
            handler = self._on_fills.get(desk.reported.strategy)
            if handler is not None:
                call, ctx = handler
                self._disturb(ctx.index)
                call(ctx, event)

    def _on_timer(self, event: TimerFired, seq: int) -> None:
        self.desk.refresh_timers()
        if event.strategy < 0:
            self.timers[event.name.partition(" ")[0]](event, seq)
            return
        self._disturb(event.strategy)
        self.strategies[event.strategy].on_timer(self.contexts[event.strategy], event.name)

    def _on_command(self, event: OperatorCommandReceived, seq: int) -> None:
        self.control.obey(event, seq)

    def subscribe(self, kind: type, react: Callable[[Any, int], None]) -> None:
        """Let a room of the house hear of inputs of a type, after they were folded and before any strategy does. Twice is once."""
        hears = self.reacts.setdefault(kind, [])
        if react not in hears:
            hears.append(react)

    def change_parameters(self, strategy: int, params: dict[str, object]) -> None:
        """Hand an operator's new parameters to a strategy. Raises ValueError when it refuses."""
        self._disturb(strategy)
        self.strategies[strategy].on_parameters(self.contexts[strategy], params)

    def _on_resumed(self, event: SessionResumed, seq: int) -> None:
        """Whatever was sent and never answered is UNKNOWN until the venue says otherwise (law 6)."""
        for order in list(self.desk.state.orders.working()):
            if order.status == OrdStatus.PENDING_NEW:
                self.desk.emit(OrderUnknown(event.ns, seq, order.cl_ord_id, "sent before the stop, never answered"))

    def _on_balance(self, event: BalanceReported, seq: int) -> None:
        difference = reported_difference(self.desk.state, event)
        if difference is not None:
            self.desk.emit(ReconciliationBreak(event.ns, seq, f"balance {event.currency}", *difference))


_TYPE_OF: dict[int, type] = {1: TradePrinted, 2: QuoteUpdated, 3: BarClosed}


def _handlers(pairs: Sequence[tuple[Strategy, Context]], instruments: int) -> dict[type, list[list[Handler]]]:
    """Who is called for a tick of each type, by instrument. Default callbacks are left out: they cost and do nothing."""
    ticks: list[list[Handler]] = [[] for _ in range(instruments)]
    bars: list[list[Handler]] = [[] for _ in range(instruments)]
    for strategy, ctx in pairs:
        for i in ctx.instruments:
            if type(strategy).on_tick is not Strategy.on_tick:
                ticks[i].append((strategy.on_tick, ctx))
            if type(strategy).on_bar is not Strategy.on_bar:
                bars[i].append((strategy.on_bar, ctx))
    return {TradePrinted: ticks, QuoteUpdated: ticks, BarClosed: bars}
