"""Decides how a person is told why something happened, and why something did not.

Invariants: a chain goes back to an input; every rule is shown with the numbers it compared; nothing is told that the log does not hold.
"""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.readable import Reader
from adapters.rules import Row, check_row
from adapters.sentences import sentence
from adapters.times import time_text
from domain.errors import ReenactError
from domain.events import AnyRecorded, OrderApproved, OrderDenied, OrderReplaceRequested, OrderSubmitted
from projections import Fold, Handlers
from projections.causes import Causes
from projections.decisions import Decisions, Gate
from projections.rebuild import fold
from reenact.logs import SessionLog
from reenact.queries import known_name

MOST_EFFECTS = 50


class Seen(msgspec.Struct, frozen=True):
    """A rule's answer with the market event it looked at, and the limit it was asked about (0: the rule needs none)."""

    rule: str
    code: str
    passed: bool
    observed: str
    limit: str
    unit: str
    seen: int
    limit_id: int
    limit_version: int
    scope: str
    rule_version: int
    market: str


class Step(msgspec.Struct, frozen=True):
    """One link of a chain. `event` is the whole event in readable form."""

    seq: int
    time: str
    type: str
    text: str
    checks: list[Seen]
    event: Row


class Why(msgspec.Struct, frozen=True):
    """`chain` from the first cause to the event asked for; `effects` what followed from it, at most `MOST_EFFECTS` of `effects_total`."""

    session: str
    asked: str
    chain: list[Step]
    effects: list[Step]
    effects_total: int


class Missed(msgspec.Struct, frozen=True):
    """A signal that led to no order, and the gate where it ended. `rule`, `observed` and `limit` say what stopped it."""

    seq: int
    time: str
    strategy: str
    instrument: str
    side: str
    qty: str
    gate: str
    reason: str
    rule: str
    observed: str
    limit: str
    unit: str


class _Index(Fold):
    """Names of the session, and where each order was decided and sent."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.decided: dict[str, int] = {}
        self.sent: dict[str, int] = {}
        self.handlers: Handlers = {
            **dict.fromkeys(Reader.NAMING, self._note),
            OrderApproved: self._decided, OrderDenied: self._decided, OrderSubmitted: self._sent, OrderReplaceRequested: self._sent,
        }  # fmt: skip

    def _note(self, seq: int, event: AnyRecorded) -> None:
        self.reader.note(event)

    def _decided(self, seq: int, event: OrderApproved | OrderDenied) -> None:
        self.reader.note(event)
        self.decided[event.cl_ord_id] = seq

    def _sent(self, seq: int, event: OrderSubmitted | OrderReplaceRequested) -> None:
        self.reader.note(event)
        self.sent[event.cl_ord_id] = seq


def _seq_of(session: SessionLog, index: _Index, target: str, last: int) -> int:
    """The event that a person means."""
    place = f"session {session.name}"
    if target.isascii() and target.isdecimal():
        if 1 <= int(target) <= last:
            return int(target)
        raise ReenactError(f"there is no event {target}; the session's events are 1 to {last}.", place=place)
    if target in ("first", "last") and index.sent:
        return list(index.sent.values())[0 if target == "first" else -1]
    found = index.sent.get(target) or index.decided.get(target)
    if found is None:
        raise ReenactError(f"there is no order {target!r}.", place=place, remedy="`reenact orders` lists them; an event is named by its number.")
    return found


def why(session: SessionLog, target: str) -> Why:
    """The chain behind an order (its id, or "first" or "last") or an event (its seq). Raises ReenactError when the session has neither."""
    index, causes = _Index(), Causes()
    last = fold(session.commits(), [index, causes])
    seq = _seq_of(session, index, target, last)
    teller = _Teller(session, index.reader)
    chain = causes.chain(seq)[::-1]
    effects = _descendants(causes, seq)
    return Why(session.name, target, [teller.step(s) for s in chain], [teller.step(s) for s in effects[:MOST_EFFECTS]], len(effects))


def _descendants(causes: Causes, seq: int) -> list[int]:
    """Everything that followed from an event, in order."""
    found: list[int] = []
    waiting = [seq]
    while waiting:
        children = causes.children(waiting.pop())
        found += children
        waiting += children
    return sorted(found)


class _Teller:
    """Fetches single events of a session and tells them."""

    def __init__(self, session: SessionLog, reader: Reader) -> None:
        self._session = session
        self._reader = reader
        self._number = 0
        self._events: dict[int, Any] = {}

    def row(self, seq: int) -> Row:
        """The readable event of a seq; the commit read last is kept."""
        if seq not in self._events:
            self._events = dict(self._session.holding(seq).items())
        return self._reader.row(seq, self._events[seq])

    def step(self, seq: int) -> Step:
        row = self.row(seq)
        checks = [self._seen(c) for c in row.get("checks", ())]
        return Step(seq, row["time"], row["type"], sentence(row), checks, row)

    def _seen(self, check: Row) -> Seen:
        market = sentence(self.row(check["seen"])) if check["seen"] else ""
        return Seen(**check, market=market)


def why_not(session: SessionLog, *, strategy: str | None = None, instrument: str | None = None, limit: int = 50) -> tuple[list[Missed], int]:
    """The newest `limit` signals that led to no order, oldest first, and how many there are. Raises ReenactError for an unknown name."""
    index, decisions = _Index(), Decisions()
    fold(session.commits(), [index, decisions])
    reader = index.reader
    known_name("strategy", strategy, list(reader.strategies), session)
    known_name("instrument", instrument, [i.symbol for i in reader.instruments], session)
    found = []
    for fate in decisions.signals(without_order=True):
        spec = reader.instruments[fate.instrument]
        if strategy not in (None, fate.strategy) or instrument not in (None, spec.symbol):
            continue
        check = check_row(fate.check, spec, reader.rules) if fate.check is not None else None
        found.append((fate, spec, check))
    shown = [
        Missed(
            f.seq, time_text(f.ns), f.strategy, s.symbol, f.side.name, s.qty_text(f.qty), f.gate.value,
            f.reason if f.gate != Gate.OPEN else "the session ended before the gates", c["rule"] if c else "", c["observed"] if c else "",
            c["limit"] if c else "", c["unit"] if c else "",
        )
        for f, s, c in found[-limit:]
    ]  # fmt: skip
    return shown, len(found)
