"""Decides how a configuration file writes how people and time govern a session, and how a strategy's quantities are sized.

Invariants: written in people's units; what is left out is the domain's own default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator

from adapters.times import duration_text
from domain.commands import MAY_NEED_TWO
from domain.events import ControlSettings, Sizing
from domain.instrument import Instrument
from domain.terms import Scope
from reenact.config_types import Number, SomeTime, Table
from reenact.config_values import form, integers

_USUAL = ControlSettings()
_SIZED = Sizing()


def _disconnect(value: Any) -> Any:
    if value in ("never", False):
        return -1
    return value if value == -1 else _NS(value)


_NS = form("ns").__metadata__[0].func
Disconnect = Annotated[int, BeforeValidator(_disconnect), PlainSerializer(lambda ns: "never" if ns < 0 else duration_text(ns))]


class ControlConfig(Table):
    """How people and time govern a session.

    `two_persons`: commands that need a second one. `approvers`: who may be the second, empty anyone else. `approval_time`: how long a
    request waits. `order_ttl`: a working order older than this is canceled. `cancel_on_disconnect`: a venue lost for longer than this gets
    a cancel for every order.
    """

    two_persons: tuple[str, ...] = _USUAL.two_persons
    approvers: tuple[str, ...] = _USUAL.approvers
    approval_time: SomeTime = _USUAL.approval_ns
    order_ttl: SomeTime | None = None
    cancel_on_disconnect: Disconnect = _USUAL.disconnect_ns

    @field_validator("two_persons")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if word not in MAY_NEED_TWO:
                raise ValueError(f"{word!r} cannot wait for a second person; these commands can: {', '.join(MAY_NEED_TWO)}")
        return value

    def settings(self) -> ControlSettings:
        """As the log records them."""
        return ControlSettings(self.two_persons, self.approvers, self.approval_time, self.order_ttl or 0, self.cancel_on_disconnect)


class SizingConfig(Table):
    """How a strategy's quantities are sized.

    `risk_bps`: the part of equity that may be lost if the stop is hit. `leverage`: position value per equity. `margin_bps`: initial margin
    of a position's value. `max_qty`: most of one order. `on_excess`: scale an order that asks for more, or refuse it.
    """

    risk_bps: int = Field(default=_SIZED.risk_bps, ge=0, le=10_000)
    leverage: Number | None = Field(default=None, gt=0)
    margin_bps: int = Field(default=_SIZED.margin_bps, gt=0, le=10_000)
    max_qty: Number | None = Field(default=None, gt=0)
    on_excess: Literal["scale", "refuse"] = "scale"

    def settings(self, instruments: Sequence[Instrument]) -> Sizing:
        """As the log records it, for these instruments. Raises ValueError for a number that they cannot have."""
        leverage = integers(self.leverage, "ratio", Scope.STRATEGY, ())[0] if self.leverage is not None else 0
        most = integers(self.max_qty, "qty", Scope.STRATEGY, instruments)[0] if self.max_qty is not None else 0
        return Sizing(self.risk_bps, leverage, self.margin_bps, most, self.on_excess)
