"""What a person may ask for: the commands and their arguments, as they stand in the log. `domain.control` decides about them.

Invariants: an argument is canonical JSON; unknown keys are refused; numbers are the integers of the log.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.context import order_type
from domain.terms import OrderType, Side, TimeInForce


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request by a person; its fields are the keys of the command's JSON argument.

    `scope` is account, venue, class, instrument or strategy; `member` a venue, asset class, symbol or strategy's name ("operator": orders
    by hand), empty for the account.
    """


class EngageKillSwitch(Command, frozen=True):
    """`kill`: cancel everything in scope, send nothing more. Never waits for a second person. Source: RTS 6 Art. 12."""

    scope: str = "account"
    member: str = ""
    reason: str = ""


class HaltTrading(Command, frozen=True):
    """`halt` and `reduce_only`: no new orders in scope, or only reducing ones. Never wait for a second person. Source: FIA order controls."""

    scope: str = "account"
    member: str = ""
    reason: str = ""


class ResumeTrading(Command, frozen=True):
    """`resume`: lift the halt that `rule` holds there: "person" for one by a person, "K-01" for a kill, else the rule's id; empty: the only one.

    Whatever a person's halt is not needs a second person. Source: FIA order controls; features D K-01, K-02.
    """

    scope: str = "account"
    member: str = ""
    rule: str = ""
    reason: str = ""


class ChangeLimits(Command, frozen=True):
    """`limits`: other limits for members of a scope, by parameter name in its unit's integers (`domain.risk.rule.WIDTH`); -1 is off.

    What is left out stays as it is. `effective_ns`: from when, 0 at once. Source: RTS 6 Art. 15.
    """

    scope: str
    values: dict[str, tuple[int, ...]]
    members: tuple[str, ...] = ()
    effective_ns: int = 0
    reason: str = ""


class ChangeParameters(Command, frozen=True):
    """`params`: other parameters for a running strategy. Source: RTS 6 Art. 11."""

    strategy: str
    params: dict[str, Any]


class CancelOrders(Command, frozen=True):
    """`cancel`: one order by its client order id, or every working order when it is empty. Never waits. Source: FIX 35=F, 35=q."""

    cl_ord_id: str = ""
    reason: str = ""


class SubmitOrder(Command, frozen=True):
    """`order`: an order by hand, through the same risk rules. `side` is buy or sell. Source: FIX 35=D.

    Prices in 10^-price_digits, 0 for none: no price is market, as for strategies. `time_in_force` is day, gtc, ioc, fok or gtd.
    `intentional`: meant to repeat an earlier order; `locate`: where borrowed shares come from.
    """

    symbol: str
    side: str
    qty: int
    limit_px: int = 0
    stop_px: int = 0
    time_in_force: str = "gtc"
    expire_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False
    intentional: bool = False
    locate: str = ""


class AdjustCash(Command, frozen=True):
    """`adjust`: accept a reconciliation difference of `amt` in 10^-digits of `currency`. Source: RTS 6 Art. 17."""

    currency: str
    amt: int
    digits: int
    reason: str


class RecordOutcome(Command, frozen=True):
    """`record_outcome`: what a round trip of `strategy` ("operator": by hand) in `symbol` brought that no fill here explains, for the loss rules.

    `amt` in 10^-amt_digits of the instrument's settlement currency, negative for a loss. Source: features A S4-10.
    """

    symbol: str
    amt: int
    reason: str
    strategy: str = "operator"


class OverrideBlock(Command, frozen=True):
    """`override`: let the next order of `strategy` ("operator": by hand) in `symbol` pass one limit of `rule` once, up to `most` observed.

    The limit is named by its `limit_id`, or else by `scope` and `member`. Always needs a second person. Source: RTS 6 Art. 15(6);
    RTS 7 Art. 20(2)(d); features D K-05.
    """

    rule: str
    strategy: str
    symbol: str
    most: int
    expires_ns: int
    reason: str
    scope: str = ""
    member: str = ""
    limit_id: int = 0


class ApproveRequest(Command, frozen=True):
    """`approve`: what another person asked for under `number` is done. Source: features D K-02, K-05."""

    number: int
    reason: str = ""


class DeclineRequest(Command, frozen=True):
    """`decline`: what was asked for under `number` is not done; by the one who asked, it is withdrawn. Source: features D K-02, K-05."""

    number: int
    reason: str = ""


ALWAYS_TWO = ("override",)
"""Commands that always need a second person (`resume` does when it lifts more than a person's halt)."""

MAY_NEED_TWO = ("adjust", "limits", "order", "params", "resume", "override", "record_outcome")
"""Commands that `ControlSettings.two_persons` may name. What makes things safer never waits."""


COMMANDS: dict[str, type[Command]] = {
    "kill": EngageKillSwitch,
    "halt": HaltTrading,
    "reduce_only": HaltTrading,
    "resume": ResumeTrading,
    "limits": ChangeLimits,
    "params": ChangeParameters,
    "cancel": CancelOrders,
    "order": SubmitOrder,
    "adjust": AdjustCash,
    "record_outcome": RecordOutcome,
    "override": OverrideBlock,
    "approve": ApproveRequest,
    "decline": DeclineRequest,
}
"""Every command by its name, with its argument."""

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TIMES = {t.name.lower(): t for t in TimeInForce}


def terms_of(command: SubmitOrder) -> tuple[Side, OrderType, TimeInForce]:
    """What the words of an order by hand mean. Raises ValueError for words that mean nothing."""
    side = _SIDES.get(command.side)
    if side is None:
        raise ValueError(f"side is buy or sell, not {command.side!r}")
    time_in_force = _TIMES.get(command.time_in_force)
    if time_in_force is None:
        raise ValueError(f"time_in_force is {', '.join(_TIMES)}, not {command.time_in_force!r}")
    if (time_in_force is TimeInForce.GTD) != (command.expire_ns > 0):
        raise ValueError("expire_ns goes with time_in_force gtd, and gtd with expire_ns")
    return side, order_type(command.limit_px, command.stop_px, 0), time_in_force
