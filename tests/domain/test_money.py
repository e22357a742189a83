"""Division, rounding and text of amounts: exact, or refused."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.instrument import instrument
from domain.money import div_ceil, div_floor, div_half_even, fraction_to_text, rescale, round_half_even, to_decimal, to_int, to_text

big = st.integers(-(10**30), 10**30)


@given(big, st.integers(-(10**12), 10**12).filter(bool))
def test_half_even_division_is_that_of_the_decimal_standard(n: int, d: int) -> None:
    """Given any quotient, then it is rounded as Python's own exact fractions round."""
    assert div_half_even(n, d) == round(Fraction(n, d))
    assert round_half_even(Fraction(n, d)) == round(Fraction(n, d))
    assert div_floor(n, d) <= Fraction(n, d) <= div_ceil(n, d)


@given(big, st.integers(0, 18))
@example(10**28 + 1, 0)  # more figures than the default decimal context keeps
def test_text_of_an_amount_reads_back_as_itself(n: int, digits: int) -> None:
    """Given any integer, then its decimal text says exactly that."""
    assert to_int(to_text(n, digits), digits) == n
    assert to_int(to_decimal(n, digits), digits) == n


@pytest.mark.parametrize(
    ("text", "digits", "value"),
    [
        ("1.39147", 5, 139_147),
        ("1e3", 0, 1_000),
        ("-0.05", 2, -5),
        ("0.000", 1, 0),
        ("0e999999", 2, 0),
        ("12345678901234567890123456789012.5", 1, 123456789012345678901234567890125),
    ],
)
def test_a_decimal_becomes_its_exact_integer(text: str, digits: int, value: int) -> None:
    """Given a decimal on the grid, however long, then nothing of it is lost."""
    assert to_int(text, digits) == value


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1.005", "1.00000000000000000000000000000000001", "1e999999", "1e-999999", "9" * 61])
def test_what_is_no_exact_amount_is_refused(text: str) -> None:
    """Given text that is no number, not finite, off the grid or beyond all measure, then it is refused, not rounded."""
    with pytest.raises(ValueError, match=r"number|digits"):
        to_int(text, 2)


@given(big, st.integers(0, 12), st.integers(0, 12))
def test_rescaling_rounds_only_where_digits_are_lost(n: int, digits: int, to_digits: int) -> None:
    """Given an amount in other digits, then more digits keep it and fewer round half-even."""
    with localcontext() as context:
        context.prec = 80
        expected = to_decimal(n, digits).quantize(Decimal(1).scaleb(-to_digits), rounding=ROUND_HALF_EVEN)
        assert to_decimal(rescale(n, digits, to_digits), to_digits) == expected
        assert Decimal(fraction_to_text(Fraction(n, 10**digits), to_digits)) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amt_digits": 1}, "cannot hold price"),
        ({"multiplier": "0"}, "multiplier must be positive"),
        ({"tick_size": "0"}, "must be positive"),
        ({"inverse": True, "quote": "USD"}, "settlement currency"),
        ({"inverse": True, "base": "BTC", "qty_digits": 12, "amt_digits": 2}, "too small for an inverse contract"),
        ({"tick_size": "0.001"}, "more than 2 decimal digits"),
    ],
)
def test_an_instrument_that_does_not_add_up_is_refused(changes: dict[str, object], sentence: str) -> None:
    """Given digits, grid or contract terms that contradict each other, then the sentence says which."""
    with pytest.raises(ValueError, match=sentence):
        instrument("X", **changes)  # type: ignore[arg-type]


@given(st.integers(1, 10**7), st.integers(-(10**6), 10**6), st.sampled_from(["1", "0.8646266", "0.001", "50"]))
def test_a_linear_value_is_exact(px: int, qty: int, multiplier: str) -> None:
    """Given any price and quantity, then the value is their exact product with the multiplier."""
    spec = instrument("X", price_digits=2, qty_digits=3, multiplier=multiplier)
    assert Fraction(spec.value(px, qty), 10**spec.amt_digits) == Fraction(px * qty, 10**5) * Fraction(multiplier)
