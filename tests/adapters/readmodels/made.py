"""Logs and read models for tests: sessions with everything that can happen to an order, and small ways to run a projector."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog
from adapters.readmodels import ModelStore, open_models
from domain.events import (
    ApprovalClosed,
    ApprovalRequested,
    FeeCharged,
    FrameRefused,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    GroupOpened,
    GroupReopened,
    KillCompleted,
    KillSwitchEngaged,
    Leg,
    LimitsChanged,
    OperatorCommandReceived,
    OverrideClosed,
    OverrideGranted,
    SessionClosed,
    TradingHalted,
    TradingResumed,
)
from domain.limits import Limit
from domain.terms import FailurePolicy, GroupKind, Scope, Side, TradingState
from reenact.projecting import Projector
from tests.projections.builder import BTC, QQQ, SPY, Session
from tests.projections.walks import BALANCES, Walk


def eventful(name: str = "s-1", seed: int = 1, moves: int = 150, *, closed: bool = True) -> Session:
    """A session of three instruments with partial fills, cancels, replaces, busts, corrections, denials, fees in finer digits, many commits."""
    chance = random.Random(seed)
    walk = Walk()
    walk.session = Session((SPY, QQQ, BTC), balances=BALANCES, name=name, limits=LIMITS)
    some = chance.randrange
    for _ in range(moves):
        for move in chance.choice(_MOVES):
            walk.move(move, *_arguments(chance, move))
        if some(9) == 0:
            walk.session.cut()
    s = walk.session
    s.emit(FeeCharged(s.later(), 0, "USD", 12345, 7, "data"))
    controlled(s)
    s.emit(FrameRefused(s.later(), 0, "feed", "line 7", "no number", 'raw \x00 "text" \\u0000 ∂'))
    if closed:
        s.emit(SessionClosed(s.later(), 0, "done"))
    s.cut()
    return s


LIMITS = (
    Limit(1, "R-04", Scope.INSTRUMENT, ("SPY", "QQQ"), (10,), 1, "ann", "bob", 1_600_000_000_000_000_000),
    Limit(2, "R-03", Scope.ACCOUNT, (), (10**12,)),
)


def controlled(s: Session) -> None:
    """Everything that can bind a session: new limits, halts by a person and by a rule, a kill, requests, overrides, groups."""
    command = s.emit(OperatorCommandReceived(s.later(), 0, "ann", "limits", "{}"))
    s.emit(LimitsChanged(s.ns, command, Limit(3, "R-04", Scope.INSTRUMENT, ("SPY",), (7,), 2, "ann")))
    s.emit(TradingHalted(s.ns, command, Scope.INSTRUMENT, "SPY", TradingState.REDUCE_ONLY, "R-04", "too large", s.ns + 5, 11, 10))
    s.emit(TradingHalted(s.ns, command, Scope.STRATEGY, "alpha", TradingState.HALTED, "", "lunch"))
    s.emit(TradingResumed(s.later(), command, Scope.STRATEGY, "alpha", "", "over", "ann", "bob"))
    s.emit(KillSwitchEngaged(s.ns, command, Scope.ACCOUNT, "", "ann", "drill", 2, ("T-1",)))
    s.emit(KillCompleted(s.later(), 0, Scope.ACCOUNT, "", 1, 1, 10**9))
    s.emit(ApprovalRequested(s.ns, command, 1, "ann", "resume", "{}", s.ns + 10**9))
    s.emit(ApprovalClosed(s.ns, command, 1, "granted", "bob", "fine"))
    s.emit(ApprovalRequested(s.ns, command, 2, "ann", "limits", '{"a":1}', s.ns + 10**9))
    s.emit(OverrideGranted(s.ns, command, 1, "R-04", 3, 12, 0, 0, s.ns + 10**9, "ann", "bob", "once"))
    s.emit(OverrideClosed(s.ns, command, 1, "T-1"))
    s.emit(GroupOpened(s.ns, command, 1, GroupKind.OCO, 0, 1, FailurePolicy.FLATTEN, (Leg(Side.BUY, 3, 100), Leg(Side.SELL, 3, 90)), "both"))
    s.emit(GroupLegged(s.ns, command, 1, "1", "T-1"))
    s.emit(GroupLegFailed(s.ns, command, 1, "2", "T-2", FailurePolicy.FLATTEN, "denied"))
    s.emit(GroupClosed(s.ns, command, 1, 3, "flat"))
    s.emit(GroupReopened(s.ns, command, 1, "a late fill"))


_MOVES = (("trade",), ("quote", "trade"), ("bar",), ("order", "fill"), ("order", "fill", "fill"), ("order", "cancel"), ("order", "replace", "fill"),
          ("bust",), ("correct",), ("deny",), ("hold",), ("external",), ("charge",), ("fund",), ("adjust",), ("end",), ("again",), ("early",),
          ("relink",), ("timer",), ("wait",))  # fmt: skip


def _arguments(chance: random.Random, move: str) -> Sequence[object]:
    of, some, px, qty = chance.randrange(3), chance.randrange(20), chance.randint(1, 60), chance.randint(1, 9)
    side = chance.choice([Side.BUY, Side.SELL])
    fee = chance.choice([(0, "USD", 2), (3, "USD", 2), (-7, "USD", 2), (1, "USD", 5), (2, "BTC", 9), (1, "BNB", 4)])
    found: dict[str, Sequence[object]] = {
        "trade": (of, px, qty), "quote": (of, px, px + 1, qty % 3), "bar": (of, px), "order": (of, side, qty, some % 2), "fill": (some, px, qty, fee),
        "again": (some,), "bust": (some,), "correct": (some, px, qty), "early": (some, of, bool(qty % 2)), "relink": (some, qty),
        "external": (of, side, px, qty), "charge": (fee,), "fund": (of, px - 30), "adjust": (qty - 5,), "cancel": (some,), "replace": (some, qty, px),
        "end": (some, bool(of)), "deny": (of,), "hold": (of,), "timer": (), "wait": (px * 10**9,),
    }  # fmt: skip
    return found[move]


def log_of(*sessions: Session) -> EventLog:
    """A log in memory with whole sessions."""
    log = MemoryLog()
    for session in sessions:
        session.cut()
        log.append(session.journal.session, 1, session.records)
    return log


def store_of(models: str, *, rebuild: bool = False) -> ModelStore:
    """The read models, for a projector."""
    return open_models(models, now_ns=time.time_ns(), rebuild=rebuild)


def built(models: str) -> None:
    """Read models of nothing, ready to be followed into."""
    store = store_of(models)
    assert store.building
    store.finish()
    store.close()


def followed(log: EventLog, models: str) -> Projector:
    """Bring the models to where the log is, through the live path."""
    store = store_of(models)
    assert not store.building
    projector = Projector(log)
    projector.start(store)
    projector.catch_up(store)
    store.close()
    return projector
