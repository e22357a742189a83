"""What binds trading: limits, halts, kills, approvals by a second person, overrides, alerts."""

from __future__ import annotations

from domain.events._base import Event
from domain.limits import Limit
from domain.terms import Scope, TradingState


class LimitsChanged(Event, frozen=True, tag="limits"):
    """Decision. A new version of a limit binds from here on; cause is the command, or the timer of its effective time. Source: RTS 6 Art. 15."""

    limit: Limit


class TradingHalted(Event, frozen=True, tag="halt"):
    """Decision. A scope's trading state fell to `state`. `rule` is the rule that asked for it, "" a person; each may only lift its own.

    `until_ns`: when it ends by itself, 0 never. `observed`, `limit`: the rule's numbers, 0 for a person.
    Source: FIA order controls; RTS 6 Art. 12.
    """

    scope: Scope
    member: str
    state: TradingState
    rule: str
    reason: str
    until_ns: int = 0
    observed: int = 0
    limit: int = 0


class TradingResumed(Event, frozen=True, tag="go"):
    """Decision. The halt of `rule` ("" a person's) is lifted; cause is a command, a timer or the roll of the day. Source: FIA order controls.

    `requester`, `approver`: the persons, empty where a rule lifts its own halt.
    """

    scope: Scope
    member: str
    rule: str
    reason: str
    requester: str = ""
    approver: str = ""


class KillSwitchEngaged(Event, frozen=True, tag="kill"):
    """Decision. Nothing more is sent in scope, every working order in it gets a cancel. Source: RTS 6 Art. 12; ESMA Q&A 3.16.

    `working` counts those orders; `unknown` lists the ids whose fate is not proven.
    """

    scope: Scope
    member: str
    actor: str
    reason: str
    working: int
    unknown: tuple[str, ...]


class KillCompleted(Event, frozen=True, tag="killed"):
    """Decision. The last order that worked when the switch was engaged is proven dead, `took_ns` after it. Source: RTS 6 Art. 12; features D K-01.

    `canceled` and `filled` count how they ended.
    """

    scope: Scope
    member: str
    canceled: int
    filled: int
    took_ns: int


class ApprovalRequested(Event, frozen=True, tag="ask"):
    """Decision. A command waits for a second person under `number`. Source: RTS 6 Art. 15(6); features D K-02, K-05."""

    number: int
    requester: str
    command: str
    argument: str
    expires_ns: int


class ApprovalClosed(Event, frozen=True, tag="asked"):
    """Decision. A request was granted (what it asked for follows), declined, withdrawn or has expired (`outcome`). Source: as `ApprovalRequested`."""

    number: int
    outcome: str
    actor: str
    reason: str


class OverrideGranted(Event, frozen=True, tag="override"):
    """Decision. One order of `strategy` (-1: of a person) in `instrument` may pass the rule `rule` once. Source: RTS 6 Art. 15(6); RTS 7 Art. 20(2)(d).

    `limit_id` is the limit that may be passed; `most` how far: the largest observed value.
    """

    number: int
    rule: str
    limit_id: int
    most: int
    strategy: int
    instrument: int
    expires_ns: int
    requester: str
    verifier: str
    reason: str


class OverrideClosed(Event, frozen=True, tag="overrode"):
    """Decision. An override was used by an order (`cl_ord_id`) or has expired (empty). Source: as `OverrideGranted`."""

    number: int
    cl_ord_id: str


class SurveillanceAlerted(Event, frozen=True, tag="alert"):
    """Decision. A pattern was seen: `code`, what was counted against which threshold, and the seq it began with. Source: RTS 6 Art. 13; MAR Art. 12."""

    code: str
    strategy: int
    instrument: int
    observed: int
    limit: int
    since: int
    reason: str


class OutcomeRecorded(Event, frozen=True, tag="outcome"):
    """Decision. A person states what a round trip of `strategy` (-1: of nobody's) brought that no fill here explains; the loss rules count it.

    `amt` in 10^-amt_digits of the instrument's settlement currency, negative for a loss. Source: features A S4-10.
    """

    strategy: int
    instrument: int
    amt: int
    actor: str
    reason: str
