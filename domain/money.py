"""Decides how amounts are divided, rounded and shown; the only module that does.

A price, quantity or amount is an integer in 10^-digits of its unit. Decimal text exists at the edge only.

Invariants: `to_int(to_text(n, d), d) == n`; no float goes in or comes out.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

MOST_DIGITS = 60
POW10 = tuple(10**n for n in range(MOST_DIGITS + 1))


def div_half_even(n: int, d: int) -> int:
    """n / d, ties to even. Raises ZeroDivisionError. Source: IEEE 754 roundTiesToEven, on integers."""
    if d < 0:
        n, d = -n, -d
    q, r = divmod(n, d)
    twice = 2 * r
    if twice > d or (twice == d and q & 1):
        q += 1
    return q


def div_floor(n: int, d: int) -> int:
    """n / d towards minus infinity."""
    return n // d


def div_ceil(n: int, d: int) -> int:
    """n / d towards plus infinity."""
    return -(-n // d)


def round_half_even(x: Fraction) -> int:
    """The integer nearest to an exact fraction, ties to even."""
    return div_half_even(x.numerator, x.denominator)


def rescale(n: int, digits: int, to_digits: int) -> int:
    """The same amount in another number of digits, half-even where digits are lost."""
    if to_digits >= digits:
        return n * POW10[to_digits - digits]
    return div_half_even(n, POW10[digits - to_digits])


def to_int(text: str | int | Decimal, digits: int) -> int:
    """An exact decimal in units of 10^-digits.

    Raises ValueError for text that is no finite number or has more digits than the unit: off-grid is refused, not rounded.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    sign, figures, exponent = value.as_tuple()
    n = int("".join(map(str, figures)))
    shift = int(exponent) + digits
    if not n:
        return 0
    if shift > MOST_DIGITS or len(figures) > MOST_DIGITS:
        raise ValueError(f"{text} has too many digits")
    if shift < 0:
        n, rest = divmod(n, POW10[-shift]) if -shift <= MOST_DIGITS else (0, 1)
        if rest:
            raise ValueError(f"{text} has more than {digits} decimal digits")
    else:
        n *= POW10[shift]
    return -n if sign else n


def to_text(n: int, digits: int) -> str:
    """The decimal text people see, always with `digits` places: to_text(-5, 2) == "-0.05"."""
    sign = "-" if n < 0 else ""
    if digits == 0:
        return f"{n}"
    whole, part = divmod(abs(n), POW10[digits])
    return f"{sign}{whole}.{part:0{digits}d}"


def to_decimal(n: int, digits: int) -> Decimal:
    """The exact Decimal of an integer amount, however long: no context rounds it."""
    sign, figures, _ = Decimal(n).as_tuple()
    return Decimal((sign, figures, -digits))


def fraction_to_text(x: Fraction, digits: int) -> str:
    """An exact fraction shown with `digits` places, half-even."""
    return to_text(div_half_even(x.numerator * POW10[digits], x.denominator), digits)
