"""The closed word lists of the field, as small integers that encode in one byte. Names follow FIX; numbers are ours and stable."""

from __future__ import annotations

from enum import IntEnum


class Side(IntEnum):
    """FIX 54. The number is the sign of the position change; NONE marks a signal to hold or a print without aggressor."""

    SELL = -1
    NONE = 0
    BUY = 1


class OrderType(IntEnum):
    """FIX 40."""

    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    TRAILING_STOP = 5


class TimeInForce(IntEnum):
    """FIX 59."""

    DAY = 0
    GTC = 1
    IOC = 3
    FOK = 4
    GTD = 6


class OrdStatus(IntEnum):
    """FIX 39, plus UNKNOWN: sent, and neither proven alive nor proven dead (house rule, law 6)."""

    NEW = 0
    PARTIALLY_FILLED = 1
    FILLED = 2
    DONE_FOR_DAY = 3
    CANCELED = 4
    REPLACED = 5
    PENDING_CANCEL = 6
    REJECTED = 8
    PENDING_NEW = 10
    EXPIRED = 12
    PENDING_REPLACE = 14
    UNKNOWN = 99


class Liquidity(IntEnum):
    """FIX 851: who was in the book first."""

    MAKER = 1
    TAKER = 2


class TradingState(IntEnum):
    """What the account may do. Transitions are events; only KILLED forbids reducing."""

    ACTIVE = 0
    REDUCE_ONLY = 1
    HALTED = 2
    KILLED = 3


class TickKind(IntEnum):
    """Which market event a tick column holds."""

    TRADE = 1
    QUOTE = 2
    BAR = 3


class Scope(IntEnum):
    """What a limit or a halt is about. Source: RTS 6 Art. 12 and 15 (firm, venue, instrument, trader, algorithm)."""

    ACCOUNT = 0
    VENUE = 1
    CLASS = 2
    INSTRUMENT = 3
    STRATEGY = 4


class GroupKind(IntEnum):
    """FIX 1385: how the orders of a group depend on each other."""

    OCO = 1
    OTO = 2
    BRACKET = 3


class FailurePolicy(IntEnum):
    """What happens when a protective leg cannot be placed. Source: features A S4-04."""

    FLATTEN = 1
    RETRY = 2
    ALERT = 3
