"""Session, time and operator events."""

from __future__ import annotations

import msgspec

from domain.events._base import Event
from domain.instrument import Instrument
from domain.limits import Limit


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An amount of one currency in 10^-digits."""

    currency: str
    amt: int
    digits: int


class Sizing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many units a strategy's order has. Source: features A S4-34; fixed-fractional sizing.

    risk_bps: the part of equity (1/10,000) that may be lost if the stop is hit, 0 no such bound. leverage: position value per equity in
    1/100, 0 no such bound. margin_bps: initial margin of a position's value. max_qty: most of one order, 0 no such bound.
    on_excess: "scale" an order that asks for more down to what is allowed, or "refuse" it.
    """

    risk_bps: int = 0
    leverage: int = 0
    margin_bps: int = 10_000
    max_qty: int = 0
    on_excess: str = "scale"


class StrategySpec(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One strategy of a session: where its code is, what that code was, and its parameters (canonical JSON).

    `instruments` are indexes into the session's instruments. `source` is the text of a user's file, empty for installed code.
    `bar_ns` > 0: bars of that length are built from trades for the strategy; trades with any bit of `bar_exclude` in their
    conditions count for volume only. `owner`: the person who answers for it (K-04). `sizing`: how its quantities are sized, None as asked.
    """

    name: str
    target: str
    source_sha256: str
    source: str
    params: str
    instruments: tuple[int, ...]
    bar_ns: int = 0
    bar_exclude: int = 0
    owner: str = ""
    sizing: Sizing | None = None


class ParamSpec(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One parameter of a user's rule, so that readers of the log know its limits' numbers without running its code; see `domain.risk.rule`."""

    name: str
    unit: str
    meaning: str


class RuleSpec(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One rule of the user's own: where its code is and what that code was; `source` is the text of a file, empty for installed code.

    `id`, `code`, `unit`, `params` are the rule's, so that a reader of the log needs no code of the user's.
    """

    target: str
    source_sha256: str
    source: str
    id: str = ""
    code: str = ""
    unit: str = ""
    params: tuple[ParamSpec, ...] = ()


class ControlSettings(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How people and time govern a session.

    two_persons: commands that need a second one. approvers: who may be the second, empty anyone else. approval_ns: how long a request waits.
    order_ttl_ns: a working order older than this is canceled, 0 never. disconnect_ns: a venue lost for longer than this gets a cancel for
    every order, -1 never.
    """

    two_persons: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    approval_ns: int = 3_600 * 10**9
    order_ttl_ns: int = 0
    disconnect_ns: int = -1


class SessionOpened(Event, frozen=True, tag="open"):
    """Input. The first event of a session: everything a re-execution needs beside the later inputs.

    `mode` is simulated, paper or live. `code` is the version and fingerprint of Reenact; `config` the whole configuration
    as canonical JSON, without secrets. `limits[n]` has the id n + 1; `rules` are the user's own.
    Source: house rule (law 4); run manifest of RTS 6 Art. 5(7).
    """

    session: str
    mode: str
    code: str
    config: str
    seed: int
    instruments: tuple[Instrument, ...]
    limits: tuple[Limit, ...]
    strategies: tuple[StrategySpec, ...]
    balances: tuple[Balance, ...]
    rules: tuple[RuleSpec, ...] = ()
    control: ControlSettings = ControlSettings()


class SessionResumed(Event, frozen=True, tag="resume"):
    """Input. A live or paper session goes on after a stop; orders without proof become UNKNOWN. Source: house rule (law 6)."""

    code: str
    reason: str


class SessionClosed(Event, frozen=True, tag="close"):
    """Input. The last event of a session. Source: house rule."""

    reason: str


class TimerSet(Event, frozen=True, tag="timer"):
    """Decision. A strategy (-1: the house itself) asked to be woken at `due_ns` under `name`. Source: house rule (law 4: a timer is an input)."""

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


class VenueLost(Event, frozen=True, tag="venue-"):
    """Input. The session with a venue broke; nothing sent from here on is known to arrive. Source: FIA order controls; features D K-03."""

    venue: str
    reason: str


class VenueConnected(Event, frozen=True, tag="venue"):
    """Input. The session with a venue stands again. Source: features D K-03."""

    venue: str


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
