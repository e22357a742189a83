"""The composition root: the only room that names concrete feeds, venues, logs and strategies and puts them together.

Invariants: a session is opened from its configuration alone; what opens it is in its first event, so that the log is enough to re-enact it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

import domain
from adapters.feeds import FeedInput
from adapters.feeds.merge import MergedFeed
from adapters.logs import EventLog
from adapters.logs.background import BackgroundLog
from adapters.times import time_text
from adapters.venues.lying import LyingVenue
from adapters.venues.simulated import SimulatedVenue
from domain.commit import decode, digest
from domain.desk import NEVER
from domain.errors import ConfigInvalid, LogConflict, LogCorrupt, ReplayDiverged
from domain.events import SessionClosed, SessionOpened, StrategySpec
from domain.instrument import Instrument
from domain.money import to_text
from domain.replay import Replay
from domain.risk import Rule
from domain.strategy import Strategy
from domain.ticks import Ticks
from reenact import config_units
from reenact.blame import blamed
from reenact.compiled import check_fresh
from reenact.config import SessionConfig, canonical_json, from_mapping
from reenact.config_operator import About, build_commands
from reenact.loading import instantiate, resolve, resolve_recorded
from reenact.loading_rules import resolve_recorded_rules, resolve_rules
from reenact.logs import open_log
from reenact.pacing import paced
from reenact.runtime import CommitPolicy, Counts, Runtime
from reenact.snapshots import Snapshots

OnProgress = Callable[[Counts, int], None]


class RunSummary(msgspec.Struct, frozen=True):
    """What `reenact run` ends with. Amounts are decimal text by currency; `head` is the hash of the last commit; `stopped` says why a session ended early."""

    session: str
    log: str
    ticks: int
    orders: int
    fills: int
    denials: int
    refused: int
    realised: dict[str, str]
    fees: dict[str, str]
    equity: dict[str, str]
    head: str
    commits: int
    events: int
    seconds: float
    ticks_per_s: int
    stopped: str


class VerifyResult(msgspec.Struct, frozen=True):
    """What `reenact verify` found. `ok`: every commit was reached again, byte for byte. `closed`: the session ended; else the log is a valid prefix."""

    session: str
    ok: bool
    closed: bool
    commits: int
    events: int
    ticks: int
    last_seq: int
    head: str
    seconds: float
    ticks_per_s: int
    strategies: dict[str, str]
    rules: dict[str, str] = {}
    diverged_seq: int = 0
    expected: object = None
    actual: object = None
    problem: str = ""


def code_fingerprint() -> str:
    """Version of Reenact and a hash over the source of everything that decides."""
    found = sha256()
    root = Path(domain.__file__).parent
    for file in sorted(root.rglob("*.py"), key=lambda p: p.relative_to(root).as_posix()):
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return f"reenact {version('reenact')} {found.hexdigest()[:16]}"


def run(
    config: SessionConfig,
    *,
    log: str = "",
    session: str = "",
    pace: float = 0,
    progress: OnProgress | None = None,
    policy: CommitPolicy | None = None,
    snapshots: Snapshots | None = None,
) -> RunSummary:
    """Run a simulated session to its end. Raises LogConflict when the session exists already.

    `pace`: play the feed at this multiple of the speed at which it was recorded; 0 means as fast as it goes. It changes no event.
    """
    url = log or config.log
    with _writing(url, config, create=True) as store:
        name = session or _free_name(store, config.name)
        if store.head(name) is not None:
            raise LogConflict("the session exists already", session=name, remedy="Choose another name with --session, or `reenact resume` it.")
        return _play(
            config, store, url, code_fingerprint(), name, lambda number, record: store.append(name, number, [record]), progress, policy, pace,
            snapshots,
        )  # fmt: skip


def resume(
    config: SessionConfig | None = None,
    *,
    log: str = "",
    session: str = "",
    progress: OnProgress | None = None,
    policy: CommitPolicy | None = None,
    base: Path | None = None,
    snapshots: Snapshots | None = None,
) -> RunSummary:
    """Finish a simulated session that was cut off: its recorded part is re-enacted with today's code and compared, the rest appended.

    Without `config` the recorded configuration is used (feed paths relative to `base`). Raises ReplayDiverged when today's code or data
    does not reach what is recorded; then nothing is appended. With `snapshots` only what came after the newest that fits is re-enacted.
    """
    url = log or (config.log if config is not None else "")
    with open_log(url) as asked:
        name = session or _last_open(asked, config.name if config is not None else "")
        opened = opening(asked, name)
    used = config or from_mapping(json.loads(opened.config), base=base)
    with _writing(url, used) as store:
        recorded: Iterator[bytes] | None = None

        def put(number: int, record: bytes) -> None:
            nonlocal recorded
            if recorded is None:
                recorded = store.read(name, number - 1)
            before = next(recorded, None)
            if before is None:
                store.append(name, number, [record])
            elif before != record:
                _explain_difference(name, number, before, record)

        return _play(used, store, url, opened.code, name, put, progress, policy, snapshots=snapshots)


def _writing(url: str, config: SessionConfig, *, create: bool = False) -> EventLog:
    """The log as a session writes to it: beside the engine's thread, unless orders wait for its word."""
    store = open_log(url, create=create)
    return store if config.commit.release == "after_commit" else BackgroundLog(store)


