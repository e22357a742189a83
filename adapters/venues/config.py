"""Decides how a configuration file describes the simulated venue.

Invariants: an unknown key is refused; numbers are exact decimals, durations have a unit; what is written back reads as itself.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from adapters.times import duration_text, parse_duration
from adapters.venues.settings import FEE_DIGITS, PPM, Resting, Size, Slippage, VenueSettings
from domain.money import to_int

_RATE_DIGITS = len(str(PPM)) - 1


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f'must be a duration with a unit in quotes, for example "5ms", it is {value!r}')  # noqa: TRY004 (what pydantic reports)
    return parse_duration(value)


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValueError(f'must be a decimal number in quotes, for example "0.0002", it is {value!r}')  # noqa: TRY004 (what pydantic reports)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"must be a number, it is {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"must be a finite number, it is {value}")
    return number


def _rate(value: object) -> Decimal:
    rate = _decimal(value)
    if abs(rate) >= 1:
        raise ValueError(f'is a part of the notional: 0.02 % is "0.0002", it is {rate}')
    to_int(rate, _RATE_DIGITS)
    return rate


def _amount(value: object) -> Decimal:
    amount = _decimal(value)
    if amount < 0:
        raise ValueError(f"must not be negative, it is {amount}")
    to_int(amount, FEE_DIGITS)
    return amount


_Text = PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str)
Duration = Annotated[int, BeforeValidator(_duration), PlainSerializer(duration_text, return_type=str)]
Rate = Annotated[Decimal, BeforeValidator(_rate), _Text]
Amount = Annotated[Decimal, BeforeValidator(_amount), _Text]


class SimulatedVenueConfig(BaseModel):
    """The `[venue]` table. Fees are parts of the notional or amounts of the settlement currency; without `seed` the session's counts.

    latency_out, latency_back: from us to the venue and back; jitter_out, jitter_back: the most that chance adds to them.
    liquidity: "infinite" fills an order whole, "displayed" at most the size shown. resting: a print fills a resting limit only
    "through" it, or by "touch". slippage: a taker fill is worse by "fixed" slippage_ticks, or by "random" 0 to that many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    latency_out: Duration = 0
    latency_back: Duration = 0
    jitter_out: Duration = 0
    jitter_back: Duration = 0
    liquidity: Literal["infinite", "displayed"] = "infinite"
    resting: Literal["through", "touch"] = "through"
    maker_fee: Rate = Decimal(0)
    taker_fee: Rate = Decimal(0)
    fee_per_unit: Amount = Decimal(0)
    fee_min: Amount = Decimal(0)
    slippage: Literal["none", "fixed", "random"] = "none"
    slippage_ticks: int = Field(default=0, ge=0, le=1_000_000)
    seed: int | None = Field(default=None, ge=0, lt=1 << 63)

    @model_validator(mode="after")
    def _slippage_is_whole(self) -> SimulatedVenueConfig:
        if self.slippage == "none" and self.slippage_ticks:
            raise ValueError('slippage_ticks needs slippage = "fixed" or "random"')
        if self.slippage != "none" and not self.slippage_ticks:
            raise ValueError(f'slippage = "{self.slippage}" needs slippage_ticks of 1 or more')
        return self

    def settings(self) -> VenueSettings:
        """The integers that the venue works with."""
        return VenueSettings(
            latency_out_ns=self.latency_out,
            latency_back_ns=self.latency_back,
            jitter_out_ns=self.jitter_out,
            jitter_back_ns=self.jitter_back,
            liquidity=Size[self.liquidity.upper()],
            resting=Resting[self.resting.upper()],
            maker_ppm=to_int(self.maker_fee, _RATE_DIGITS),
            taker_ppm=to_int(self.taker_fee, _RATE_DIGITS),
            fee_per_unit=to_int(self.fee_per_unit, FEE_DIGITS),
            fee_min=to_int(self.fee_min, FEE_DIGITS),
            slippage=Slippage[self.slippage.upper()],
            slippage_ticks=self.slippage_ticks,
        )
