"""Decides how sessions are run, finished and proven from a command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from domain.errors import FeedInvalid, LogCorrupt, LogGap, ReplayDiverged
from domain.events import Event
from reenact.cli.frame import F, example, json_option
from reenact.cli.output import clean, show_json, show_pairs, show_rows
from reenact.cli.progress import Meter
from reenact.config import DEFAULT_LOG, load
from reenact.differences import Difference, differences, told
from reenact.explain import why
from reenact.logs import FORMS, SessionLog, open_log

if TYPE_CHECKING:
    from adapters.logs import EventLog
    from reenact.compose import RunSummary, VerifyResult
    from reenact.config import SessionConfig
    from reenact.runtime import Counts
    from reenact.snapshots import Snapshots

FAILED = 1
_progress = click.option("--no-progress", is_flag=True, help="Show no progress.")


def _snapshot_options(command: F) -> F:
    """`--snapshots` and `--snapshot-every`: a local cache of states beside the log."""
    command = click.option(
        "--snapshot-every", "every", type=click.IntRange(min=1), default=1_000, show_default=True, metavar="N", help="Commits from one to the next."
    )(command)
    return click.option(
        "--snapshots", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        help="Keep states of the session in this folder, so that resuming costs what came after the last one.",
    )(command)  # fmt: skip


def _snapshots(folder: Path | None, every: int) -> Snapshots | None:
    if folder is None:
        return None
    from reenact.snapshots import Snapshots

    return Snapshots(folder, every, note=lambda sentence: click.echo(clean(sentence), err=True))


def _watch(meter: Meter) -> Callable[[Counts, int], None]:
    return lambda counts, ns: meter.at(counts.ticks, ns)


@click.command(epilog=example("reenact run session.toml", "reenact run session.toml --log sqlite://runs/today.db --session morning"))
@click.argument("config", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option("--log", "log", metavar="URL", default="", help=f"The log, instead of the configuration's: {FORMS}.")
@click.option("--session", "session", metavar="NAME", default="", help="The session's name; else the configuration's with the next free number.")
@click.option(
    "--pace", type=click.FloatRange(min=0), default=0.0, metavar="X", help="Play the feed at X times its recorded speed; else as fast as it goes."
)
@_snapshot_options
@json_option
@_progress
def run(config: Path, log: str, session: str, pace: float, folder: Path | None, every: int, as_json: bool, no_progress: bool) -> None:
    """Run a session from a configuration file, recording everything."""
    loaded = load(config)
    from reenact import compose

    with Meter("running", quiet=no_progress) as meter:
        summary = compose.run(loaded, log=log, session=session, pace=pace, progress=_watch(meter), snapshots=_snapshots(folder, every))
    _show_summary(summary, as_json)


@click.command(epilog=example("reenact resume", "reenact resume --session spy-sma-1 --config session.toml"))
@click.option("--log", "log", metavar="URL", default="", help=f"The log; else the configuration's, else {DEFAULT_LOG}.")
@click.option("--session", "session", metavar="NAME", default="", help="The session; else the newest one that has not ended.")
@click.option(
    "--config",
    "config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The configuration; else the recorded one, its paths relative to here.",
)
@_snapshot_options
@json_option
@_progress
def resume(log: str, session: str, config: Path | None, folder: Path | None, every: int, as_json: bool, no_progress: bool) -> None:
    """Finish a simulated session that was cut off.

    The recorded part is re-enacted and compared first; nothing is appended unless it is reached exactly. With --snapshots only the part
    after the newest snapshot that fits is: `reenact verify` is what proves the whole.
    """
    from reenact import compose

    loaded = load(config) if config is not None else None
    address = log or (loaded.log if loaded is not None else DEFAULT_LOG)
    with open_log(address) as store:
        if session or not store.sessions():
            SessionLog(store, session or None)
    with Meter("resuming", quiet=no_progress) as meter:
        summary = compose.resume(loaded, log=address, session=session, progress=_watch(meter), base=Path.cwd(), snapshots=_snapshots(folder, every))
    _show_summary(summary, as_json)


def _show_summary(s: RunSummary, as_json: bool) -> None:
    """Show the summary; a session that a bad row stopped is a mistake for its feed's owner to mend."""
    if as_json:
        show_json(s)
    else:
        _show_pairs(s)
    if s.stopped:
        remedy = 'mend the row and run again, or set on_bad_row = "continue" to record bad rows and go on'
        raise FeedInvalid(f"the session stopped at a row that cannot be read: {s.stopped}", remedy=f"Everything before it is in the log; {remedy}.")


def _show_pairs(s: RunSummary) -> None:
    pairs = [
        ("Session", s.session), ("Log", s.log), ("Ticks", f"{s.ticks:,}"), ("Orders", f"{s.orders:,}"), ("Fills", f"{s.fills:,}"),
        ("Denials", f"{s.denials:,}"), *((f"Realised {c}", v) for c, v in s.realised.items()), *((f"Fees {c}", v) for c, v in s.fees.items()),
        *((f"Equity {c}", v) for c, v in s.equity.items()), ("Events", f"{s.events:,} in {s.commits:,} commits"), ("Head hash", s.head),
        ("Speed", f"{s.ticks_per_s:,} ticks/s ({s.seconds} s)"),
    ]  # fmt: skip
    if s.refused:
        pairs.append(("Refused rows", f"{s.refused:,}"))
    show_pairs(pairs)


