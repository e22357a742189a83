"""A hand-made session in a real log, for the questions that people ask of logs."""

from __future__ import annotations

from pathlib import Path

from adapters.logs.sqlite import SqliteLog
from domain.events import FrameRefused, KillSwitchEngaged, OperatorCommandReceived, QuoteUpdated, SessionClosed, TradePrinted
from domain.limits import Check
from domain.terms import Scope, Side
from tests.projections.builder import QQQ, SPY, Session

BUY_CHECKS = (Check("R-20", True, 250_000_000, 5_000_000_000, 2), Check("R-01", True, 12, 300, 2), Check("R-04", True, 5, 10))


def session(name: str = "s-1") -> Session:
    """Two instruments, a filled round trip, a denied order, a held signal, a refused row, a kill switch, several commits."""
    s = Session((SPY, QQQ), name=name)
    s.tick(TradePrinted(s.later(), 0, s.ns, 0, 16_741, 100, Side.BUY, 0))
    s.tick(QuoteUpdated(s.later(), 0, s.ns, 1, 8_000, 30, 8_002, 50))
    bought = s.trade(Side.BUY, 5, 16_742, fee=7)
    s.cut()
    s.tick(TradePrinted(s.later(), 0, s.ns, 0, 16_800, 50, Side.NONE, 0))
    s.deny(Side.BUY, 500)
    s.signal(Side.NONE, 0, reason="the spread is too wide")
    s.cut()
    s.emit(FrameRefused(s.later(), 0, "spy.csv", "spy.csv:17", "the price 'x\x1b[31m' is no number", "17,x\x1b[31m,100"))
    s.trade(Side.SELL, 5, 16_790)
    working = s.submit(Side.BUY, 3, px=16_000)
    command = s.emit(OperatorCommandReceived(s.later(), 0, "ann", "kill", '{"reason":"drill"}'))
    s.emit(KillSwitchEngaged(s.ns, command, Scope.ACCOUNT, "", "ann", "drill", 1, ()))
    s.emit(SessionClosed(s.later(), 0, "end of feed"))
    s.cut()
    assert bought == "T-1"
    assert working == "T-4"
    return s


def write_log(path: Path, *names: str) -> str:
    """A log with such sessions; its address."""
    with SqliteLog(path) as log:
        for name in names or ("s-1",):
            log.append(name, 1, session(name).records)
    return f"sqlite://{path}"
