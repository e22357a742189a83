"""The event catalogue: every fact a session can hold, with its stable tag.

Invariants: tags never change meaning; an input comes from outside, a decision is derived by the engine and by nothing else.
"""

from __future__ import annotations

from domain.events._base import Event
from domain.events.account import (
    BalanceReported,
    ExternalTradeObserved,
    FeeCharged,
    FundingPaid,
    ReconciliationAdjusted,
    ReconciliationBreak,
)
from domain.events.decisions import (
    KillSwitchEngaged,
    LimitsChanged,
    OrderApproved,
    OrderDenied,
    ParametersChanged,
    SignalRaised,
    TradingHalted,
    TradingResumed,
)
from domain.events.market import BarClosed, FeedConnected, FeedGap, FeedLost, FrameRefused, QuoteUpdated, TradePrinted
from domain.events.orders import (
    FillBusted,
    FillCorrected,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderPended,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderRestated,
    OrderSubmitted,
    OrderTriggered,
    OrderUnknown,
)
from domain.events.session import (
    Balance,
    DayRolled,
    OperatorCommandReceived,
    OperatorCommandRefused,
    SessionClosed,
    SessionOpened,
    SessionResumed,
    StrategySpec,
    TimerFired,
    TimerSet,
)

AnyTick = TradePrinted | QuoteUpdated | BarClosed
AnyInput = (
    SessionOpened | SessionResumed | SessionClosed | TimerFired | DayRolled | OperatorCommandReceived
    | FeedConnected | FeedLost | FeedGap | FrameRefused
    | OrderPended | OrderAccepted | OrderRejected | OrderTriggered | OrderFilled | OrderCanceled | OrderCancelRejected
    | OrderReplaced | OrderRestated | OrderExpired | FillBusted | FillCorrected
    | BalanceReported | FeeCharged | FundingPaid | ExternalTradeObserved
)  # fmt: skip
AnyDecision = (
    TimerSet | SignalRaised | ParametersChanged | OrderApproved | OrderDenied | LimitsChanged | TradingHalted | TradingResumed
    | KillSwitchEngaged | OrderSubmitted | OrderCancelRequested | OrderReplaceRequested | OrderUnknown
    | OperatorCommandRefused
    | ReconciliationBreak | ReconciliationAdjusted
)  # fmt: skip
AnyRecorded = AnyInput | AnyDecision
AnyEvent = AnyTick | AnyRecorded

TICKS: frozenset[type] = frozenset(AnyTick.__args__)
INPUTS: frozenset[type] = frozenset(AnyInput.__args__)
DECISIONS: frozenset[type] = frozenset(AnyDecision.__args__)
CATALOGUE: tuple[type[Event], ...] = AnyEvent.__args__
BY_TAG: dict[str, type[Event]] = {c.__struct_config__.tag: c for c in CATALOGUE}  # type: ignore[misc]

__all__ = [
    "BY_TAG",
    "CATALOGUE",
    "DECISIONS",
    "INPUTS",
    "TICKS",
    "AnyDecision",
    "AnyEvent",
    "AnyInput",
    "AnyRecorded",
    "AnyTick",
    "Balance",
    "BalanceReported",
    "BarClosed",
    "DayRolled",
    "Event",
    "ExternalTradeObserved",
    "FeeCharged",
    "FeedConnected",
    "FeedGap",
    "FeedLost",
    "FillBusted",
    "FillCorrected",
    "FrameRefused",
    "FundingPaid",
    "KillSwitchEngaged",
    "LimitsChanged",
    "OperatorCommandReceived",
    "OperatorCommandRefused",
    "OrderAccepted",
    "OrderApproved",
    "OrderCancelRejected",
    "OrderCancelRequested",
    "OrderCanceled",
    "OrderDenied",
    "OrderExpired",
    "OrderFilled",
    "OrderPended",
    "OrderRejected",
    "OrderReplaceRequested",
    "OrderReplaced",
    "OrderRestated",
    "OrderSubmitted",
    "OrderTriggered",
    "OrderUnknown",
    "ParametersChanged",
    "QuoteUpdated",
    "ReconciliationAdjusted",
    "ReconciliationBreak",
    "SessionClosed",
    "SessionOpened",
    "SessionResumed",
    "SignalRaised",
    "StrategySpec",
    "TimerFired",
    "TimerSet",
    "TradePrinted",
    "TradingHalted",
    "TradingResumed",
]
