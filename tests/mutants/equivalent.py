"""Mutants that no test can tell from the original, each with the reason."""

from __future__ import annotations

_FAST = "the line only spares compiled code an object: what it lets through, the next line answers alike"
_SAME = "at the bound itself both branches give the bound"
_SHOWN = "return MOST if n > MOST else -MOST if n < -MOST else n"
_NEAR = "if -_NEAR <= n <= _NEAR:"
_BOUND = ("domain/risk/bound.py", "shown")

EQUIVALENT: dict[tuple[str, str, str, str], str] = {
    (*_BOUND, _NEAR, "if -_NEAR < n <= _NEAR:"): _FAST,
    (*_BOUND, _NEAR, "if -_NEAR <= n < _NEAR:"): _FAST,
    (*_BOUND, _NEAR, "if +_NEAR <= n <= _NEAR:"): _FAST,
    (*_BOUND, _SHOWN, "return MOST if n >= MOST else -MOST if n < -MOST else n"): _SAME,
    (*_BOUND, _SHOWN, "return MOST if n > MOST else -MOST if n <= -MOST else n"): _SAME,
}
"""By (file, function, statement before, statement after)."""
