"""A strategy that wants whatever the tape tells it to: the prover's stand-in for a strategy gone wrong.

Invariants: what it does is a function of the recorded ticks alone, so that every session of the prover can be re-enacted from its log.
"""

from __future__ import annotations

from domain.context import Context
from domain.events import Leg, OrderFilled, QuoteUpdated, TradePrinted
from domain.strategy import Strategy
from domain.terms import FailurePolicy, Side, TimeInForce
from reenact.proving.wish import GONE, HEARD, REPLACES

TARGET = "reenact.proving.adversary:Adversary"
ORDER, CANCEL, REPLACE, HOLD, LATER, GROUP, CANCEL_GROUP = 1, 2, 3, 4, 5, 6, 7
_VERB, _WHO, _WHAT, _SHAPE, _LIFE, _FLAGS, _AWAY = 3, 4, 4, 3, 3, 4, 41
_BIAS = 1 << (_AWAY - 1)
_LIVES = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC)
_STOPS = (50, 0, 20, -50, 10)
"""Where the loss of an order is to be stopped, by its life: at the price less a part of it, nowhere, on the wrong side."""
MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING = range(5)
BRACKET, OCO, OTO = range(3)


def told(verb: int, who: int, what: int, shape: int = MARKET, life: int = 0, flags: int = 0, away: int = 0) -> int:
    """A tick's conditions that tell strategy `who` what to do: an order in instrument `what`, of the tick's size and side, `away` from the last
    price of that instrument. LATER: the same at the tick's venue time, if that is still to come.
    """
    word = max(-_BIAS, min(_BIAS - 1, away)) + _BIAS
    for value, width in ((flags, _FLAGS), (life, _LIFE), (shape, _SHAPE), (what, _WHAT), (who, _WHO), (verb, _VERB)):
        word = word << width | value & (1 << width) - 1
    return word


def heard(word: int) -> tuple[int, ...]:
    """(verb, who, what, shape, life, flags, away) of a tick's conditions."""
    found = []
    for width in (_VERB, _WHO, _WHAT, _SHAPE, _LIFE, _FLAGS):
        found.append(word & (1 << width) - 1)
        word >>= width
    return (*found, word - _BIAS)


class Adversary(Strategy):
    """Takes its orders from the conditions of the trades it sees (`told`). A trade of side NONE or without conditions wants nothing."""

    def __init__(self) -> None:
        self.groups: list[int] = []

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Do as the tick says, if it speaks to this strategy."""
        if isinstance(tick, TradePrinted) and tick.conditions and heard(tick.conditions)[1] == ctx.index:
            if heard(tick.conditions)[0] != LATER:
                self._act(ctx, tick.conditions, tick.side, tick.qty)
            elif tick.event_ns > tick.ns:
                ctx.set_timer(f"{tick.conditions} {int(tick.side)} {tick.qty}", tick.event_ns)

    def on_fill(self, ctx: Context, fill: OrderFilled) -> None:
        """Say that it was told."""
        ctx.hold(0, HEARD + fill.exec_id)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Do now what a tick said for later."""
        word, side, qty = map(int, name.split())
        self._act(ctx, word - LATER + ORDER, Side(side), qty)

    def _act(self, ctx: Context, word: int, side: Side, qty: int) -> None:
        verb, _, i, shape, life, flags, away = heard(word)
        px = ctx.last_px(i) + away
        if verb == HOLD:
            ctx.hold(i, "waits")
        elif verb == ORDER and side is not Side.NONE:
            _order(ctx, i, side, qty, shape, life, flags, px, max(1, abs(away)))
        elif verb == GROUP and side is not Side.NONE:
            self._open(ctx, i, side, qty, shape, FailurePolicy(1 + life % len(FailurePolicy)), flags, away)
        elif verb == CANCEL_GROUP and self.groups:
            ctx.cancel_group(self.groups[away % len(self.groups)])
        elif verb in (CANCEL, REPLACE):
            orders = ctx.open_orders(i)
            if not orders:
                return
            order = orders[away % len(orders)]
            if verb == CANCEL:
                ctx.cancel(order.cl_ord_id, GONE)
            else:
                ctx.replace(
                    order.cl_ord_id, qty=qty, limit_px=order.limit_px + away if flags & 1 and order.limit_px else 0,
                    reason=f"{REPLACES}{order.cl_ord_id}",
                )  # fmt: skip

    def _open(self, ctx: Context, i: int, side: Side, qty: int, kind: int, policy: FailurePolicy, flags: int, away: int) -> None:
        """A group around the last price: its stop and its target are `away` from it. flags: 1 the entry has a limit price; 2 the alternatives only
        reduce, or a bracket has no target; 4 they are on both sides, or a bracket has no stop, or an entry triggers two."""
        px = ctx.last_px(i)
        other = Side.SELL if side is Side.BUY else Side.BUY
        loses, gains = px - side * away, px + side * away
        if away <= 0 or min(loses, gains) <= 0:
            return
        entry_px = px if flags & 1 else 0
        if kind == BRACKET:
            stop_px, target_px = (0 if flags & 6 == 4 else loses), (0 if flags & 6 == 2 else gains)
            self.groups.append(ctx.bracket(i, side, qty, limit_px=entry_px, stop_px=stop_px, target_px=target_px, on_failure=policy, reason="wants"))
        elif kind == OCO:
            reduces = bool(flags & 2)
            legs = Leg(side, qty, loses, reduce_only=reduces), Leg(other if flags & 4 else side, qty, stop_px=gains, reduce_only=reduces)
            self.groups.append(ctx.oco(i, *legs, on_failure=policy, reason="wants"))
        else:
            then = [Leg(other, qty, gains), Leg(other, qty, stop_px=loses)][: 1 + (flags >> 2 & 1)]
            self.groups.append(ctx.oto(i, Leg(side, qty, entry_px), *then, on_failure=policy, reason="wants"))


def _order(ctx: Context, i: int, side: Side, qty: int, shape: int, life: int, flags: int, px: int, trail_px: int) -> None:
    send = ctx.buy if side is Side.BUY else ctx.sell
    part = _STOPS[life % len(_STOPS)]
    send(
        i, qty, limit_px=px if shape in (LIMIT, STOP_LIMIT) else 0, stop_px=px if shape in (STOP, STOP_LIMIT) else 0,
        trail_px=trail_px if shape == TRAILING else 0, time_in_force=_LIVES[life % len(_LIVES)], post_only=bool(flags & 1),
        reduce_only=bool(flags & 2), intentional=bool(flags & 4), locate="L1" if flags & 8 else "", reason="wants",
        protect_px=px - int(side) * (px // part) if part else 0,
    )  # fmt: skip
