"""Session, time and operator events."""

from __future__ import annotations

import msgspec

from domain.events._base import Event
from domain.instrument import Instrument
from domain.risk.limits import Limits


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An amount of one currency in 10^-digits."""

    currency: str
    amt: int
    digits: int


class StrategySpec(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One strategy of a session: where its code is, what that code was, and its parameters (canonical JSON).

    `instruments` are indexes into the session's instruments. `source` is the text of a user's file, empty for installed code.
    `bar_ns` > 0: bars of that length are built from trades for the strategy; trades with any bit of `bar_exclude` in their
    conditions count for volume only.
    """

    name: str
    target: str
    source_sha256: str
    source: str
    params: str
    instruments: tuple[int, ...]
    bar_ns: int = 0
    bar_exclude: int = 0


class SessionOpened(Event, frozen=True, tag="open"):
    """Input. The first event of a session: everything a re-execution needs beside the later inputs.

    `mode` is simulated, paper or live. `code` is the version and fingerprint of Reenact; `config` the whole configuration
    as canonical JSON, without secrets. `limits[i]` binds `instruments[i]`.
    Source: house rule (law 4); run manifest of RTS 6 Art. 5(7).
    """

    session: str
    mode: str
    code: str
    config: str
    seed: int
    instruments: tuple[Instrument, ...]
    limits: tuple[Limits, ...]
    strategies: tuple[StrategySpec, ...]
    balances: tuple[Balance, ...]


class SessionResumed(Event, frozen=True, tag="resume"):
    """Input. A live or paper session goes on after a stop; orders without proof become UNKNOWN. Source: house rule (law 6)."""

    code: str
    reason: str


class SessionClosed(Event, frozen=True, tag="close"):
    """Input. The last event of a session. Source: house rule."""

    reason: str


class TimerSet(Event, frozen=True, tag="timer"):
    """Decision. A strategy asked to be woken at `due_ns` under `name`. Source: house rule (law 4: a timer is an input)."""

    strategy: int
    name: str
    due_ns: int


class TimerFired(Event, frozen=True, tag="fired"):
    """Input. The timer `name` of `strategy` came due. Source: house rule (law 4)."""

    strategy: int
    name: str
    due_ns: int


class DayRolled(Event, frozen=True, tag="day"):
    """Input. The session's day changed; `day` is yyyymmdd in UTC. DAY orders end with the day they were sent. Source: FIX 59=0."""

    day: int


class OperatorCommandReceived(Event, frozen=True, tag="cmd"):
    """Input. A person asked for something: `actor` says who, `command` what (see `domain.commands`), `argument` is canonical JSON.

    Source: RTS 6 Art. 12 and 15(5): every action attributable to a person.
    """

    actor: str
    command: str
    argument: str


class OperatorCommandRefused(Event, frozen=True, tag="cmd-"):
    """Decision. The command could not be obeyed, with the reason; nothing else happened. Source: house rule (law 5)."""

    reason: str
