"""Says aloud what the watching rules found: one alert per finding, right after the input that completed the pattern.

Invariants: an alert denies nothing and halts nothing; each finding is told once; the same log gives the same alerts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events import SurveillanceAlerted

if TYPE_CHECKING:
    from domain.engine import Engine


class Surveillance:
    """Hears what completes a pattern, before any strategy does. Source: RTS 6 Art. 13 and 16; features D R-25, M-01."""

    def __init__(self, engine: Engine) -> None:
        self._desk = engine.desk

    def tell(self, seq: int) -> None:
        """Record an alert for every finding that is not told yet."""
        desk = self._desk
        desk.state.noticed = False
        for code, memory in desk.risk.alerting:
            if not memory.findings:
                continue
            found, memory.findings = memory.findings, []
            for f in found:
                desk.emit(SurveillanceAlerted(desk.now_ns, seq, code, f.strategy, f.instrument, f.observed, f.limit, f.since, f.reason))
