"""What could be held at worst, and what that is worth: the arithmetic that the exposure rules share.

Invariants: working and UNKNOWN orders count in full, the order being replaced does not, the proposed order counts by itself; an exposure
without a price, or in another unit of money than the order's, has no number (None), and what has no number passes no limit.
"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import ANYONE, Bound
from domain.risk.proposal import Proposal
from domain.state import State
from domain.terms import Scope, Side
from domain.value import Contract

NO_NUMBER: Final = -1
UNPRICED: Final = -1
"""The recorded observation where there is no number."""
Found = tuple[int, int] | None
"""An amount in 10^-amt_digits of the order's settlement currency, and the seq of the newest price it rests on; None where it has no number."""
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_ACCOUNT: Final = Scope.ACCOUNT
_VENUE: Final = Scope.VENUE
_CLASS: Final = Scope.CLASS
_STRATEGY: Final = Scope.STRATEGY


class Measure:
    """A quantity from the signed position and what may still be bought and sold."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        """The quantity."""
        raise NotImplementedError


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
        buys = orders.buy_leaves[instrument]
        sells = orders.sell_leaves[instrument]
    else:
        buys = orders.own_buys[strategy][instrument]
        sells = orders.own_sells[strategy][instrument]
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
    return bool(buys or sells or held_qty(p.account, strategy, instrument))


def also_in(b: Bound, other: Contract) -> bool:
    """Another instrument than the order's belongs to the limit's scope."""
    scope = b.scope
    if scope is _ACCOUNT or scope is _STRATEGY:
        return True
    if scope is _VENUE:
        return other.venue == b.member
    return scope is _CLASS and other.asset_class == b.member


def worth(contract: Contract, px: int, qty: int) -> int:
    """The contract value of a signed quantity, with the quantity's sign for inverse contracts too."""
    amt = contract.value(px, qty)
    return -amt if contract.inverse else amt


def mark(p: Proposal, instrument: int) -> tuple[int, int]:
    """The price an exposure is valued at, and its seq: the newer of the last print and the side of the quote that makes it worth more."""
    side = _SELL if p.account.contracts[instrument].inverse else _BUY
    px, _, seq = p.market.reference(instrument, side)
    return px, seq


def order_px(p: Proposal) -> int:
    """The worse of the order's own price and the reference, 0 where there is neither."""
    own = p.limit_px or p.stop_px
    ref = p.ref_px
    if p.contract.inverse and own and ref:
        # An inverse contract is worth more in its settlement currency the lower the price.
        return min(own, ref)
    return max(own, ref)


class Holding:
    """What a place holds and works in another instrument than the order's. `px` is 0 where its worth could not be added to the order's."""

    __slots__ = ("buys", "contract", "held", "px", "sells", "seq")

    def __init__(self, contract: Contract, held: int, buys: int, sells: int, px: int, seq: int) -> None:
        self.contract = contract
        self.held = held
        self.buys = buys
        self.sells = sells
        self.px = px
        self.seq = seq


class Standing:
    """What a place (a member of a scope) holds and works as an order comes: worked out once for all rules that bind the place.

    held, buys, sells: in the order's instrument, see `held_qty` and `open_qty`; up, down: what `reach` says. exposed: there is any of it.
    px: `order_px`; at, seq: `mark` of the order's instrument. lines: the other instruments in which there is something.
    number: `Proposal.number` of the order. gross_rest, gross_own, gross_seen: worst-case gross exposure of the other instruments, of the order's own with the order, and the seq
    of the newest price, where it counts (gross_counts); gross_known once it was worked out.
    """

    __slots__ = (
        "at", "buys", "down", "exposed", "gross_counts", "gross_known", "gross_own", "gross_rest", "gross_seen", "held", "lines", "number", "px", "sells",
        "seq", "up",
    )  # fmt: skip

    at: int
    buys: int
    down: int
    exposed: bool
    gross_counts: bool
    gross_known: bool
    gross_own: int
    gross_rest: int
    gross_seen: int
    held: int
    lines: list[Holding]
    number: int
    px: int
    sells: int
    seq: int
    up: int

    def look(self, p: Proposal, b: Bound) -> None:
        """Work it out."""
        strategy = b.strategy
        own = p.instrument
        held = held_qty(p.account, strategy, own)
        buys, sells = open_qty(p, strategy, own)
        self.held = held
        self.buys = buys
        self.sells = sells
        self.up = held + buys
        self.down = sells - held
        self.exposed = p.replaced is not None or held != 0 or buys != 0 or sells != 0
        self.px = order_px(p)
        if p.at_px == UNPRICED:
            p.at_px, p.at_seq = mark(p, own)
        self.at = p.at_px
        self.seq = p.at_seq
        self.gross_known = self.gross_counts = False
        self.lines = lines = []
        touched = p.account.touched
        if len(touched) == 1 and own in touched:
            return
        contracts = p.account.contracts
        for i in touched:
            if i == own:
                continue
            contract = contracts[i]
            if not also_in(b, contract):
                continue
            buys, sells = open_qty(p, strategy, i)
            held = held_qty(p.account, strategy, i)
            if held or buys or sells:
                px, seq = mark(p, i)
                lines.append(Holding(contract, held, buys, sells, px if contract.same_money(p.contract) else 0, seq))

    def gross(self, p: Proposal) -> bool:
        """Work out the gross exposure, once; whether it has a number."""
        if not self.gross_known:
            self.gross_known = True
            self.gross_counts = self._gross(p)
        return self.gross_counts

    def _gross(self, p: Proposal) -> bool:
        px = self.px
        if px <= 0:
            return False
        rest, newest = 0, self.seq
        if self.lines:
            found = _added(self.lines, GROSS)
            if found is None:
                return False
            rest = found[0]
            newest = max(newest, found[1])
        same, opposite = (self.up, self.down) if p.side is _BUY else (self.down, self.up)
        at = self.at
        if at <= 0:
            if same > 0 or opposite > 0:
                return False
            at = px
        contract = p.contract
        # What the order adds on its side is valued at the worse of its price and the reference, all else at the mark.
        own = worth(contract, at, max(same, 0)) + worth(contract, px, max(p.qty + min(same, 0), 0))
        self.gross_own = max(own, worth(contract, at, max(opposite, 0)))
        self.gross_rest = rest
        self.gross_seen = newest
        return True


