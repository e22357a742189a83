"""How to make something of every class that may be compiled, into which a frozen object is then read back; nothing of what is in it remains.

A compiled class makes no object without its constructor, so each has an entry here (`tests/reenact/test_snapshots.py` finds one that has none).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from adapters.venues.admission import Ids
from adapters.venues.book import Book as VenueBook
from adapters.venues.book import Working
from adapters.venues.faults import FaultSettings
from adapters.venues.fees import Fees
from adapters.venues.lying import LyingVenue, Sent, Traded
from adapters.venues.matching import Matcher
from adapters.venues.prices import Prices
from adapters.venues.reports import Line, Reports
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from domain.bars import BarBuilder
from domain.chance import Chance
from domain.context import Context
from domain.desk import Desk
from domain.engine import BarClock, Engine, Scanner
from domain.events import OrderSubmitted, SessionOpened
from domain.instrument import instrument
from domain.journal import Journal
from domain.limits import OFF, Check
from domain.losses.follower import Follower, Share
from domain.losses.watch import Watch
from domain.market import Market
from domain.order import Order
from domain.orders import Orders
from domain.position import Position
from domain.proposals import Proposals
from domain.risk import Book, Bound, Gate, Proposal, approve
from domain.risk.approval import Answers, Approved
from domain.risk.bound import Newest
from domain.risk.collar_drift import Band, Bands, Peaks
from domain.risk.credit_limit import Used
from domain.risk.data_unreasonable import Gaps
from domain.risk.duplicate_id import Numbers
from domain.risk.duplicate_order import Sent as SentBefore
from domain.risk.envelope import DayOrders
from domain.risk.exposure import Gross, Holding, Measure, Standing
from domain.risk.latch import Latch
from domain.risk.loss_breaker import Trips
from domain.risk.memory import Memory, Told
from domain.risk.message_rate import Cancels, Messages
from domain.risk.net_exposure import Long, Short
from domain.risk.open_orders import Open, OpenOrders
from domain.risk.order_to_trade import Tally
from domain.risk.pnl import Pnl, Realised
from domain.risk.repeated_execution import Repeats
from domain.risk.surveillance import Ends, Layering, Spoofing, WashTrades
from domain.risk.window import Window
from domain.state import State
from domain.strategy import ScanningStrategy
from domain.surveillance import Surveillance
from domain.terms import OrderType, Scope, Side, TimeInForce, TradingState
from domain.value import Contract

Blank = Callable[[], Any]


@cache
def blanks() -> dict[type, Blank]:
    """By class, a function that makes one."""
    plain: dict[type, Blank] = {
        c: c
        for c in (
            Band, Ends, Gross, Ids, Long, Market, Measure, Memory, Newest, Numbers, Open, Peaks, Position, Prices, Proposal, Share, Short, Standing, Used,
            Window,
        )
    }  # fmt: skip
    return plain | _of_the_engine() | _of_the_rules() | _of_the_venue()


def _opened() -> SessionOpened:
    return SessionOpened(0, 0, "", "", "", "", 0, (), (), (), ())


def _sent() -> OrderSubmitted:
    return OrderSubmitted(0, 0, "", 0, 0, Side.BUY, 0, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, post_only=False, reduce_only=False)


def _of_the_engine() -> dict[type, Blank]:
    opened, sent = _opened(), _sent()
    desk = Desk(opened, Journal(""))
    ctx = Context(desk, 0, "", (), Chance(0))
    return {
        Journal: lambda: Journal(""), Desk: lambda: Desk(opened, desk.journal), State: lambda: State(opened), Orders: lambda: Orders(0, 0),
        Order: lambda: Order(sent), Context: lambda: Context(desk, 0, "", (), ctx.chance), Engine: lambda: Engine(opened, (), desk.journal),
        Scanner: lambda: Scanner(ScanningStrategy(), ctx), BarClock: lambda: BarClock(BarBuilder(0, 1)), Watch: lambda: Watch(desk),
        Proposals: lambda: Proposals(desk.state, desk.risk), Surveillance: lambda: Surveillance(Engine(opened, (), desk.journal)),
    }  # fmt: skip


def _of_the_rules() -> dict[type, Blank]:
    opened, sent = _opened(), _sent()
    state = State(opened)
    bound = Bound("", 0, Scope.ACCOUNT, "", (), 0)
    bound.values = (OFF, OFF, OFF, OFF)
    two = Bound("", 0, Scope.ACCOUNT, "", (), 0)
    two.values = (OFF, OFF)
    latch = Latch(two, state, False)
    spec = instrument("X")
    both = (Bands, Cancels, DayOrders, Gaps, Messages, SentBefore, Trips, OpenOrders, Tally, Pnl, Repeats, Layering, Spoofing, WashTrades)
    of_both: dict[type, Blank] = {cls: partial(cls, bound, state) for cls in both}
    return of_both | {
        Bound: lambda: Bound("", 0, Scope.ACCOUNT, "", (), 0), Book: lambda: Book(opened, state, ()), Gate: lambda: Gate((), TradingState.ACTIVE, {}, ()),
        Approved: lambda: approve(sent, Answers((Check("", passed=True, observed=0, limit=0),))),
        Realised: lambda: Realised({}, state),
        Told: lambda: Told(None), Answers: lambda: Answers(()), Contract: lambda: Contract(spec), Holding: lambda: Holding(Contract(spec), 0, 0, 0, 0, 0),
        Latch: lambda: Latch(two, state, False), Follower: lambda: Follower(latch, Market(), 0),
    }  # fmt: skip


def _of_the_venue() -> dict[type, Blank]:
    settings, chance, sent = VenueSettings(), Chance(0), _sent()
    reports = Reports((), settings, Line(0, 0, chance))
    return {
        Line: lambda: Line(0, 0, chance), Reports: lambda: Reports((), settings, Line(0, 0, chance)), Fees: lambda: Fees(instrument("X"), settings),
        VenueBook: lambda: VenueBook(0), Working: lambda: Working(sent, 0, 0), Matcher: lambda: Matcher((), settings, reports, chance, int),
        SimulatedVenue: lambda: SimulatedVenue((), settings, 0), LyingVenue: lambda: LyingVenue((), settings, 0, FaultSettings()),
        Sent: lambda: Sent(sent), Traded: lambda: Traded(0),
    }  # fmt: skip
