"""Decides how a configuration file writes numbers, durations and free parameters.

Invariants: a number is an exact finite decimal, never a float; a duration has a unit; a value written back reads as itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from adapters.times import duration_text, parse_duration


def exact_decimal(value: object) -> Decimal:
    """The value of a number or its text. Raises ValueError for anything else, and for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValueError(f"must be a number, it is {value!r}")  # noqa: TRY004 (pydantic collects ValueErrors)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"must be a number, it is {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"must be a finite number, it is {value}")
    return number


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f'must be a duration with a unit in quotes, for example "5s" or "250ms", it is {value!r}')  # noqa: TRY004 (as above)
    return parse_duration(value)


def _some_time(value: object) -> int:
    ns = _duration(value)
    if ns <= 0:
        raise ValueError("must be longer than 0")
    return ns


def decimal_text(number: Decimal) -> str:
    return f"{number.normalize():f}"


Number = Annotated[Decimal, BeforeValidator(exact_decimal), PlainSerializer(decimal_text, return_type=str)]
Duration = Annotated[int, BeforeValidator(_duration), PlainSerializer(duration_text, return_type=str)]

SomeTime = Annotated[int, BeforeValidator(_some_time), PlainSerializer(duration_text, return_type=str)]


class Table(BaseModel):
    """A table of the file: nothing unknown in it, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


def plain(key: str, value: Any) -> Any:
    """A parameter as JSON holds it exactly: decimals as text."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, Decimal):
        return decimal_text(exact_decimal(value))
    if isinstance(value, list):
        return [plain(key, v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain(str(k), v) for k, v in value.items()}
    raise ValueError(f"{key} must be text, a number, true or false, it is {value!r}")


def _params(value: Any) -> Any:
    return {str(k): plain(str(k), v) for k, v in value.items()} if isinstance(value, Mapping) else value


Params = Annotated[dict[str, Any], BeforeValidator(_params)]
