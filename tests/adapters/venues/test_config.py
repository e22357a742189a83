"""The venue's table in a configuration file."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.venues.config import SimulatedVenueConfig
from adapters.venues.settings import Resting, Size, Slippage, VenueSettings


def test_nothing_said_is_a_venue_without_friction() -> None:
    assert SimulatedVenueConfig().settings() == VenueSettings()


def test_everything_said_arrives_as_integers() -> None:
    config = SimulatedVenueConfig.model_validate(
        {
            "latency_out": "5ms", "latency_back": "250us", "jitter_out": "1ms", "jitter_back": "7ns", "liquidity": "displayed", "resting": "touch",
            "maker_fee": "-0.0001", "taker_fee": "0.0005", "fee_per_unit": "0.005", "fee_min": 1, "slippage": "random", "slippage_ticks": 2, "seed": 9,
        }
    )  # fmt: skip
    assert config.seed == 9
    assert config.settings() == VenueSettings(
        5_000_000, 250_000, 1_000_000, 7, Size.DISPLAYED, Resting.TOUCH, -100, 500, 5_000_000, 1_000_000_000, Slippage.RANDOM, 2
    )
    assert SimulatedVenueConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("table", "place", "sentence"),
    [
        ({"latency": "5ms"}, "latency", "Extra inputs are not permitted"),
        ({"latency_out": 5}, "latency_out", "must be a duration with a unit in quotes"),
        ({"latency_out": "5 parsecs"}, "latency_out", "is no duration"),
        ({"liquidity": "endless"}, "liquidity", "'infinite' or 'displayed'"),
        ({"taker_fee": "2"}, "taker_fee", "is a part of the notional"),
        ({"taker_fee": "0.00000005"}, "taker_fee", "has more than 6 decimal digits"),
        ({"taker_fee": 0.0005}, "taker_fee", "must be a decimal number in quotes"),
        ({"taker_fee": "dear"}, "taker_fee", "must be a number"),
        ({"maker_fee": "NaN"}, "maker_fee", "must be a finite number"),
        ({"fee_min": "-1"}, "fee_min", "must not be negative"),
        ({"fee_per_unit": "0.0000000005"}, "fee_per_unit", "has more than 9 decimal digits"),
        ({"slippage_ticks": 2}, "", "slippage_ticks needs slippage"),
        ({"slippage": "fixed"}, "", "needs slippage_ticks of 1 or more"),
        ({"slippage": "fixed", "slippage_ticks": -1}, "slippage_ticks", "greater than or equal to 0"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(table: dict[str, Any], place: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as found:
        SimulatedVenueConfig.model_validate(table)
    (error,) = found.value.errors()
    assert ".".join(map(str, error["loc"])) == place
    assert sentence in error["msg"]
