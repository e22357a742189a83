"""Decides how a configuration file writes risk limits: defaults for every instrument, and tables for those that differ.

Invariants: limits are written in people's units and without a sign; a key left out is no limit of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from domain.instrument import Instrument
from domain.money import to_int
from domain.risk.limits import OFF, Limits
from reenact.config_types import Duration, Number, Table


class LimitTable(Table):
    """Limits in people's units; a key left out is no limit of that kind. Source: RTS 6 Art. 15(1); SEC 15c3-5(c)(1)."""

    max_order_qty: Number | None = None
    max_order_value: Number | None = None
    collar_bps: int | None = Field(default=None, ge=0, le=10_000)
    max_long: Number | None = None
    max_short: Number | None = None
    max_age: Duration | None = None

    @field_validator("max_order_qty", "max_order_value")
    @classmethod
    def _some(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and value <= 0:
            raise ValueError(f"must be above 0, it is {value}; leave the key out for no limit, set tradable = false to forbid every order")
        return value

    @field_validator("max_long", "max_short")
    @classmethod
    def _unsigned(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and value < 0:
            raise ValueError(f"must not be negative, it is {value}; write the size of the position without a sign (0 forbids that side)")
        return value


class LimitsConfig(LimitTable):
    """`[limits]` for every instrument, `[limits.SYMBOL]` where one differs."""

    overrides: dict[str, LimitTable] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or "overrides" in value:
            return value
        return {k: v for k, v in value.items() if not isinstance(v, Mapping)} | {
            "overrides": {k: v for k, v in value.items() if isinstance(v, Mapping)}
        }

    @model_serializer(mode="wrap")
    def _joined(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        table: dict[str, Any] = inner(self)
        return table | table.pop("overrides")

    def of(self, symbol: str) -> LimitTable:
        """The limits that bind one instrument: its own where set, else the defaults."""
        own = self.overrides.get(symbol)
        table = {name: getattr(self, name) for name in LimitTable.model_fields}
        if own is not None:
            table |= {name: getattr(own, name) for name in own.model_fields_set if getattr(own, name) is not None}
        return LimitTable.model_construct(**table)


def limits_of(table: LimitTable, spec: Instrument, default_age_ns: int | None) -> Limits:
    """The table in the instrument's integers. Raises ValueError for a number with more digits than the instrument has."""
    age = table.max_age if table.max_age is not None else default_age_ns
    return Limits(
        max_order_qty=in_units(table.max_order_qty, spec.qty_digits),
        max_order_amt=in_units(table.max_order_value, spec.amt_digits),
        collar_bps=OFF if table.collar_bps is None else table.collar_bps,
        max_long_qty=in_units(table.max_long, spec.qty_digits),
        max_short_qty=in_units(table.max_short, spec.qty_digits),
        max_age_ns=OFF if age is None else age,
    )


def in_units(value: Decimal | None, digits: int) -> int:
    """A limit as an integer, `OFF` where there is none. Raises ValueError for more than `digits` decimals."""
    return OFF if value is None else to_int(value, digits)
