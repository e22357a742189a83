"""Reenact: an event-sourced trading engine whose every decision can be re-enacted and proven from its log.

Strategy authors, notebooks and hosts import only this module.
"""

from __future__ import annotations

from domain.chance import Chance
from domain.context import Context
from domain.errors import (
    ConfigInvalid,
    FeedError,
    InvariantBroken,
    LogConflict,
    LogCorrupt,
    LogError,
    LogGap,
    LogUnavailable,
    ReenactError,
    ReplayDiverged,
    StrategyError,
    VenueError,
)
from domain.events import BarClosed, Leg, OrderFilled, QuoteUpdated, TradePrinted
from domain.instrument import Instrument, instrument
from domain.market import Print, Quote
from domain.order import Order
from domain.risk import OFF, Bound, Check, Limit, Param, Proposal, Rule, answer
from domain.strategy import ScanningStrategy, Strategy
from domain.terms import FailurePolicy, Liquidity, OrderType, OrdStatus, Scope, Side, TickKind, TimeInForce, TradingState
from domain.ticks import Ticks

__all__ = [
    "OFF",
    "BarClosed",
    "Bound",
    "Chance",
    "Check",
    "ConfigInvalid",
    "Context",
    "FailurePolicy",
    "FeedError",
    "Instrument",
    "InvariantBroken",
    "Leg",
    "Limit",
    "Liquidity",
    "LogConflict",
    "LogCorrupt",
    "LogError",
    "LogGap",
    "LogUnavailable",
    "OrdStatus",
    "Order",
    "OrderFilled",
    "OrderType",
    "Param",
    "Print",
    "Proposal",
    "Quote",
    "QuoteUpdated",
    "ReenactError",
    "ReplayDiverged",
    "Rule",
    "ScanningStrategy",
    "Scope",
    "Side",
    "Strategy",
    "StrategyError",
    "TickKind",
    "Ticks",
    "TimeInForce",
    "TradePrinted",
    "TradingState",
    "VenueError",
    "answer",
    "instrument",
]
