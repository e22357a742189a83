"""Decides how an event's integers and indexes become the names and decimal text that people read.

Invariants: nothing is lost (the integer time stays beside its text); no float; memory grows with orders, not with ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec

from adapters.rules import BUILT_IN, Row, RuleWords, check_row, in_unit, limit_row, session_rules, within
from adapters.times import duration_text, time_text
from domain.commands import SubmitOrder
from domain.events import (
    AnyEvent,
    ApprovalClosed,
    ApprovalRequested,
    Event,
    Leg,
    LimitsChanged,
    OperatorCommandReceived,
    OrderReplaced,
    OrderReplaceRequested,
    OrderSubmitted,
    SessionOpened,
    SignalRaised,
)
from domain.instrument import Instrument
from domain.limits import Check, Limit
from domain.money import to_text

_DIGITS_OF = {"amt": "digits", "fee_amt": "fee_digits", "expected": "digits"}
_DURATIONS = frozenset({"interval_ns", "took_ns"})


class Reader:
    """Turns a session's events, handed over in order, into rows of text. It remembers which instrument each order trades."""

    NAMING: tuple[type[Event], ...] = (
        SessionOpened, SignalRaised, OperatorCommandReceived, OrderSubmitted, OrderReplaceRequested, OrderReplaced, LimitsChanged, ApprovalRequested,
        ApprovalClosed,
    )  # fmt: skip
    """The events that `note` learns from."""

    def __init__(self) -> None:
        self.instruments: tuple[Instrument, ...] = ()
        self.strategies: tuple[str, ...] = ()
        self.rules: dict[str, RuleWords] = BUILT_IN
        self.limits: list[Limit] = []
        self._of_order: dict[str, int] = {}
        self._signal = -1
        self._waiting: dict[int, int] = {}

    def note(self, event: AnyEvent) -> None:
        """Learn names from an event without writing it."""
        if isinstance(event, SignalRaised):
            self._signal = event.instrument
        elif isinstance(event, OrderSubmitted):
            self._of_order[event.cl_ord_id] = event.instrument
        elif isinstance(event, (OrderReplaceRequested, OrderReplaced)):
            self._of_order[event.cl_ord_id] = self._of_order.get(event.orig_cl_ord_id, -1)
        elif isinstance(event, OperatorCommandReceived):
            if event.command == "order":
                self._signal = self._asked(event)
        elif isinstance(event, ApprovalRequested):
            if event.command == "order":
                self._waiting[event.number] = self._asked(event)
        elif isinstance(event, ApprovalClosed):
            self._signal = self._waiting.pop(event.number, self._signal)
        elif isinstance(event, SessionOpened):
            self.instruments = event.instruments
            self.strategies = tuple(s.name for s in event.strategies)
            self.rules = session_rules(event.rules)
            self.limits = list(event.limits)
        elif isinstance(event, LimitsChanged) and event.limit.id == len(self.limits) + 1:
            self.limits.append(event.limit)

    def _asked(self, event: OperatorCommandReceived | ApprovalRequested) -> int:
        """The index of the instrument a person wants to trade, -1 when the command names none of the session's."""
        try:
            symbol = msgspec.json.decode(event.argument, type=SubmitOrder).symbol
        except msgspec.DecodeError:
            return -1
        return next((i for i, spec in enumerate(self.instruments) if spec.symbol == symbol), -1)

    def instrument_of(self, event: AnyEvent) -> int:
        """The index of the instrument an event is about, or -1."""
        found = getattr(event, "instrument", None)
        if isinstance(found, int):
            return found
        cl_ord_id = getattr(event, "cl_ord_id", None)
        if cl_ord_id is None:
            return -1
        known = self._of_order.get(cl_ord_id, self._of_order.get(getattr(event, "orig_cl_ord_id", ""), -1))
        return self._signal if known < 0 and hasattr(event, "checks") else known

    def spec(self, index: int) -> Instrument | None:
        """The instrument of an index, or None."""
        return self.instruments[index] if 0 <= index < len(self.instruments) else None

    def row(self, seq: int, event: AnyEvent) -> Row:
        """The event as a JSON-ready mapping: seq, type, time, then its fields with symbols, names and decimal text."""
        kind = type(event)
        if kind in _NAMING:
            self.note(event)
        writers = _WRITERS.get(kind)
        if writers is None:
            writers = _WRITERS[kind] = tuple((f, _writer(f)) for f in kind.__struct_fields__ if f not in ("ns", "cause"))
        spec = self.spec(self.instrument_of(event))
        row: Row = {"seq": seq, "type": kind.__name__, "time": time_text(event.ns), "ns": event.ns, "cause": event.cause}
        for name, write in writers:
            row[name] = write(self, event, getattr(event, name), spec)
        if spec is not None and "instrument" not in row:
            row["instrument"] = spec.symbol
        return row

    def strategy(self, index: int) -> Any:
        """The name of a strategy, or the index itself where there is none (-1: a person)."""
        return self.strategies[index] if 0 <= index < len(self.strategies) else index

    def other(self, value: Any, spec: Instrument | None) -> Any:
        """A value that its field's name says nothing about."""
        if isinstance(value, IntEnum):
            return value.name
        if isinstance(value, Limit):
            return limit_row(value, self.rules, self.instruments)
        if isinstance(value, (tuple, list)):
            return [self._element(v, spec) for v in value]
        return self._struct(value, spec)

    def _element(self, value: Any, spec: Instrument | None) -> Any:
        if isinstance(value, Check):
            return check_row(value, spec, self.rules, self.limits)
        return limit_row(value, self.rules, self.instruments) if isinstance(value, Limit) else self._struct(value, spec)

    def number(self, event: Any, value: Any, spec: Instrument | None) -> Any:
        """A number that a rule compared, in the rule's unit; one of a reconciliation in its own digits; a limit whole."""
        if isinstance(value, Limit):
            return limit_row(value, self.rules, self.instruments)
        if hasattr(event, "digits"):
            return to_text(value, event.digits)
        words = self.rules.get(getattr(event, "rule", ""))
        if spec is None and hasattr(event, "scope"):
            spec = within(event.scope, event.member, self.instruments)
        return in_unit(value, words.unit if words else "", spec)

    def symbols(self, value: Any) -> list[Any]:
        """Instruments by symbol where they are indexes, whole where they are specifications."""
        return [self.symbol(v) if isinstance(v, int) else _mapping(v) for v in value]

    def _struct(self, value: Any, spec: Instrument | None) -> Any:
        if not isinstance(value, msgspec.Struct):
            return value
        row = {
            k: self.other(v, None) if isinstance(v, (IntEnum, tuple, msgspec.Struct)) and k != "instruments" else v
            for k, v in _mapping(value).items()
        }
        if spec is not None and isinstance(value, Leg):
            row |= {k: spec.qty_text(n) if k == "qty" else spec.px_text(n) for k, n in row.items() if k == "qty" or k.endswith("_px")}
        if "amt" in row and "digits" in row:
            row["amt"] = to_text(row["amt"], row["digits"])
        if "instruments" in row:
            row["instruments"] = [self.symbol(i) for i in row["instruments"]]
        return row

    def symbol(self, index: int) -> Any:
        """The symbol of an instrument, or the index itself where there is none."""
        spec = self.spec(index)
        return spec.symbol if spec else index


