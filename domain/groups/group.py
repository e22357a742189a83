"""Decides what is true of one group of orders, and what each of its legs should be working for, from the facts of its orders alone.

A group is looked at by level, not by edge: whatever just happened, in whatever order the reports came, the fills say what is open, and
what is open says what should work. So a late fill, a bust, a race and a restart are no cases of their own. Each role has one order at a
time, which grows and shrinks by replacement: at no moment is the same quantity protected twice or not at all, a price that the strategy
trailed stays, and an order has no more states than working, asked, and ended.

| kind | what should work |
|---|---|
| bracket | the entry until a leg trades; stop and target for what the fills left open, each by itself |
| OCO | every leg until one trades or is given up; then the one that traded first goes on, the others are canceled |
| OTO | the entry; the others once the entry was filled whole, never if it ends sooner |

Invariants: what a group wants follows from its orders, its failures and who asked for a cancel; a leg that was given up is never placed
or enlarged again, but still made smaller and canceled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from domain.errors import StrategyError
from domain.events import GroupOpened, Leg
from domain.order import Order
from domain.terms import FailurePolicy, GroupKind, Side

RETRIES: Final = 3
KEEP: Final = -1
"""The leg may work for what it works for."""
ENTRY: Final = "entry"
FLAT: Final = "flat"
_BRACKET: Final = GroupKind.BRACKET
_OCO: Final = GroupKind.OCO


class Part:
    """One role of a group: its leg as asked for, and its orders, the last of which may work.

    given_up: not placed or enlarged any more. waiting: for the timer of the next try. dealt: the end of the last order was looked at.
    request: our replacement of it that may have no answer yet. refusals: how often the venue refused to make it smaller or to cancel it.
    lost: numbers of the orders whose end was recorded as a failure.
    """

    __slots__ = ("dealt", "failures", "given_up", "leg", "lost", "orders", "raced", "refusals", "request", "role", "waiting")

    def __init__(self, role: str, leg: Leg) -> None:
        self.role = role
        self.leg = leg
        self.orders: list[Order] = []
        self.lost: dict[int, None] = {}
        self.failures = self.refusals = 0
        self.given_up = self.waiting = self.raced = False
        self.dealt = True
        self.request = ""

    @property
    def cum_qty(self) -> int:
        """What traded under this role, unsigned."""
        return sum(order.cum_qty for order in self.orders)

    @property
    def working(self) -> list[Order]:
        """Its orders that may still trade: more than one only if the venue refuted an end."""
        return [order for order in self.orders if order.worst_leaves]

    @property
    def whole(self) -> bool:
        """Its last order was filled completely."""
        return bool(self.orders) and self.orders[-1].cum_qty >= self.orders[-1].order_qty

    @property
    def rest_qty(self) -> int:
        """What is still to be done of the quantity that was asked for."""
        return max(0, self.orders[-1].order_qty - self.orders[-1].cum_qty) if self.orders else self.leg.qty

    @property
    def most_qty(self) -> int:
        """The quantity that was asked for, as it was sized."""
        return self.orders[0].order_qty if self.orders else self.leg.qty


class Group:
    """One group. `parts` by role, the flattening order's last.

    winding: it is being flattened. released: its orders are canceled by request, its position is left alone. canceled: numbers of the orders
    whose cancel the group itself asked for. doubted: orders whose request was on its way at a restart. surplus: the most by which its fills
    were too many, as recorded. last: the role that traded last; winner: of an OCO, the first.
    """

    __slots__ = (
        "canceled", "closed", "doubted", "instrument", "kind", "last", "number", "on_failure", "parts", "refused", "released", "strategy", "surplus",
        "winding", "winner",
    )  # fmt: skip

    def __init__(self, opened: GroupOpened) -> None:
        self.number = opened.number
        self.kind = opened.kind
        self.strategy = opened.strategy
        self.instrument = opened.instrument
        self.on_failure = opened.on_failure
        self.parts = {leg.role: Part(leg.role, leg) for leg in opened.legs}
        self.parts[FLAT] = Part(FLAT, Leg(Side.NONE, 0, reduce_only=True, role=FLAT))
        self.canceled: dict[int, None] = {}
        self.doubted: dict[int, None] = {}
        self.closed = self.winding = self.released = False
        self.last = self.refused = ""
        self.winner: Part | None = None
        self.surplus = 0

    @property
    def flat(self) -> Part:
        """The order that flattens."""
        return self.parts[FLAT]

    @property
    def legs(self) -> list[Part]:
        """Every role but the flattening order's."""
        return [part for part in self.parts.values() if part.role != FLAT]

    @property
    def exits(self) -> list[Part]:
        """The roles of which only one is meant to trade: what they work for counts once where only reducing is allowed."""
        if self.kind is _BRACKET:
            return [part for part in self.parts.values() if part.role != ENTRY]
        return list(self.parts.values()) if self.kind is _OCO else []

    @property
    def net_qty(self) -> int:
        """The position that its fills add up to, signed."""
        return sum(order.side * order.cum_qty for part in self.parts.values() for order in part.orders)

    @property
    def working(self) -> bool:
        """Some order of it may still trade."""
        return any(part.working for part in self.parts.values())

    @property
    def open_qty(self) -> int:
        """Of a bracket: what is open in the entry's direction; negative when the legs traded more than the entry."""
        return self.parts[ENTRY].leg.side * self.net_qty

    @property
    def decided(self) -> bool:
        """Of an OCO: one leg traded or was given up, so the others are not wanted any more."""
        return self.winner is not None or any(part.given_up for part in self.legs)


