"""Decides how a configuration file describes the simulated venue.

Invariants: an unknown key is refused; numbers are exact decimals, durations have a unit; what is written back reads as itself.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SerializerFunctionWrapHandler, model_serializer, model_validator

from adapters.times import duration_text, parse_duration
from adapters.venues.faults import Fault, FaultSettings
from adapters.venues.lying import LyingVenue
from adapters.venues.settings import FEE_DIGITS, PPM, Resting, Size, Slippage, VenueSettings
from adapters.venues.simulated import SimulatedVenue
from domain.instrument import Instrument
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


def _share(value: object) -> Decimal:
    share = _decimal(value)
    if not 0 <= share <= 1:
        raise ValueError(f'is a part of the reports: one in a hundred is "0.01", it is {share}')
    to_int(share, _RATE_DIGITS)
    return share


def _some_time(value: object) -> int:
    ns = _duration(value)
    if ns <= 0:
        raise ValueError("must be longer than 0")
    return ns


_Text = PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str)
Duration = Annotated[int, BeforeValidator(_duration), PlainSerializer(duration_text, return_type=str)]
Rate = Annotated[Decimal, BeforeValidator(_rate), _Text]
Amount = Annotated[Decimal, BeforeValidator(_amount), _Text]
Share = Annotated[Decimal, BeforeValidator(_share), _Text]
SomeTime = Annotated[int, BeforeValidator(_some_time), PlainSerializer(duration_text, return_type=str)]
FaultName = Literal[
    "wrong_qty", "wrong_px", "overfill", "phantom", "twice", "late_reject", "lose", "drop", "delay", "duplicate", "reorder",
]  # fmt: skip


class ScriptedFault(BaseModel):
    """`{ fault = "drop", at = 3 }`: the third report that the fault may befall."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    fault: FaultName
    at: int = Field(ge=1)


class FaultsConfig(BaseModel):
    """`[venue.faults]`: what is wrong with the venue's reports, as parts of the reports that a fault may befall, or by `script`.

    drop, delay, duplicate, reorder, lose: any report. wrong_qty, wrong_px, overfill, twice, late_reject: fills. phantom: acceptances.
    delay_by: how much later a delayed report comes. lost_for: how long a broken session stays so. wrong_ticks: the most a price is wrong by.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    wrong_qty: Share = Decimal(0)
    wrong_px: Share = Decimal(0)
    overfill: Share = Decimal(0)
    phantom: Share = Decimal(0)
    twice: Share = Decimal(0)
    late_reject: Share = Decimal(0)
    lose: Share = Decimal(0)
    drop: Share = Decimal(0)
    delay: Share = Decimal(0)
    duplicate: Share = Decimal(0)
    reorder: Share = Decimal(0)
    delay_by: SomeTime = 10**9
    lost_for: SomeTime = 30 * 10**9
    wrong_ticks: int = Field(default=10, ge=1, le=1_000_000)
    script: tuple[ScriptedFault, ...] = ()

    def settings(self) -> FaultSettings:
        """The integers that the venue works with."""
        rates = ((fault, to_int(getattr(self, fault.name.lower()), _RATE_DIGITS)) for fault in Fault)
        return FaultSettings(
            rates=tuple((fault, ppm) for fault, ppm in rates if ppm),
            script=tuple((Fault[row.fault.upper()], row.at) for row in self.script),
            delay_ns=self.delay_by,
            lost_ns=self.lost_for,
            wrong_ticks=self.wrong_ticks,
        )


class SimulatedVenueConfig(BaseModel):
    """The `[venue]` table. Fees are parts of the notional or amounts of the settlement currency; without `seed` the session's counts.

    latency_out, latency_back: from us to the venue and back; jitter_out, jitter_back: the most that chance adds to them.
    liquidity: "infinite" fills an order whole, "displayed" at most the size shown. resting: a print fills a resting limit only
    "through" it, or by "touch". slippage: a taker fill is worse by "fixed" slippage_ticks, or by "random" 0 to that many.
    faults: what it tells us wrongly, see `FaultsConfig`; without the table it tells the truth.
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
    faults: FaultsConfig | None = None

    @model_validator(mode="after")
    def _slippage_is_whole(self) -> SimulatedVenueConfig:
        if self.slippage == "none" and self.slippage_ticks:
            raise ValueError('slippage_ticks needs slippage = "fixed" or "random"')
        if self.slippage != "none" and not self.slippage_ticks:
            raise ValueError(f'slippage = "{self.slippage}" needs slippage_ticks of 1 or more')
        return self

    @model_serializer(mode="wrap")
    def _without_usual(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        table: dict[str, Any] = inner(self)
        if self.faults is None:
            del table["faults"]
        return table

    def venue(self, instruments: tuple[Instrument, ...], session_seed: int) -> SimulatedVenue | LyingVenue:
        """The venue; it tells the truth unless there is a table of faults."""
        seed = session_seed if self.seed is None else self.seed
        if self.faults is None:
            return SimulatedVenue(instruments, self.settings(), seed)
        return LyingVenue(instruments, self.settings(), seed, self.faults.settings())

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
