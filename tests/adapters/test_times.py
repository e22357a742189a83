"""Times and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.times import duration_text, parse_duration, parse_time, time_text


@pytest.mark.parametrize(
    ("text", "ns"),
    [("5s", 5 * 10**9), ("250ms", 250 * 10**6), ("1m30s", 90 * 10**9), ("1.5h", 5400 * 10**9), ("10us", 10_000), ("7ns", 7), ("2d", 172_800 * 10**9)],
)
def test_durations_have_units(text: str, ns: int) -> None:
    assert parse_duration(text) == ns


@pytest.mark.parametrize("text", ["", "5", "s", "5 parsecs", "-5s", "1.0000000001s", "5s!"])
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|nanosecond"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2013-10-07", "2013-10-07T00:00:00Z"),
        ("2013-10-07 14:30", "2013-10-07T14:30:00Z"),
        ("2013-10-07T14:30:00.25Z", "2013-10-07T14:30:00.250Z"),
        ("2013-10-07T14:30:00.000001", "2013-10-07T14:30:00.000001Z"),
        ("2013-10-07T14:30:00.123456789Z", "2013-10-07T14:30:00.123456789Z"),
        ("2013-10-07T14:30:00+02:00", "2013-10-07T12:30:00Z"),
        ("2013-10-07T14:30:00-0430", "2013-10-07T19:00:00Z"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_iso_and_utc(text: str, shown: str) -> None:
    assert time_text(parse_time(text)) == shown


@pytest.mark.parametrize("text", ["", "noon", "2013-13-01", "2013-02-30", "2013-10-07T25:00", "2013-10-07T14:30:00.1234567891Z"])
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_time(text)


@given(st.integers(-(2**62), 2**63 - 1))
def test_a_time_reads_as_it_was_written(ns: int) -> None:
    assert parse_time(time_text(ns)) == ns


@given(st.integers(0, 2**63))
def test_a_duration_reads_as_it_was_written(ns: int) -> None:
    assert parse_duration(duration_text(ns)) == ns
