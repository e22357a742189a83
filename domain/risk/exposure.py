"""What could be held at worst, and what that is worth: the arithmetic that the exposure rules share.

Invariants: working and UNKNOWN orders count in full, the order being replaced does not, the proposed order counts by itself; an exposure
without a price, or in another unit of money than the order's, has no number (None), and what has no number passes no limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from domain.instrument import Instrument
from domain.limits import Check
from domain.risk.bound import ANYONE, Bound, answer
from domain.risk.proposal import Proposal
from domain.state import State
from domain.terms import Scope, Side
from domain.value import value_of

EQUITY: Final = -2
UNPRICED: Final = -1
"""The recorded observation where there is no number."""
Measure = Callable[[int, int, int], int]
"""A quantity from the signed position and what may still be bought and sold."""
Found = tuple[int, int] | None
"""An amount in 10^-amt_digits of the order's settlement currency, and the seq of the newest price it rests on; None where it has no number."""
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_ACCOUNT: Final = Scope.ACCOUNT
_VENUE: Final = Scope.VENUE
_CLASS: Final = Scope.CLASS
_STRATEGY: Final = Scope.STRATEGY


def held_qty(state: State, strategy: int, instrument: int) -> int:
    """The signed filled position of the account (`ANYONE`), of a strategy, or (-1) of nobody's strategy: of persons and foreign trades."""
    qty = state.positions[instrument].qty
    if strategy == ANYONE:
        return qty
    if strategy >= 0:
        return state.owned[strategy][instrument]
    for owned in state.owned:
        qty -= owned[instrument]
    return qty


def open_qty(p: Proposal, strategy: int, instrument: int) -> tuple[int, int]:
    """What may still be bought and sold, unsigned, without the order being replaced. Source: RTS 6 Art. 15(2)."""
    orders = p.account.orders
    if strategy == ANYONE:
        buys, sells = orders.buy_leaves[instrument], orders.sell_leaves[instrument]
    else:
        buys, sells = orders.leaves_of(strategy, instrument)
    old = p.replaced
    if old is not None and instrument == p.instrument:
        if old.side == _BUY:
            buys -= old.worst_leaves
        else:
            sells -= old.worst_leaves
    return buys, sells


def reach(p: Proposal, strategy: int, instrument: int) -> tuple[int, int]:
    """The largest worst-case long and short position without the proposed order; at least one of them is not negative."""
    held = held_qty(p.account, strategy, instrument)
    buys, sells = open_qty(p, strategy, instrument)
    return held + buys, sells - held


def reduces(p: Proposal, b: Bound) -> bool:
    """The order can only make the position of the limit's owner smaller, whatever else is filled; for the account `Proposal.reduces`.

    Source: features D, general rule 7.
    """
    return p.reduces if b.strategy == ANYONE else own_reduces(p, b.strategy)


def own_reduces(p: Proposal, strategy: int) -> bool:
    """The order can only make the position of a strategy (-1: of persons) smaller, whatever else it has working is filled."""
    up, down = reach(p, strategy, p.instrument)
    old = p.replaced
    least = old.worst_leaves if old is not None and p.reduce_only else 0
    return 0 < p.qty <= max(least, p.own_shared_qty - (up if p.side == _BUY else down))


def exposed(p: Proposal, strategy: int, instrument: int) -> bool:
    """There is a position, or an order that could open one (the order being replaced is one)."""
    if instrument == p.instrument and p.replaced is not None:
        return True
    buys, sells = open_qty(p, strategy, instrument)
    return bool(held_qty(p.account, strategy, instrument) or buys or sells)


def also_in(b: Bound, spec: Instrument) -> bool:
    """Another instrument than the order's belongs to the limit's scope."""
    scope = b.scope
    if scope is _ACCOUNT or scope is _STRATEGY:
        return True
    if scope is _VENUE:
        return spec.venue == b.member
    return scope is _CLASS and spec.asset_class == b.member


def worth(spec: Instrument, px: int, qty: int) -> int:
    """The contract value of a signed quantity, with the quantity's sign for inverse contracts too."""
    amt = value_of(spec, px, qty)
    return -amt if spec.inverse else amt


def mark(p: Proposal, instrument: int) -> tuple[int, int]:
    """The price an exposure is valued at, and its seq: the newer of the last print and the side of the quote that makes it worth more."""
    px, _, seq = p.market.reference(instrument, _SELL if p.account.instruments[instrument].inverse else _BUY)
    return px, seq