@click.command(epilog=example("reenact verify spy-sma-1", "reenact verify --all", "reenact verify spy-sma-1 --config changed.toml"))
@click.argument("session", metavar="[SESSION]", required=False)
@click.option(
    "--config",
    "config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Use this configuration's limits, rules and strategies: what would differ?",
)
@click.option("--recorded-code", is_flag=True, help="Run the recorded source of users' strategies and rules, not today's files.")
@click.option("--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help=f"The log: {FORMS}.")
@click.option("--all", "every", is_flag=True, help="Every session of the log.")
@json_option
@_progress
def verify(session: str | None, config: Path | None, recorded_code: bool, log: str, every: bool, as_json: bool, no_progress: bool) -> None:
    """Re-enact a session and compare every decision.

    Without a name, the latest session. Users' strategy and rule files are looked for beside --config, else in the current folder; a file that is
    not there is replaced by its recorded source.

    Exit code 0: every recorded decision was reached again. 1: something differs, or the log is damaged; the first place is named.
    """
    if every and session is not None:
        raise click.UsageError("name a session or say --all, not both.")
    loaded = load(config) if config is not None else None
    with open_log(log) as store:
        names = store.sessions() if every else [SessionLog(store, session).name]
        results = [_verify_one(store, name, loaded, recorded_code=recorded_code, quiet=no_progress) for name in names]
    if as_json:
        show_json(results if every else results[0])
    else:
        if not results:
            click.echo("The log holds no session yet.")
        for result in results:
            _show_verdict(result)
    if not all(r.ok for r in results):
        raise click.exceptions.Exit(FAILED)


class Verdict(msgspec.Struct, frozen=True):
    """One session's result in words that people and programs read.

    `differences`: the first differing event, field by field, recorded and today; `causes`: the chain that led to it.
    """

    session: str
    ok: bool
    closed: bool = False
    commits: int = 0
    events: int = 0
    ticks: int = 0
    last_seq: int = 0
    head: str = ""
    seconds: float = 0.0
    ticks_per_s: int = 0
    strategies: dict[str, str] = {}
    rules: dict[str, str] = {}
    problem: str = ""
    damaged_commit: int = 0
    diverged_seq: int = 0
    expected: dict[str, str] = {}
    actual: dict[str, str] = {}
    differences: list[Difference] = []
    causes: list[str] = []


def _verify_one(store: EventLog, name: str, config: SessionConfig | None, *, recorded_code: bool, quiet: bool) -> Verdict:
    from reenact import compose

    with Meter(f"verifying {name}", quiet=quiet) as meter:
        try:
            base = config.base if config is not None else Path.cwd()
            result = compose.verify(store, name, config=config, base=base, recorded_code=recorded_code, progress=meter.at)
        except (LogCorrupt, LogGap) as e:
            return Verdict(session=name, ok=False, damaged_commit=e.commit, problem=str(e))
    same = {f: getattr(result, f) for f in ("commits", "events", "ticks", "last_seq", "head", "seconds", "ticks_per_s", "strategies", "rules")}
    if result.ok:
        return Verdict(session=name, ok=True, closed=result.closed, **same)
    error = ReplayDiverged(name, result.diverged_seq, result.expected, result.actual)
    return Verdict(
        session=name, ok=False, **same, problem=told(error), diverged_seq=result.diverged_seq, expected=_fields_of(result.expected),
        actual=_fields_of(result.actual), differences=differences(result.expected, result.actual), causes=_causes(store, name, result),
    )  # fmt: skip


def _fields_of(event: object) -> dict[str, str]:
    """An event's type and fields as they stand in the log; nothing for None."""
    if not isinstance(event, msgspec.Struct):
        return {}
    return {"type": type(event).__name__} | {name: str(getattr(event, name)) for name in event.__struct_fields__}


def _causes(store: EventLog, name: str, result: VerifyResult) -> list[str]:
    """What led to the recorded event, or to the one that today's code would put there."""
    event = result.expected if result.expected is not None else result.actual
    cause = event.cause if isinstance(event, Event) else 0
    return [f"{step.seq}  {step.time}  {step.text}" for step in why(SessionLog(store, name), str(cause)).chain] if cause else []


def _show_verdict(v: Verdict) -> None:
    if not v.ok:
        click.echo(f"FAILED  {clean(v.problem)}")
        if v.damaged_commit:
            return
        click.echo(f"        {v.commits:,} commits up to event {v.last_seq:,} are as recorded.")
        show_rows(v.differences, empty="", columns={"field": "Field", "recorded": "Recorded", "today": "Today"})
        for cause in v.causes:
            click.echo(f"        led to it: {clean(cause)}")
        return
    end = "closed" if v.closed else f"not closed: a valid part of a session, up to event {v.last_seq:,} (`reenact resume` goes on from there)"
    click.echo(f"OK      session {v.session}: {v.events:,} events in {v.commits:,} commits reached again, byte for byte; {end}.")
    click.echo(f"        head {v.head}, {v.ticks:,} ticks at {v.ticks_per_s:,}/s")
    for name, where in v.strategies.items():
        click.echo(f"        strategy {clean(name)}: {clean(where)}")
    for rule, where in v.rules.items():
        click.echo(f"        rule {clean(rule)}: {clean(where)}")
