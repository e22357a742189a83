"""Logs and read models for tests: sessions with everything that can happen to an order, and small ways to run a projector."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog
from adapters.readmodels import ModelStore, open_models
from domain.events import FeeCharged, FrameRefused, SessionClosed
from domain.terms import Side
from reenact.projecting import Projector
from tests.projections.builder import BTC, QQQ, SPY, Session
from tests.projections.walks import BALANCES, Walk


def eventful(name: str = "s-1", seed: int = 1, moves: int = 150, *, closed: bool = True) -> Session:
    """A session of three instruments with partial fills, cancels, replaces, busts, corrections, denials, fees in finer digits, many commits."""
    chance = random.Random(seed)
    walk = Walk()
    walk.session = Session((SPY, QQQ, BTC), balances=BALANCES, name=name)
    some = chance.randrange
    for _ in range(moves):
        for move in chance.choice(_MOVES):
            walk.move(move, *_arguments(chance, move))
        if some(9) == 0:
            walk.session.cut()
    s = walk.session
    s.emit(FeeCharged(s.later(), 0, "USD", 12345, 7, "data"))
    s.emit(FrameRefused(s.later(), 0, "feed", "line 7", "no number", 'raw \x00 "text" \\u0000 ∂'))
    if closed:
        s.emit(SessionClosed(s.later(), 0, "done"))
    s.cut()
    return s


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