def bracket_legs(side: Side, qty: int, limit_px: int, stop_px: int, target_px: int) -> tuple[Leg, ...]:
    """An entry with its stop and its target (0: without). Raises StrategyError for prices that protect nothing."""
    if side is Side.NONE:
        raise StrategyError("a bracket buys or sells, it needs a side")
    if stop_px < 0 or target_px < 0 or not (stop_px or target_px):
        raise StrategyError("a bracket needs a stop or a target, at a positive price")
    if stop_px and target_px and side * (target_px - stop_px) <= 0:
        raise StrategyError(f"the stop of a {side.name.lower()} bracket ({stop_px}) is not on the losing side of its target ({target_px})")
    out = Side.SELL if side is Side.BUY else Side.BUY
    legs = [Leg(side, qty, limit_px, role=ENTRY)]
    if stop_px:
        legs.append(Leg(out, 0, stop_px=stop_px, reduce_only=True, role="stop"))
    if target_px:
        legs.append(Leg(out, 0, target_px, reduce_only=True, role="target"))
    return tuple(legs)


def oco_legs(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """Alternatives, numbered. Raises StrategyError for fewer than two."""
    if len(legs) < 2:
        raise StrategyError("an OCO needs two orders at least")
    return tuple(msgspec.structs.replace(leg, role=f"leg {n}") for n, leg in enumerate(legs, 1))


def oto_legs(entry: Leg, then: Sequence[Leg]) -> tuple[Leg, ...]:
    """An entry and what it triggers, numbered. Raises StrategyError when it triggers nothing."""
    if not then:
        raise StrategyError("an OTO needs an order that its entry triggers")
    return (msgspec.structs.replace(entry, role=ENTRY), *(msgspec.structs.replace(leg, role=f"then {n}") for n, leg in enumerate(then, 1)))


def wanted_qty(g: Group, part: Part) -> int:
    """What the part's order should still work for; `KEEP` where that is its own affair."""
    if part.role == FLAT:
        return KEEP
    if g.winding or g.released:
        return 0
    if g.kind is _BRACKET:
        if part.role != ENTRY:
            return max(0, g.open_qty)
        return 0 if any(p.cum_qty for p in g.exits) else KEEP
    if g.kind is _OCO and g.decided and (part is not g.winner or any(p.raced for p in g.legs)):
        return 0
    return KEEP


def due_qty(g: Group, part: Part) -> int:
    """The quantity that an order has to be sent for now, where none of the part's works; 0 for none. A hint of 0 is sized, see `is_due`."""
    return wanted_qty(g, part) if g.kind is _BRACKET else part.rest_qty


def is_due(g: Group, part: Part) -> bool:
    """An order of the part should be sent now, where none works. Entries are sent once, when the group opens."""
    if part.role in (ENTRY, FLAT) or part.given_up or part.waiting:
        return False
    wanted = wanted_qty(g, part)
    if g.kind is _BRACKET:
        return wanted > 0
    if wanted == 0 or part.whole:
        return False
    if g.kind is _OCO:
        return not g.decided or part is g.winner
    return g.parts[ENTRY].whole


def is_needed(g: Group, part: Part) -> bool:
    """The order of the part that ended was still to do something: its end is a failure."""
    if part.role == FLAT:
        return True
    return part.role != ENTRY and wanted_qty(g, part) != 0


def need_qty(g: Group) -> int:
    """What an order that flattens the group has to trade, signed.

    Brackets and OTO go back to nothing. An OCO whose legs all reduce goes on to what one leg was meant for; of one whose legs are on one side,
    what traded beyond one leg is taken back; legs on opposite sides have taken each other back already.
    """
    if not g.winding:
        return 0
    net = g.net_qty
    if g.kind is not _OCO:
        return -net
    legs = g.legs
    side = legs[0].leg.side
    if any(part.leg.side is not side for part in legs):
        return 0
    meant = side * max(part.most_qty for part in legs)
    if all(part.leg.reduce_only for part in legs) or side * net > side * meant:
        return meant - net
    return 0


def surplus_qty(g: Group) -> int:
    """By how much the legs of a bracket traded more than its entry, never negative."""
    return max(0, -g.open_qty) if g.kind is _BRACKET else 0


def left_qty(g: Group) -> int:
    """What its fills leave behind that nobody looks after, signed: a bracket's position, else what was to be flattened and was not."""
    return g.net_qty if g.kind is _BRACKET else -need_qty(g)


def after_failure(g: Group, part: Part) -> FailurePolicy:
    """What follows the failure of a part, its failures counted in."""
    if part.role == FLAT:
        return FailurePolicy.RETRY if part.failures < RETRIES else FailurePolicy.ALERT
    if g.on_failure is FailurePolicy.RETRY and (part.failures > RETRIES or part.raced):
        return FailurePolicy.FLATTEN
    return g.on_failure


def closing_reason(g: Group) -> str:
    """Why nothing is left to do, in words."""
    if g.refused:
        return g.refused
    if g.released:
        return "canceled by request"
    if g.winding:
        return "flattened" if not need_qty(g) else "could not be flattened"
    if g.kind is _OCO:
        return f"{g.winner.role} traded" if g.winner is not None else "ended without a trade"
    if not g.parts[ENTRY].cum_qty:
        return "the entry ended unfilled"
    if g.kind is _BRACKET:
        if g.open_qty:
            return "left unprotected" if g.open_qty > 0 else "its legs traded more than its entry"
        return f"closed by the {g.last}"
    return "every order ended" if g.parts[ENTRY].whole else "the entry ended partly filled"
