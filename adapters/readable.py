"""Decides how an event's integers and indexes become the names and decimal text that people read.

Invariants: nothing is lost (the integer time stays beside its text); no float; memory grows with orders, not with ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec

from adapters.times import duration_text, time_text
from domain.commands import SubmitOrder
from domain.events import AnyEvent, Event, OperatorCommandReceived, OrderReplaced, OrderReplaceRequested, OrderSubmitted, SessionOpened, SignalRaised
from domain.instrument import Instrument
from domain.money import to_text
from domain.risk import KNOWN, OFF, Check
from domain.risk.limits import Limits
from domain.terms import TradingState

Row = dict[str, Any]
_DIGITS_OF = {"amt": "digits", "fee_amt": "fee_digits", "expected": "digits", "observed": "digits"}
_DURATIONS = frozenset({"interval_ns", "max_age_ns", "max_data_age_ns"})


def check_row(check: Check, spec: Instrument | None) -> Row:
    """A rule's answer with its name, and observed and limit in the rule's unit as text."""
    rule = KNOWN.get(check.rule)
    unit = rule.unit if rule else ""
    return {
        "rule": check.rule,
        "code": rule.code if rule else "",
        "passed": check.passed,
        "observed": in_unit(check.observed, unit, spec),
        "limit": "off" if check.limit == OFF else in_unit(check.limit, unit, spec),
        "unit": _unit_name(unit, spec),
        "seen": check.seen,
    }


def in_unit(n: int, unit: str, spec: Instrument | None) -> str:
    """A rule's number as text: prices, quantities and amounts as decimals, ages as durations, states by name."""
    if unit == "ns":
        return "none" if n < 0 else duration_text(n)
    if unit == "state":
        return TradingState(n).name
    if unit == "flag":
        return "yes" if n else "no"
    if spec is None or unit not in ("px", "qty", "amt"):
        return str(n)
    if unit == "px":
        return spec.px_text(n)
    return spec.qty_text(n) if unit == "qty" else spec.amt_text(n)


def _unit_name(unit: str, spec: Instrument | None) -> str:
    """The unit people know: the currency of an amount, else the rule's word where it says something."""
    if spec is not None and unit == "amt":
        return spec.settle
    if spec is not None and unit == "px":
        return spec.quote
    return unit if unit in ("bps", "qty") else ""


def limits_row(limits: Limits, spec: Instrument) -> Row:
    """Limits as a configuration file writes them; `None` where off."""

    def shown(n: int, text: Callable[[int], str]) -> str | None:
        return None if n == OFF else text(n)

    return {
        "max_order_qty": shown(limits.max_order_qty, spec.qty_text),
        "max_order_value": shown(limits.max_order_amt, spec.amt_text),
        "collar_bps": None if limits.collar_bps == OFF else limits.collar_bps,
        "max_long": shown(limits.max_long_qty, spec.qty_text),
        "max_short": shown(limits.max_short_qty, spec.qty_text),
        "max_age": shown(limits.max_age_ns, duration_text),
    }


class Reader:
    """Turns a session's events, handed over in order, into rows of text. It remembers which instrument each order trades."""

    NAMING: tuple[type[Event], ...] = (
        SessionOpened, SignalRaised, OperatorCommandReceived, OrderSubmitted, OrderReplaceRequested, OrderReplaced,
    )  # fmt: skip
    """The events that `note` learns from."""

    def __init__(self) -> None:
        self.instruments: tuple[Instrument, ...] = ()
        self.strategies: tuple[str, ...] = ()
        self._of_order: dict[str, int] = {}
        self._signal = -1

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
        elif isinstance(event, SessionOpened):
            self.instruments = event.instruments
            self.strategies = tuple(s.name for s in event.strategies)

    def _asked(self, event: OperatorCommandReceived) -> int:
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
        if isinstance(value, Limits):
            return limits_row(value, spec) if spec is not None else _mapping(value)
        if isinstance(value, (tuple, list)):
            return [self._element(v, spec) for v in value]
        return self._struct(value)

    def _element(self, value: Any, spec: Instrument | None) -> Any:
        return check_row(value, spec) if isinstance(value, Check) else self._struct(value)

    def limits(self, value: Any, spec: Instrument | None) -> Any:
        """Limits of one instrument, or of all by symbol."""
        if isinstance(value, Limits):
            return self.other(value, spec)
        return {i.symbol: limits_row(each, i) for i, each in zip(self.instruments, value, strict=False)}

    def symbols(self, value: Any) -> list[Any]:
        """Instruments by symbol where they are indexes, whole where they are specifications."""
        return [self.symbol(v) if isinstance(v, int) else _mapping(v) for v in value]

    def _struct(self, value: Any) -> Any:
        if not isinstance(value, msgspec.Struct):
            return value
        row = _mapping(value)
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
    return lambda _r, event, v, _s: to_text(v, getattr(event, field))


_BY_NAME: dict[str, Writer] = {
    "instrument": lambda r, _e, v, _s: r.symbol(v),
    "strategy": lambda r, _e, v, _s: r.strategy(v),
    "instruments": lambda r, _e, v, _s: r.symbols(v),
    "limits": lambda r, _e, v, s: r.limits(v, s),
    **{name: _digits(field) for name, field in _DIGITS_OF.items()},
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
    if name.endswith("_ns"):
        return lambda _r, _e, v, _s: time_text(v) if v else ""
    return lambda r, _e, v, s: v if type(v) is int or type(v) is str or type(v) is bool else r.other(v, s)