def standing(p: Proposal, b: Bound) -> Standing:
    """What the limit's place holds and works."""
    place = b.place
    if place == p.place:
        return p.standing
    found: Standing | None = p.memo.get(place)
    if found is None:
        found = p.memo[place] = Standing()
        found.number = NO_NUMBER
    if found.number != p.number:
        found.number = NO_NUMBER
        found.look(p, b)
        found.number = p.number
    p.place = place
    p.standing = found
    return found


def others(p: Proposal, b: Bound, measure: Measure) -> Found:
    """What the scope's other instruments are worth by a measure."""
    return _added(standing(p, b).lines, measure)


def _added(lines: list[Holding], measure: Measure) -> Found:
    total = seen = 0
    for line in lines:
        qty = measure.qty(line.held, line.buys, line.sells)
        if not qty:
            continue
        px = line.px
        if px <= 0:
            return None
        total += worth(line.contract, px, qty)
        seen = max(seen, line.seq)
    return total, seen


def fits_total(p: Proposal, b: Bound, measure: Measure) -> Check:
    """What the scope is worth by a measure, and the order on top in full, at the worse of its price and the reference, is at most the limit."""
    s = standing(p, b)
    amt, seen = 0, s.seq
    if s.lines:
        rest = _added(s.lines, measure)
        if rest is None:
            return no_number(p, b)
        amt = rest[0]
        seen = max(seen, rest[1])
    qty = measure.qty(s.held, s.buys, s.sells)
    if s.px <= 0 or (qty and s.at <= 0):
        return no_number(p, b)
    if qty:
        amt += worth(p.contract, s.at, qty)
    return fits(p, b, amt + worth(p.contract, s.px, p.qty), b.most, seen)


class Gross(Measure):
    """The larger of |position + buys| and |position - sells|."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        """Worst case."""
        return max(held + buys, sells - held)


GROSS: Final = Gross()


def fits_gross(p: Proposal, b: Bound) -> Check:
    """Worst-case gross exposure of the scope with the order is at most the limit."""
    s = standing(p, b)
    return fits(p, b, s.gross_rest + s.gross_own, b.most, s.gross_seen) if s.gross(p) else no_number(p, b)


def equity(p: Proposal) -> int | None:
    """Cash and the value of every position in the order's settlement currency at the last prices, as `Desk.equity`; None where one has no price."""
    if not p.equity_known:
        p.equity_amt = _equity(p)
        p.equity_known = True
    return p.equity_amt


def _equity(p: Proposal) -> int | None:
    state = p.account
    contract = p.contract
    total = state.cash[contract.settle]
    for i in state.touched:
        qty = state.positions[i].qty
        if not qty:
            continue
        other = state.contracts[i]
        if other.settle == contract.settle:
            px = p.market.mark_px(i)
            if px <= 0 or other.amt_digits != contract.amt_digits:
                return None
            total += other.value(px, qty)
    return total


def fits(p: Proposal, b: Bound, amt: int, most: int, seen: int) -> Check:
    """The answer of a rule that bounds a number: at most `most`, or the order only reduces."""
    return b.answer(amt <= most or reduces(p, b), amt, most, seen)


def no_number(p: Proposal, b: Bound) -> Check:
    """The answer where what is to be bounded has no number, recorded as -1: the order passes only if it reduces."""
    return b.answer(reduces(p, b), UNPRICED, b.most, 0)
