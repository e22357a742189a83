"""What an operator may ask for, and what the engine decides about it.

Invariants: a command is recorded before it is obeyed; one that cannot be obeyed leaves an `OperatorCommandRefused` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from domain.desk import OPERATOR
from domain.events import (
    KillSwitchEngaged,
    LimitsChanged,
    OperatorCommandReceived,
    OperatorCommandRefused,
    ParametersChanged,
    ReconciliationAdjusted,
    TradingHalted,
    TradingResumed,
)
from domain.risk.limits import Limits
from domain.terms import OrderType, Side, TimeInForce, TradingState

if TYPE_CHECKING:
    from domain.engine import Engine


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request by a person; its fields are the keys of the command's JSON argument."""


class EngageKillSwitch(Command, frozen=True):
    """`kill`: cancel everything, send nothing more. Source: RTS 6 Art. 12."""

    reason: str = ""


class HaltTrading(Command, frozen=True):
    """`halt` and `reduce_only`: no new orders, or only reducing ones. Source: FIA order controls."""

    reason: str = ""


class ResumeTrading(Command, frozen=True):
    """`resume`: trade again after a halt or a kill. Source: FIA order controls."""

    reason: str = ""


class ChangeLimits(Command, frozen=True):
    """`limits`: new limits for one instrument, in its units; what is left out stays as it is. Source: RTS 6 Art. 15."""

    symbol: str
    max_order_qty: int | None = None
    max_order_amt: int | None = None
    collar_bps: int | None = None
    max_long_qty: int | None = None
    max_short_qty: int | None = None
    max_age_ns: int | None = None


class ChangeParameters(Command, frozen=True):
    """`params`: other parameters for a running strategy. Source: RTS 6 Art. 11."""

    strategy: str
    params: dict[str, Any]


class CancelOrders(Command, frozen=True):
    """`cancel`: one order by its client order id, or every working order when it is empty. Source: FIX 35=F, 35=q."""

    cl_ord_id: str = ""
    reason: str = ""


class SubmitOrder(Command, frozen=True):
    """`order`: an order by hand, through the same risk rules. `side` is buy or sell; no price means market. Source: FIX 35=D."""

    symbol: str
    side: str
    qty: int
    limit_px: int = 0
    reduce_only: bool = False


class AdjustCash(Command, frozen=True):
    """`adjust`: accept a reconciliation difference of `amt` in 10^-digits of `currency`. Source: RTS 6 Art. 17."""

    currency: str
    amt: int
    digits: int
    reason: str


class _Refused(Exception):
    """The command cannot be obeyed, for the reason given."""


def obey(engine: Engine, event: OperatorCommandReceived) -> None:
    """Decide on a recorded command."""
    known = COMMANDS.get(event.command)
    desk = engine.desk
    try:
        if known is None:
            raise _Refused(f"there is no command {event.command!r}; known are {', '.join(sorted(COMMANDS))}")
        kind, decide = known
        decide(engine, event, msgspec.json.decode(event.argument or "{}", type=kind))
    except (_Refused, ValueError) as e:
        desk.emit(OperatorCommandRefused(event.ns, desk.cause, str(e)))


def _kill(engine: Engine, event: OperatorCommandReceived, command: EngageKillSwitch) -> None:
    desk = engine.desk
    desk.emit(KillSwitchEngaged(event.ns, desk.cause, event.actor, command.reason))
    _cancel_all(engine, "kill switch")


def _halt(engine: Engine, event: OperatorCommandReceived, command: HaltTrading) -> None:
    state = TradingState.REDUCE_ONLY if event.command == "reduce_only" else TradingState.HALTED
    if engine.desk.state.trading == TradingState.KILLED:
        raise _Refused("the kill switch is engaged; resume first")
    engine.desk.emit(TradingHalted(event.ns, engine.desk.cause, state, command.reason))


def _resume(engine: Engine, event: OperatorCommandReceived, command: ResumeTrading) -> None:
    if engine.desk.state.trading == TradingState.ACTIVE:
        raise _Refused("trading is active already")
    engine.desk.emit(TradingResumed(event.ns, engine.desk.cause, command.reason))


def _limits(engine: Engine, event: OperatorCommandReceived, command: ChangeLimits) -> None:
    i = _instrument(engine, command.symbol)
    old = engine.desk.state.limits[i]
    changes = {f: v for f in Limits.__struct_fields__ if f != "version" and (v := getattr(command, f)) is not None}
    if any(v < -1 for v in changes.values()):
        raise _Refused("a limit is -1 (off) or a number that is not negative")
    engine.desk.emit(LimitsChanged(event.ns, engine.desk.cause, i, msgspec.structs.replace(old, version=old.version + 1, **changes)))


def _params(engine: Engine, event: OperatorCommandReceived, command: ChangeParameters) -> None:
    names = [ctx.name for ctx in engine.contexts]
    if command.strategy not in names:
        raise _Refused(f"there is no strategy {command.strategy!r}; known are {', '.join(names)}")
    i = names.index(command.strategy)
    engine.change_parameters(i, command.params)
    text = msgspec.json.encode(command.params, order="deterministic").decode()
    engine.desk.emit(ParametersChanged(event.ns, engine.desk.cause, i, text))


def _cancel(engine: Engine, event: OperatorCommandReceived, command: CancelOrders) -> None:
    if not command.cl_ord_id:
        _cancel_all(engine, command.reason or f"asked by {event.actor}")
        return
    order = engine.desk.state.orders.find(command.cl_ord_id)
    if order is None or not order.worst_leaves:
        raise _Refused(f"there is no working order {command.cl_ord_id!r}")
    engine.desk.cancel(command.cl_ord_id, command.reason or f"asked by {event.actor}")


def _order(engine: Engine, event: OperatorCommandReceived, command: SubmitOrder) -> None:
    i = _instrument(engine, command.symbol)
    if command.side not in ("buy", "sell"):
        raise _Refused(f"side is buy or sell, not {command.side!r}")
    side = Side.BUY if command.side == "buy" else Side.SELL
    kind = OrderType.LIMIT if command.limit_px else OrderType.MARKET
    engine.desk.submit(OPERATOR, i, side, command.qty, kind, command.limit_px, 0, 0, TimeInForce.GTC, 0, False, command.reduce_only, event.actor)


def _adjust(engine: Engine, event: OperatorCommandReceived, command: AdjustCash) -> None:
    if command.currency not in engine.desk.state.cash:
        raise _Refused(f"the account holds no {command.currency}")
    engine.desk.emit(ReconciliationAdjusted(event.ns, engine.desk.cause, command.currency, command.amt, command.digits, command.reason))


def _cancel_all(engine: Engine, reason: str) -> None:
    for order in list(engine.desk.state.orders.working()):
        engine.desk.cancel(order.cl_ord_id, reason)


def _instrument(engine: Engine, symbol: str) -> int:
    for i, spec in enumerate(engine.desk.state.instruments):
        if spec.symbol == symbol:
            return i
    raise _Refused(f"there is no instrument {symbol!r} in this session")


COMMANDS: dict[str, tuple[type[Command], Callable[[Any, OperatorCommandReceived, Any], None]]] = {
    "kill": (EngageKillSwitch, _kill),
    "halt": (HaltTrading, _halt),
    "reduce_only": (HaltTrading, _halt),
    "resume": (ResumeTrading, _resume),
    "limits": (ChangeLimits, _limits),
    "params": (ChangeParameters, _params),
    "cancel": (CancelOrders, _cancel),
    "order": (SubmitOrder, _order),
    "adjust": (AdjustCash, _adjust),
}
