"""Mutants that no test can tell from the original, each with the reason."""

from __future__ import annotations

_FAST = "the line only spares compiled code some work: what it lets through, the next lines answer alike"
_SAME = "at the bound itself both branches give the bound"
_SHOWN = "return MOST if n > MOST else -MOST if n < -MOST else n"
_NEAR = "if -_NEAR <= n <= _NEAR:"
_BOUND = ("domain/risk/bound.py", "shown")

_TWICE = ("domain/risk/duplicate_order.py", "check_duplicate_order")
_YOUNG = "if p.intentional or p.replaced is not None or p.now_ns - memory.newest_ns >= limit.most:"

_FIRST = ("domain/risk/message_rate.py", "check_message_rate", "most, of_kind = (values[2 * _ALL], values[2 * own])")

_TRADED = ("domain/risk/surveillance.py", "trade", "key = (strategy, instrument, _BUY if qty > 0 else _SELL)")

EQUIVALENT: dict[tuple[str, str, str, str], str] = {
    (*_BOUND, _NEAR, "if -_NEAR < n <= _NEAR:"): _FAST,
    (*_BOUND, _NEAR, "if -_NEAR <= n < _NEAR:"): _FAST,
    (*_BOUND, _NEAR, "if +_NEAR <= n <= _NEAR:"): _FAST,
    (*_BOUND, _SHOWN, "return MOST if n >= MOST else -MOST if n < -MOST else n"): _SAME,
    (*_BOUND, _SHOWN, "return MOST if n > MOST else -MOST if n <= -MOST else n"): _SAME,
    (*_TWICE, _YOUNG, "if p.intentional or p.replaced is not None or p.now_ns - memory.newest_ns > limit.most:"): _FAST,
    (*_TRADED, "key = (strategy, instrument, _BUY if qty >= 0 else _SELL)"): "a position change of nothing is none",
    (*_FIRST, "most, of_kind = (values[3 * _ALL], values[2 * own])"): "the first parameter stands at the start, whatever each takes",
}
"""By (file, function, statement before, statement after)."""
