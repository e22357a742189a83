"""Orders that belong together: one triggers, one cancels the other, one protects the other."""

from __future__ import annotations

import msgspec

from domain.events._base import Event
from domain.terms import FailurePolicy, GroupKind, Side, TimeInForce


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One order of a group as it was asked for. Prices are 0 where the order has none; no price at all means market.

    `qty` is unsigned; the protective legs of a bracket have 0, their quantity follows the fills. `role` is given by the group: entry, stop,
    target, then 1, then 2, …, leg 1, leg 2, ….
    """

    side: Side
    qty: int
    limit_px: int = 0
    stop_px: int = 0
    trail_px: int = 0
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    role: str = ""


class GroupOpened(Event, frozen=True, tag="group"):
    """Decision. A group of orders, under `number`, with all its orders as asked for. Source: FIX 66 ListID, 1385 ContingencyType.

    `kind`: bracket, OCO or OTO. `on_failure`: what happens when a leg cannot be placed or ends without doing its work.
    """

    number: int
    kind: GroupKind
    strategy: int
    instrument: int
    on_failure: FailurePolicy
    legs: tuple[Leg, ...]
    reason: str


class GroupLegged(Event, frozen=True, tag="leg"):
    """Decision. The order `cl_ord_id` was sent as leg `role` (as in `Leg`, or flat: the one that flattens) of group `number`. Source: FIX 66; features A S4-22."""

    number: int
    role: str
    cl_ord_id: str


class GroupLegFailed(Event, frozen=True, tag="legfail"):
    """Decision. A leg was denied, rejected, ended unasked, or traded too much; `on_failure` says what follows now. Source: features A S4-04.

    FLATTEN: everything of the group is canceled, then what is left open is closed at the market. RETRY: the same again in a second. ALERT: nothing.
    """

    number: int
    role: str
    cl_ord_id: str
    on_failure: FailurePolicy
    reason: str


class GroupReleased(Event, frozen=True, tag="ungroup"):
    """Decision. Its strategy gives a group up: every order of it is canceled, and what its fills built stays as it is, unprotected. Source: features A S4-22."""

    number: int
    reason: str


class GroupClosed(Event, frozen=True, tag="grouped"):
    """Decision. Nothing of the group works and nothing is left to do. `open_qty` is what its fills left open and unprotected, signed. Source: features A S4-22."""

    number: int
    open_qty: int
    reason: str


class GroupReopened(Event, frozen=True, tag="regroup"):
    """Decision. A late fill or a bust moved a closed group's position: it is looked after again. Source: FIX 150=F after 150=4."""

    number: int
    reason: str