def _mapping(value: msgspec.Struct) -> Row:
    return {name: getattr(value, name) for name in value.__struct_fields__}


Writer = Callable[[Reader, Any, Any, Instrument | None], Any]
_NAMING = frozenset(Reader.NAMING)
_WRITERS: dict[type, tuple[tuple[str, Writer], ...]] = {}


def _digits(field: str) -> Writer:
    """An amount in its own digits, or in those of its instrument."""
    return lambda _r, event, v, s: to_text(v, getattr(event, field)) if hasattr(event, field) else v if s is None else s.amt_text(v)


_BY_NAME: dict[str, Writer] = {
    "instrument": lambda r, _e, v, _s: r.symbol(v),
    "strategy": lambda r, _e, v, _s: r.strategy(v),
    "instruments": lambda r, _e, v, _s: r.symbols(v),
    **{name: _digits(field) for name, field in _DIGITS_OF.items()},
    **dict.fromkeys(("observed", "limit", "most"), lambda r, e, v, s: r.number(e, v, s)),
    **dict.fromkeys(_DURATIONS, lambda _r, _e, v, _s: duration_text(v)),
}


def _writer(name: str) -> Writer:
    """How a field of this name is written."""
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    if name == "px" or name.endswith("_px"):
        return lambda _r, _e, v, s: v if s is None else s.px_text(v)
    if name == "qty" or name.endswith("_qty"):
        return lambda _r, _e, v, s: v if s is None else s.qty_text(v)
    if name.endswith("_amt"):
        return lambda _r, _e, v, s: v if s is None else s.amt_text(v)
    if name.endswith("_ns"):
        return lambda _r, _e, v, _s: time_text(v) if v else ""
    return lambda r, _e, v, s: v if type(v) is int or type(v) is str or type(v) is bool else r.other(v, s)