def verify(
    store: EventLog,
    session: str,
    *,
    config: SessionConfig | None = None,
    base: Path | None = None,
    recorded_code: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> VerifyResult:
    """Re-enact a session with today's code (and today's limits and strategies, when `config` is given) and compare every decision.

    Users' strategy files are found from `base`, `recorded_code` runs their recorded source instead.
    """
    check_fresh()
    sources: dict[str, str] = {}
    rule_sources: dict[str, str] = {}
    started = time.perf_counter()

    def build(opened: SessionOpened) -> Sequence[Strategy]:
        made: list[Strategy] = []
        for spec in opened.strategies:
            loaded, sources[spec.name] = resolve_recorded(spec, base or (config.base if config is not None else Path()), recorded=recorded_code)
            made.append(instantiate(loaded, json.loads(spec.params)))
        return made

    def rules(opened: SessionOpened) -> Sequence[Rule]:
        made, said = resolve_recorded_rules(opened.rules, base or (config.base if config is not None else Path()), recorded=recorded_code)
        rule_sources.update(said)
        return made

    replay = Replay(session, build, (lambda opened: amended(opened, config)) if config is not None else None, rules)
    problem: ReplayDiverged | None = None
    with blamed():
        try:
            for at in replay.follow(store.read(session)):
                if progress is not None:
                    progress(at.ticks, at.last_ns)
        except ReplayDiverged as e:
            problem = e
    at = replay.progress
    if problem is None and not at.commits:
        raise LogCorrupt("there is no such session in the log", session=session, remedy="See `reenact sessions`.")
    seconds = time.perf_counter() - started
    return VerifyResult(
        session=session, ok=problem is None, closed=at.closed, commits=at.commits, events=at.events, ticks=at.ticks, last_seq=at.seq,
        head=at.head.hex(), seconds=round(seconds, 3), ticks_per_s=round(at.ticks / seconds) if seconds else 0, strategies=sources, rules=rule_sources,
        diverged_seq=problem.seq if problem else 0, expected=problem.expected if problem else None, actual=problem.actual if problem else None,
        problem=str(problem) if problem else "",
    )  # fmt: skip


def opening(store: EventLog, session: str) -> SessionOpened:
    """The first event of a session. Raises LogCorrupt when there is none."""
    first = next(store.read(session, 0, 1), None)
    if first is None:
        raise LogCorrupt("there is no such session in the log", session=session, remedy="See `reenact sessions`.")
    events = decode(first, session=session, number=1).events
    if not events or not isinstance(events[0], SessionOpened):
        raise LogCorrupt("the session does not begin with its opening", session=session, commit=1)
    return events[0]


def amended(opened: SessionOpened, config: SessionConfig) -> SessionOpened:
    """The recorded opening with today's limits, rules, strategies and control settings."""
    return msgspec.structs.replace(
        opened, limits=config_units.build_limits(config, opened.instruments), strategies=_specs(config, opened.instruments),
        rules=tuple(own.spec for own in config.own_rules), control=config.control.settings(),
    )  # fmt: skip


class Prepared(NamedTuple):
    """A session that may begin: its loop, its venue, its feed from the first input on, and the feeds behind that."""

    runtime: Runtime
    venue: SimulatedVenue | LyingVenue
    feed: Iterator[Ticks | FeedInput]
    merged: MergedFeed


def prepare(
    config: SessionConfig,
    name: str,
    code: str,
    put: Callable[[int, bytes], None],
    *,
    policy: CommitPolicy | None = None,
    progress: OnProgress | None = None,
    amend: Callable[[SessionOpened], SessionOpened] | None = None,
) -> Prepared:
    """Put together what a configuration describes. `amend` may give the session another opening, with other limits, say."""
    check_fresh()
    instruments = config_units.build_instruments(config)
    merged = MergedFeed([feed.reader(instruments) for feed in config.feeds])
    blocks = merged.blocks()
    first = next(blocks, None)
    first_ns = 0 if first is None else int(first.recv_ns[0]) if isinstance(first, Ticks) else first.ns
    specs = _specs(config, instruments)
    # Loaded anew, so that nothing survives from one session to the next.
    own_rules = resolve_rules([own.spec.target for own in config.own_rules], config.base)
    opened = SessionOpened(
        first_ns, 0, name, "simulated", code, canonical_json(config), config.seed, instruments,
        config_units.build_limits(config, instruments), specs, config_units.build_balances(config, instruments),
        tuple(own.spec for own in own_rules), config.control.settings(),
    )  # fmt: skip
    _check_effective(opened)
    if amend is not None:
        opened = amend(opened)
    strategies = [instantiate(resolve(c.use, config.base), json.loads(s.params)) for c, s in zip(config.strategies, specs, strict=True)]
    venue = config.venue.venue(instruments, config.seed)
    commands = build_commands(config.operators, About(instruments, [s.name for s in specs], config.risk_rules, first_ns))
    hours, minutes = map(int, config.day_roll.split(":"))
    runtime = Runtime(
        opened, strategies, venue, put, commands=commands, day_roll_ns=(hours * 60 + minutes) * 60 * 10**9,
        stop_on_bad_row=config.on_bad_row == "stop", policy=policy or _policy(config), progress=progress,
        rules=[own.rule for own in own_rules if own.spec in opened.rules],
    )  # fmt: skip
    return Prepared(runtime, venue, _again(first, blocks), merged)


def _play(
    config: SessionConfig,
    store: EventLog,
    url: str,
    code: str,
    name: str,
    put: Callable[[int, bytes], None],
    progress: OnProgress | None,
    policy: CommitPolicy | None,
    pace: float = 0,
    snapshots: Snapshots | None = None,
) -> RunSummary:
    started = time.perf_counter()
    ready = prepare(config, name, code, put, policy=policy, progress=progress)
    runtime, feed = ready.runtime, ready.feed
    with blamed():
        if snapshots is not None:
            files = [path for feed_config in config.feeds for path in getattr(feed_config, "paths", ())]
            feed = snapshots.around(runtime, ready.merged, store, files)
        runtime.run(paced(feed, pace) if pace else feed)
    if isinstance(store, BackgroundLog):
        store.flush()
    return _summary(runtime, url, time.perf_counter() - started)


def _policy(config: SessionConfig) -> CommitPolicy:
    c = config.commit
    return CommitPolicy(c.ticks, c.events, NEVER if c.span is None else c.span, c.release == "after_commit")


def _again(first: Ticks | FeedInput | None, rest: Iterator[Ticks | FeedInput]) -> Iterator[Ticks | FeedInput]:
    return rest if first is None else chain([first], rest)


def _summary(runtime: Runtime, url: str, seconds: float) -> RunSummary:
    desk = runtime.engine.desk
    state = desk.state
    realised: dict[str, str] = {}
    fees: dict[str, str] = {}
    equity: dict[str, str] = {}
    for currency, digits in sorted(state.digits.items()):
        held = [p for p, i in zip(state.positions, state.instruments, strict=True) if i.settle == currency]
        flows = sum(p.cash for p in held)
        opening_amt = sum(b.amt * 10 ** (digits - b.digits) for b in runtime.opened.balances if b.currency == currency)
        realised[currency] = to_text(sum(p.realised_amt() for p in held), digits)
        fees[currency] = to_text(opening_amt + flows - state.cash[currency], digits)
        equity[currency] = to_text(desk.equity(currency), digits)
    stopped = runtime.stopped
    return RunSummary(
        session=runtime.opened.session, log=url, ticks=runtime.counts.ticks, orders=desk.sent_n, fills=state.fills, denials=desk.denied_n,
        refused=runtime.counts.refused, realised=realised, fees=fees, equity=equity, head=runtime.journal.prev.hex(),
        commits=runtime.counts.commits, events=runtime.journal.seq, seconds=round(seconds, 3), ticks_per_s=round(runtime.counts.ticks / seconds) if seconds else 0,
        stopped=f"{stopped.place}: {stopped.reason}" if stopped is not None else "",
    )  # fmt: skip


def _check_effective(opened: SessionOpened) -> None:
    """Raise ConfigInvalid when limits that are to hold only later would bind the session from its opening on."""
    for limit in opened.limits:
        if limit.effective_ns > opened.ns:
            said = f"the limits hold from {time_text(limit.effective_ns)} on, but the session begins before that, at {time_text(opened.ns)}"
            raise ConfigInvalid([("limits.effective", f"{said}; open it with the limits that hold then, and change them by an [[operator]] row")])


def _specs(config: SessionConfig, instruments: Sequence[Instrument]) -> tuple[StrategySpec, ...]:
    symbols = [i.symbol for i in instruments]
    specs = []
    for c in config.strategies:
        loaded = resolve(c.use, config.base)
        wanted = tuple(symbols.index(s) for s in c.instruments or symbols)
        params = json.dumps(c.params, sort_keys=True, separators=(",", ":"))
        sizing = c.sizing.settings([instruments[i] for i in wanted]) if c.sizing is not None else None
        specs.append(StrategySpec(c.name, loaded.target, loaded.sha256, loaded.source, params, wanted, c.bars or 0, c.bar_exclude, c.owner, sizing))
    return tuple(specs)


def _free_name(store: EventLog, name: str) -> str:
    """The configuration's name with the next free number, so that a run never touches an older session."""
    taken = set(store.sessions())
    n = 1
    while f"{name}-{n}" in taken:
        n += 1
    return f"{name}-{n}"


def _last_open(store: EventLog, name: str) -> str:
    """The newest session that has not ended (of the configuration's name, where one is given)."""
    for session in reversed(store.sessions()):
        if name and session.rsplit("-", 1)[0] != name:
            continue
        head = store.head(session)
        if head is not None and not _ended(session, head):
            return session
    raise LogCorrupt("no session in the log is waiting to be resumed", remedy="See `reenact sessions`; name one with --session.")


def _ended(session: str, head: tuple[int, bytes]) -> bool:
    events = decode(head[1], session=session, number=head[0]).events
    return bool(events) and isinstance(events[-1], SessionClosed)


def _explain_difference(session: str, number: int, before: bytes, now: bytes) -> None:
    """Raise for the first event in which the recorded commit differs from the one made now."""
    for (seq, expected), (_, actual) in zip(decode(before, session=session, number=number).items(), decode(now).items(), strict=False):
        if expected != actual:
            raise ReplayDiverged(session, seq, expected, actual)
    raise LogCorrupt(
        f"the recorded commit ends elsewhere than today's (hash {digest(before).hex()[:16]}): it was written with another commit size",
        session=session, commit=number, remedy="Resume with the commit size of the first run.",
    )  # fmt: skip
