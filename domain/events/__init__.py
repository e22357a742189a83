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
from domain.events.control import (
    ApprovalClosed,
    ApprovalRequested,
    KillCompleted,
    KillSwitchEngaged,
    LimitsChanged,
    OutcomeRecorded,
    OverrideClosed,
    OverrideGranted,
    SurveillanceAlerted,
    TradingHalted,
    TradingResumed,
)
from domain.events.decisions import OrderApproved, OrderDenied, OrderSized, ParametersChanged, SignalRaised
from domain.events.groups import GroupClosed, GroupLegFailed, GroupLegged, GroupOpened, GroupReleased, GroupReopened, Leg
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
    ControlSettings,
    DayRolled,
    OperatorCommandReceived,
    OperatorCommandRefused,
    ParamSpec,
    RuleSpec,
    SessionClosed,
    SessionOpened,
    SessionResumed,
    Sizing,
    StrategySpec,
    TimerFired,
    TimerSet,
    VenueConnected,
    VenueLost,
)

AnyTick = TradePrinted | QuoteUpdated | BarClosed
AnyInput = (
    SessionOpened | SessionResumed | SessionClosed | TimerFired | DayRolled | OperatorCommandReceived
    | FeedConnected | FeedLost | FeedGap | FrameRefused
    | OrderPended | OrderAccepted | OrderRejected | OrderTriggered | OrderFilled | OrderCanceled | OrderCancelRejected
    | OrderReplaced | OrderRestated | OrderExpired | FillBusted | FillCorrected
    | BalanceReported | FeeCharged | FundingPaid | ExternalTradeObserved | VenueLost | VenueConnected
)  # fmt: skip
AnyDecision = (
    TimerSet | SignalRaised | ParametersChanged | OrderSized | OrderApproved | OrderDenied | LimitsChanged | TradingHalted | TradingResumed
    | KillSwitchEngaged | KillCompleted | ApprovalRequested | ApprovalClosed | OverrideGranted | OverrideClosed | SurveillanceAlerted | OutcomeRecorded
    | GroupOpened | GroupLegged | GroupLegFailed | GroupReleased | GroupClosed | GroupReopened | OrderSubmitted | OrderCancelRequested | OrderReplaceRequested | OrderUnknown
    | OperatorCommandRefused
    | ReconciliationBreak | ReconciliationAdjusted
)  # fmt: skip
AnyRecorded = AnyInput | AnyDecision
AnyEvent = AnyTick | AnyRecorded

TICKS: frozenset[type] = frozenset(AnyTick.__args__)
ORDER_EVENTS: frozenset[type] = frozenset(
    {
        OrderSubmitted, OrderPended, OrderAccepted, OrderRejected, OrderTriggered, OrderFilled, OrderCancelRequested, OrderCanceled,
        OrderCancelRejected, OrderReplaceRequested, OrderReplaced, OrderRestated, OrderExpired, OrderUnknown, FillBusted, FillCorrected,
    }
)  # fmt: skip
"""What happens to one order."""
INPUTS: frozenset[type] = frozenset(AnyInput.__args__)
DECISIONS: frozenset[type] = frozenset(AnyDecision.__args__)
CATALOGUE: tuple[type[Event], ...] = AnyEvent.__args__
BY_TAG: dict[str, type[Event]] = {c.__struct_config__.tag: c for c in CATALOGUE}  # type: ignore[misc]

__all__ = [
    "BY_TAG",
    "CATALOGUE",
    "DECISIONS",
    "INPUTS",
    "ORDER_EVENTS",
    "TICKS",
    "AnyDecision",
    "AnyEvent",
    "AnyInput",
    "AnyRecorded",
    "AnyTick",
    "ApprovalClosed",
    "ApprovalRequested",
    "Balance",
    "BalanceReported",
    "BarClosed",
    "ControlSettings",
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
    "GroupClosed",
    "GroupLegFailed",
    "GroupLegged",
    "GroupOpened",
    "GroupReleased",
    "GroupReopened",
    "KillCompleted",
    "KillSwitchEngaged",
    "Leg",
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
    "OrderSized",
    "OrderSubmitted",
    "OrderTriggered",
    "OrderUnknown",
    "OutcomeRecorded",
    "OverrideClosed",
    "OverrideGranted",
    "ParamSpec",
    "ParametersChanged",
    "QuoteUpdated",
    "ReconciliationAdjusted",
    "ReconciliationBreak",
    "RuleSpec",
    "SessionClosed",
    "SessionOpened",
    "SessionResumed",
    "SignalRaised",
    "Sizing",
    "StrategySpec",
    "SurveillanceAlerted",
    "TimerFired",
    "TimerSet",
    "TradePrinted",
    "TradingHalted",
    "TradingResumed",
    "VenueConnected",
    "VenueLost",
]
