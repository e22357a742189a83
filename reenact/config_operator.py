"""Decides how a configuration file writes what a person will ask for during a simulated session.

Invariants: arguments are written in people's units and checked before the session starts; the engine gets the integers of
`domain.commands` as canonical JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field

from adapters.times import parse_duration, parse_time
from domain.events import OperatorCommandReceived
from domain.instrument import Instrument
from domain.money import to_int
from domain.risk.limits import OFF, Limits
from reenact.config_limits import LimitTable, limits_of
from reenact.config_types import Number, Params, Table


def _when(value: Any) -> Any:
    text = value.isoformat() if hasattr(value, "isoformat") else value
    if isinstance(text, str):
        parse_duration(text[1:]) if text.startswith("+") else parse_time(text)
    return text


class Reason(Table):
    """Why, in the operator's words."""

    reason: str = ""

    def wire(self, instruments: Sequence[Instrument]) -> dict[str, Any]:
        """The argument as `domain.commands` reads it. Raises ValueError for what does not fit the session."""
        return {"reason": self.reason}


class NewLimits(LimitTable):
    """Limits of one instrument that change; what is left out stays as it is."""

    symbol: str

    def wire(self, instruments: Sequence[Instrument]) -> dict[str, Any]:
        limits = limits_of(self, _spec(instruments, self.symbol), None)
        numbers = {name: getattr(limits, name) for name in Limits.__struct_fields__ if name != "version"}
        return {"symbol": self.symbol} | {name: n for name, n in numbers.items() if n != OFF}


class NewParams(Table):
    """Other parameters for a running strategy."""

    strategy: str
    params: Params

    def wire(self, instruments: Sequence[Instrument]) -> dict[str, Any]:
        return {"strategy": self.strategy, "params": self.params}


class Cancel(Table):
    """One order by its id, or every working order."""

    cl_ord_id: str = ""
    reason: str = ""

    def wire(self, instruments: Sequence[Instrument]) -> dict[str, Any]:
        return {"cl_ord_id": self.cl_ord_id, "reason": self.reason}


class NewOrder(Table):
    """An order by hand; without `limit` it is a market order."""

    symbol: str
    side: Literal["buy", "sell"]
    qty: Number = Field(gt=0)
    limit: Number | None = Field(default=None, gt=0)
    reduce_only: bool = False

    def wire(self, instruments: Sequence[Instrument]) -> dict[str, Any]:
        spec = _spec(instruments, self.symbol)
        px = to_int(self.limit, spec.price_digits) if self.limit is not None else 0
        return {"symbol": self.symbol, "side": self.side, "qty": to_int(self.qty, spec.qty_digits), "limit_px": px, "reduce_only": self.reduce_only}


class Adjustment(Table):
    """A reconciliation difference that is accepted; `amount` is posted to the adjustment account."""

    currency: str
    amount: Number
    reason: str = Field(min_length=1)

    def wire(self, instruments: Sequence[Instrument]) -> dict[str, Any]:
        digits = max(0, -int(self.amount.as_tuple().exponent))
        return {"currency": self.currency, "amt": to_int(self.amount, digits), "digits": digits, "reason": self.reason}


def _spec(instruments: Sequence[Instrument], symbol: str) -> Instrument:
    for i in instruments:
        if i.symbol == symbol:
            return i
    raise ValueError(f"no instrument has the symbol {symbol!r}; the symbols are {', '.join(i.symbol for i in instruments)}")


class _Row(Table):
    at: Annotated[str, BeforeValidator(_when)]
    actor: str = Field(min_length=1)


class SwitchRow(_Row):
    """`kill`, `halt`, `reduce_only`, `resume`."""

    command: Literal["kill", "halt", "reduce_only", "resume"]
    argument: Reason = Reason()


class LimitsRow(_Row):
    """`limits`."""

    command: Literal["limits"]
    argument: NewLimits


class ParamsRow(_Row):
    """`params`."""

    command: Literal["params"]
    argument: NewParams


class CancelRow(_Row):
    """`cancel`."""

    command: Literal["cancel"]
    argument: Cancel = Cancel()


class OrderRow(_Row):
    """`order`."""

    command: Literal["order"]
    argument: NewOrder


class AdjustRow(_Row):
    """`adjust`."""

    command: Literal["adjust"]
    argument: Adjustment


Operator = Annotated[SwitchRow | LimitsRow | ParamsRow | CancelRow | OrderRow | AdjustRow, Field(discriminator="command")]


def build_commands(rows: Sequence[Operator], instruments: Sequence[Instrument], first_ns: int) -> tuple[OperatorCommandReceived, ...]:
    """The commands in time order; offsets count from `first_ns`. Raises ValueError for an argument that does not fit the instruments."""
    built = []
    for row in rows:
        due = first_ns + parse_duration(row.at[1:]) if row.at.startswith("+") else parse_time(row.at)
        argument = msgspec.json.encode(row.argument.wire(instruments), order="deterministic").decode()
        built.append(OperatorCommandReceived(due, 0, row.actor, row.command, argument))
    return tuple(sorted(built, key=lambda c: c.ns))