def order_px(p: Proposal) -> int:
    """The worse of the order's own price and the reference, 0 where there is neither."""
    own = p.limit_px or p.stop_px
    ref = p.ref_px
    if p.spec.inverse and own and ref:
        # An inverse contract is worth more in its settlement currency the lower the price.
        return min(own, ref)
    return max(own, ref)


def others(p: Proposal, b: Bound, measure: Measure) -> Found:
    """What the scope's other instruments are worth by a measure."""
    total = seen = 0
    specs = p.account.instruments
    spec = p.spec
    strategy = b.strategy
    for i in p.account.touched:
        if i == p.instrument:
            continue
        other = specs[i]
        if not also_in(b, other):
            continue
        buys, sells = open_qty(p, strategy, i)
        qty = measure(held_qty(p.account, strategy, i), buys, sells)
        if not qty:
            continue
        px, seq = mark(p, i)
        if px <= 0 or other.settle != spec.settle or other.amt_digits != spec.amt_digits:
            return None
        total += worth(other, px, qty)
        seen = max(seen, seq)
    return total, seen


def total(p: Proposal, b: Bound, measure: Measure) -> Found:
    """What the scope is worth by a measure, and the order on top in full, at the worse of its price and the reference."""
    rest = others(p, b, measure)
    px = order_px(p)
    if rest is None or px <= 0:
        return None
    buys, sells = open_qty(p, b.strategy, p.instrument)
    qty = measure(held_qty(p.account, b.strategy, p.instrument), buys, sells)
    at, seq = mark(p, p.instrument)
    if qty and at <= 0:
        return None
    amt = worth(p.spec, at, qty) if qty else 0
    return rest[0] + amt + worth(p.spec, px, p.qty), max(rest[1], seq)


def gross_qty(held: int, buys: int, sells: int) -> int:
    """The larger of |position + buys| and |position - sells|."""
    return max(held + buys, sells - held)


def gross_parts(p: Proposal, b: Bound) -> tuple[int, int, int] | None:
    """Worst-case gross exposure: of the other instruments, of the order's own with the order, and the seq of the newest price.

    What the order adds on its side is valued at the worse of its price and the reference, all else at the mark.
    """
    memo = p.memo
    if b.place not in memo:
        memo[b.place] = _gross_parts(p, b)
    found: tuple[int, int, int] | None = memo[b.place]
    return found


def _gross_parts(p: Proposal, b: Bound) -> tuple[int, int, int] | None:
    rest = others(p, b, gross_qty)
    px = order_px(p)
    if rest is None or px <= 0:
        return None
    up, down = reach(p, b.strategy, p.instrument)
    same, opposite = (up, down) if p.side == _BUY else (down, up)
    at, seq = mark(p, p.instrument)
    if at <= 0:
        if same > 0 or opposite > 0:
            return None
        at = px
    amt = worth(p.spec, at, max(same, 0)) + worth(p.spec, px, max(p.qty + min(same, 0), 0))
    return rest[0], max(amt, worth(p.spec, at, max(opposite, 0))), max(rest[1], seq)


def gross(p: Proposal, b: Bound) -> Found:
    """Worst-case gross exposure of the scope with the order."""
    parts = gross_parts(p, b)
    return None if parts is None else (parts[0] + parts[1], parts[2])


def equity(p: Proposal) -> int | None:
    """Cash and the value of every position in the order's settlement currency at the last prices, as `Desk.equity`; None where one has no price."""
    memo = p.memo
    if EQUITY not in memo:
        memo[EQUITY] = _equity(p)
    found: int | None = memo[EQUITY]
    return found


def _equity(p: Proposal) -> int | None:
    state = p.account
    settle = p.spec.settle
    total = state.cash[settle]
    for i in state.touched:
        spec = state.instruments[i]
        qty = state.positions[i].qty
        if qty and spec.settle == settle:
            px = p.market.mark_px(i)
            if px <= 0 or spec.amt_digits != p.spec.amt_digits:
                return None
            total += value_of(spec, px, qty)
    return total


def fits(p: Proposal, b: Bound, found: Found, most: int) -> Check:
    """The answer of a rule that bounds an amount: at most `most`, or the order only reduces. What has no number is recorded as -1."""
    if found is None:
        return answer(b, reduces(p, b), UNPRICED, most)
    amt, seen = found
    return answer(b, amt <= most or reduces(p, b), amt, most, seen)
