"""Decides how a configuration file writes the numbers of limits, by the unit of the rule's parameter, and what integers they become.

Invariants: nothing is rounded; a limit has no sign; an amount that adds up over several instruments is written with its currency; "off"
switches a limit off; what is written back reads as itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainSerializer

from adapters.rules import RATIO_DIGITS, SCOPES
from adapters.times import duration_text, parse_duration, parse_time, time_text
from domain.instrument import Instrument
from domain.limits import OFF
from domain.money import to_int
from domain.risk import WIDTH
from domain.terms import OrderType, Scope, TradingState
from reenact.config_types import decimal_text, exact_decimal

OFF_WORD = "off"
MOST_BPS = 10_000
_AMOUNT = re.compile(r"\s*([-+]?[0-9][0-9_]*(?:\.[0-9_]+)?)\s*([A-Za-z][A-Za-z0-9]*)\s*")
_RATE = re.compile(r"\s*(\d+)\s*/\s*(.+)")
_HOURS = re.compile(r"\s*(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)\s*")
_DAY_MINUTES = 1_440


class Amount(NamedTuple):
    """Money as it was written; `currency` is empty where none was."""

    value: Decimal
    currency: str


def _unsigned(value: object) -> Decimal:
    number = exact_decimal(value)
    if number < 0:
        raise ValueError(f'must not be negative, it is {value}; a limit has no sign, and "off" or no key at all is no limit')
    return number


def _whole(value: object) -> int:
    number = _unsigned(value)
    if number != number.to_integral_value():
        raise ValueError(f"must be a whole number, it is {value}")
    return int(number)


def _bps(value: object) -> int:
    n = _whole(value)
    if n > MOST_BPS:
        raise ValueError(f"should be less than or equal to {MOST_BPS} basis points (1/{MOST_BPS}), it is {n}")
    return n


def _amount(value: object) -> Amount:
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return Amount(_unsigned(found[1]), found[2].upper()) if found else Amount(_unsigned(value), "")


def _ratio(value: object) -> Decimal:
    number = _unsigned(value)
    if (number * 10**RATIO_DIGITS) % 1:
        raise ValueError(f"must not have more than {RATIO_DIGITS} decimal digits, it is {value}")
    return number


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f'must be a duration with a unit in quotes, for example "5s" or "250ms", it is {value!r}')  # noqa: TRY004 (pydantic collects ValueErrors)
    return parse_duration(value)


def _time(value: Any) -> int:
    text = value.isoformat() if hasattr(value, "isoformat") else value
    if not isinstance(text, str):
        raise ValueError(f"must be an ISO time, for example 2024-01-02T14:30:00Z, it is {value!r}")  # noqa: TRY004 (as above)
    return parse_time(text)


def _rate(value: object) -> tuple[int, int]:
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'must be a number and a span of time in quotes, for example "50/1s", it is {value!r}')
    span = parse_duration(found[2])
    if span <= 0:
        raise ValueError(f"must be over some time, for example 50/1s, it is {value!r}")
    return int(found[1]), span


def _hours(value: object) -> tuple[int, int]:
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'must be hours of the UTC day in quotes, for example "14:30-21:00", it is {value!r}')
    first, last = (int(h) * 60 + int(m) for h, m in ((found[1], found[2]), (found[3], found[4])))
    if int(found[2]) > 59 or int(found[4]) > 59 or first >= _DAY_MINUTES or last > _DAY_MINUTES:
        raise ValueError(f"must be hours of a day from 00:00 to 24:00, it is {value!r}")
    if first == last:
        raise ValueError(f'must be longer than no time, it is {value!r}; the whole day is "00:00-24:00"')
    return first, last


def _types(value: object) -> int:
    words = value if isinstance(value, (list, tuple)) else [value]
    known = {t.name.lower(): t for t in OrderType}
    mask = 0
    for word in words:
        if not isinstance(word, str) or word not in known:
            raise ValueError(f"must be a list of order types out of {', '.join(known)}, it holds {word!r}")
        mask |= 1 << known[word]
    return mask


def _flag(value: object) -> int:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, it is {value!r}")  # noqa: TRY004 (as above)
    # What a flag forbids is not forbidden when it is false: the limit is off.
    return 1 if value else OFF


def _state(value: object) -> int:
    words = {s.name.lower(): int(s) for s in TradingState if s}
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"must be one of {', '.join(words)}, it is {value!r}")
    return words[value]


def _minutes(pair: tuple[int, int]) -> str:
    return "-".join(f"{n // 60:02d}:{n % 60:02d}" for n in pair)


def _amount_text(a: Amount) -> str:
    return f"{decimal_text(a.value)} {a.currency}".rstrip()


_READ: dict[str, Callable[[object], Any]] = {
    "qty": _unsigned, "px": _unsigned, "amt": _amount, "bps": _bps, "count": _whole, "ratio": _ratio, "ns": _duration, "time": _time,
    "rate": _rate, "hours": _hours, "types": _types, "flag": _flag, "state": _state,
}  # fmt: skip
_WRITE: dict[str, Callable[[Any], Any]] = {
    "qty": decimal_text, "px": decimal_text, "ratio": decimal_text, "amt": _amount_text, "ns": duration_text, "time": time_text,
    "rate": lambda v: f"{v[0]}/{duration_text(v[1])}", "hours": _minutes, "flag": lambda v: v > 0,
    "types": lambda v: [t.name.lower() for t in OrderType if v >> t & 1], "state": lambda v: TradingState(v).name.lower(),
}  # fmt: skip


def form(unit: str) -> Any:
    """How pydantic reads and writes a parameter of this unit; None is a key left out."""

    def read(value: object) -> Any:
        if value is None:
            return None
        return OFF_WORD if value == OFF_WORD else _READ[unit](value)

    def write(value: Any) -> Any:
        return value if value in (None, OFF_WORD) or unit not in _WRITE else _WRITE[unit](value)

    return Annotated[Any, BeforeValidator(read), PlainSerializer(write)]


def integers(value: Any, unit: str, scope: Scope, instruments: Sequence[Instrument]) -> tuple[int, ...]:
    """What a limit's number is in the log, for a member of a scope with these instruments.

    Raises ValueError, a sentence without its end, for a number that these instruments cannot have or that does not say its currency.
    """
    if value in (OFF_WORD, OFF):
        return (OFF,) * WIDTH[unit]
    if unit == "amt":
        return (to_int(value.value, _amount_digits(value, scope, instruments)),)
    if unit in ("qty", "px"):
        digits = {i.qty_digits if unit == "qty" else i.price_digits for i in instruments}
        if len(digits) > 1:
            raise ValueError(f"the instruments of this {SCOPES[scope]} count {'quantities' if unit == 'qty' else 'prices'} in different digits; "
                             "write this limit for each instrument")  # fmt: skip
        return (to_int(value, digits.pop() if digits else 0),)
    if unit == "ratio":
        return (to_int(value, RATIO_DIGITS),)
    return value if isinstance(value, tuple) else (value,)


def _amount_digits(a: Amount, scope: Scope, instruments: Sequence[Instrument]) -> int:
    if scope is not Scope.INSTRUMENT:
        if not a.currency:
            usual = instruments[0].settle if instruments else "USD"
            raise ValueError(f'adds up over instruments and needs its currency: write "{decimal_text(a.value)} {usual}"')
        others = [i for i in instruments if i.settle != a.currency]
        if others:
            raise ValueError(
                f"is in {a.currency}, but {others[0].symbol} settles in {others[0].settle}; "
                "amounts of different currencies are not added up: write the limit for each instrument"
            )
    elif a.currency and a.currency != instruments[0].settle:
        raise ValueError(f"is in {a.currency}, but {instruments[0].symbol} settles in {instruments[0].settle}")
    return instruments[0].amt_digits if instruments else 2
