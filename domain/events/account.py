"""What happens to the account beside our own fills."""

from __future__ import annotations

from domain.events._base import Event
from domain.terms import Side


class BalanceReported(Event, frozen=True, tag="balance"):
    """Input. The venue says what the account holds, in 10^-digits of `currency`. Source: FIX 35=AP."""

    currency: str
    amt: int
    digits: int


class FeeCharged(Event, frozen=True, tag="fee"):
    """Input. A fee that belongs to no fill; positive when we pay. Source: venue statements."""

    currency: str
    amt: int
    digits: int
    reason: str


class FundingPaid(Event, frozen=True, tag="funding"):
    """Input. Perpetual funding on a position; positive when we pay. Source: perpetual contract specifications."""

    instrument: int
    currency: str
    amt: int
    digits: int


class ExternalTradeObserved(Event, frozen=True, tag="external"):
    """Input. A fill on the account that no order of this session explains; positions are right at once. Source: house rule."""

    instrument: int
    event_ns: int
    exec_id: str
    side: Side
    last_px: int
    last_qty: int
    reason: str


class ReconciliationBreak(Event, frozen=True, tag="break"):
    """Decision. A venue's statement differs from what the log says. Source: RTS 6 Art. 17."""

    subject: str
    expected: int
    observed: int
    digits: int


class ReconciliationAdjusted(Event, frozen=True, tag="adjust"):
    """Decision. A person accepted a difference; `amt` is posted to the adjustment account. Cause is the operator's command. Source: RTS 6 Art. 17."""

    currency: str
    amt: int
    digits: int
    reason: str
