"""The one place that catches everything: an exception out of a strategy's code becomes a `StrategyError` that names file and line.

Invariants: our own errors pass unchanged; a bug of ours (no strategy code in the traceback) passes unchanged, with its traceback.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adapters
import domain
import projections
import reenact
from domain.errors import ReenactError, StrategyError

_OURS = tuple(str(Path(p.__file__).parent) for p in (reenact, adapters, projections, domain) if p.__file__)
_BUILT_IN = str(Path(domain.__file__).parent / "strategies")


@contextmanager
def blamed() -> Iterator[None]:
    """Turn an exception raised by a strategy into a StrategyError at the offending line."""
    try:
        yield
    except StrategyError as e:
        if e.file:
            raise
        raise _located(e) from e
    except ReenactError:
        raise
    except Exception as e:
        error = _located(e)
        if not error.file:
            raise
        raise error from e


def _located(e: Exception) -> StrategyError:
    """The error at the innermost line that belongs to a strategy."""
    sentence = e.sentence if isinstance(e, StrategyError) else f"the strategy failed with {type(e).__name__}: {e}"
    for frame in reversed(traceback.extract_tb(e.__traceback__)):
        if not frame.filename.startswith(_OURS) or frame.filename.startswith(_BUILT_IN):
            return StrategyError(sentence, file=frame.filename, line=frame.lineno or 0, remedy="Everything up to the last commit is in the log.")
    return StrategyError(sentence)
