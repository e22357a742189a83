"""Leads one session through whatever the prover thinks of, as the runtime would: timers and day rolls when they are due, one input after another.

Invariants: every input and every decision goes through the checker, in the order of the log; the session can be sealed into commits and
re-enacted at any time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from domain import events as ev
from domain.desk import NEVER
from domain.engine import Engine
from domain.errors import ReenactError
from domain.journal import Journal
from domain.replay import Replay
from domain.risk import Approved
from domain.ticks import Ticks, concat
from reenact.proving.invariants import Checker, Invariant
from reenact.proving.setup import DAY_NS, Setup
from reenact.proving.violation import Violation
from reenact.runtime import yyyymmdd

Request = ev.OrderSubmitted | ev.OrderReplaceRequested | ev.OrderCancelRequested
Row = tuple[int, int, int, int, int, int, int, int]
"""A trade or quote: kind, instrument, venue time, receive time, and four values."""
NAME = "prove"


class Walk:
    """One session under proof. `requests` are what left for the venue, oldest first; `asked` what waits for a second
    person; `steps` counts the inputs; `clock_ns` is when the next one comes at the earliest."""

    def __init__(self, setup: Setup, kinds: Sequence[type[Invariant]], tested: Counter[str], name: str = NAME) -> None:
        self.setup = setup
        self.opened = msgspec.structs.replace(setup.opened, session=name)
        self.name = name
        self.journal = Journal(name)
        self.engine = Engine(self.opened, list(setup.build()), self.journal, setup.own)
        self.checker = Checker(self.opened, setup.rules, kinds, tested)
        self.facts = self.checker.facts
        self.tested = tested
        self.waited = False
        self._audited = 0
        self.requests: list[Request] = []
        self.asked: dict[int, ev.ApprovalRequested] = {}
        self.denials: list[ev.OrderDenied] = []
        self.records: list[bytes] = []
        self.steps = 0
        self.now_ns = self.clock_ns = self.opened.ns
        self._roll_ns = (self.opened.ns - setup.roll_ns) // DAY_NS * DAY_NS + setup.roll_ns + DAY_NS
        self._ticks: list[Ticks] = []
        self._waiting: deque[Any] = deque()
        self._looked = 0
        self._ahead = 0
        self._seq = self._sealed = self.restarts = 0
        self._guarded(lambda: self.engine.start(self.opened))

    def tick(self, rows: Sequence[Row]) -> None:
        """Play ticks as one table, after whatever is due. Times that would go back are lifted."""
        self.due(rows[-1][3])
        least = self.now_ns
        cols = np.zeros((10, len(rows)), dtype=np.int64)
        for k, row in enumerate(rows):
            least = max(least, row[3])
            cols[:8, k] = row
            cols[3, k] = least
        self.now_ns = least
        ticks = Ticks(cols)
        self._ticks.append(ticks)
        self._waiting.extend(ticks.events())
        self.steps += len(rows)
        self._guarded(lambda: self._run(ticks))

    def _run(self, parts: Ticks) -> None:
        at, n = 0, len(parts)
        while at < n:
            at = self.engine.run(parts, at, n)

    def step(self, event: ev.AnyInput) -> None:
        """Take one input that is no tick, after whatever is due."""
        self.due(event.ns)
        self._step(event)

    def _step(self, event: ev.AnyInput) -> None:
        self.now_ns = max(self.now_ns, event.ns)
        self.steps += 1
        self._guarded(lambda: self.engine.step(event))

    def due(self, until_ns: int) -> None:
        """Let timers and day rolls happen that are due at or before a time."""
        while True:
            desk = self.engine.desk
            timer_ns = desk.next_timer_ns if desk.state.timers else NEVER
            ns = min(timer_ns, self._roll_ns)
            if ns > until_ns:
                return
            if self._roll_ns == ns:
                self._roll_ns += DAY_NS
                self._step(ev.DayRolled(ns, 0, yyyymmdd(ns)))
            else:
                strategy, name = min(key for key, due in desk.state.timers.items() if due == ns)
                self._step(ev.TimerFired(ns, 0, strategy, name, ns))

    def _guarded(self, act: Any) -> None:
        """Act, then check; an error of the engine is a violation too."""
        try:
            act()
        except Violation:
            raise
        except ReenactError as e:
            raise self._crashed(e) from e
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, AssertionError) as e:
            raise self._crashed(e) from e
        self.look()

    def _crashed(self, error: Exception) -> Violation:
        return Violation("ENGINE", self._seq + 1, f"the engine stopped: {type(error).__name__}: {error}")

    def look(self) -> None:
        """Check what is new in the journal, ticks in their places."""
        journal, take, waiting = self.journal, self.checker.take, self._waiting
        events, gaps = journal.events, journal.gaps
        while self._looked < len(events):
            for _ in range(gaps[self._looked] - self._ahead):
                self._seq += 1
                take(self._seq, waiting.popleft())
            self._seq += 1
            self._ahead = 0
            event: Any = events[self._looked]
            self._looked += 1
            take(self._seq, event)
            kind = type(event)
            if kind is ev.OrderDenied:
                self.denials.append(event)
            elif kind is ev.ApprovalRequested:
                self.asked[event.number] = event
            elif kind is ev.ApprovalClosed:
                self.asked.pop(event.number, None)
        while self._seq < journal.seq:
            self._seq += 1
            self._ahead += 1
            take(self._seq, waiting.popleft())
        outbox = self.engine.desk.outbox
        if outbox:
            for message in outbox:
                self._leave(message)
            outbox.clear()
        self.checker.settle()
        self._audit()

    def _audit(self) -> None:
        """The engine's own sums against the recount: money, positions, open quantities."""
        facts, state = self.facts, self.engine.desk.state
        self.tested["MONEY"] += 1
        for i, position in enumerate(state.positions):
            if position.qty != facts.position[i]:
                raise Violation(
                    "MONEY", self._seq, f"the engine holds {position.qty} of {facts.specs[i].symbol}, its fills add up to {facts.position[i]}"
                )
        for currency, amt in facts.cash.items():
            if state.cash[currency] != amt:
                raise Violation("MONEY", self._seq, f"the engine counts {state.cash[currency]} of {currency}, fills and fees leave {amt}")
        if self._audited == len(facts.events):
            return
        self._audited = len(facts.events)
        orders = state.orders
        for i, spec in enumerate(facts.specs):
            for sign, counted in ((1, orders.buy_leaves[i]), (-1, orders.sell_leaves[i])):
                worst = facts.worst(i, sign)
                if counted != worst:
                    side = "bought" if sign > 0 else "sold"
                    raise Violation(
                        "R-07", self._seq, f"the engine expects that {counted} of {spec.symbol} may still be {side}, the orders say {worst}"
                    )

    def _leave(self, message: Any) -> None:
        request = message.message if isinstance(message, Approved) else message
        known = self.facts.by_id.get(request.cl_ord_id)
        if known is None or (not isinstance(request, ev.OrderCancelRequested) and not isinstance(message, Approved)):
            raise Violation("GATES", self._seq, f"request {request.cl_ord_id} would leave without standing in the log")
        self.requests.append(request)

    def seal(self) -> None:
        """Close the commit."""
        if self.journal.empty:
            return
        journal = self.journal
        counted = journal.seq - self._sealed - len(journal.events)
        if counted:
            journal.take(concat(self._ticks), 0, counted)
        self._ticks = []
        self._sealed = journal.seq
        self.records.append(self.journal.close(self.engine.desk.now_ns))
        self._looked = self._ahead = 0

    def restart(self) -> None:
        """Stop and start again: a new engine is brought to where this one stands by re-enacting the log, which must give the same bytes."""
        self.seal()
        replay = Replay(self.name, lambda _: list(self.setup.build()), rules=lambda _: self.setup.own)
        try:
            for _ in replay.follow(self.records):
                pass
        except ReenactError as e:
            raise Violation("REPLAY", self._seq, f"re-enacting the session does not give its log again: {e}") from e
        self.engine, self.journal = replay.engine, replay.journal
        self.restarts += 1

    def resume(self, ns: int) -> None:
        """A stop and a restart, recorded as the session sees it."""
        self.due(ns)
        self.restart()
        self._step(ev.SessionResumed(ns, 0, self.opened.code, "restarted by the prover"))


__all__ = ["NAME", "Request", "Walk"]
