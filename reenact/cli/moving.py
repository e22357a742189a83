"""Decides how sessions move: copied from log to log, and shown live while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from adapters.rules import Row
from domain.errors import LogUnavailable
from domain.events import SessionClosed
from reenact import queries
from reenact.cli.frame import example, json_option, log_options
from reenact.cli.output import clean, json_lines, note, show_json, show_rows
from reenact.cli.progress import Meter
from reenact.logs import SessionLog, open_log

if TYPE_CHECKING:
    from adapters.logs import EventLog
    from reenact.tailing import Tail

_LOOK_S = 0.2
_AGAIN_S = 1.0
_LAST = 2**63


@click.command(epilog=example("reenact copy sqlite://runs/reenact.db postgresql://ann@db:5432/trading --all --json"))
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--session", "names", metavar="NAME", multiple=True, help="This session; may be repeated. The latest one if left out.")
@click.option("--all", "every", is_flag=True, help="Every session of the log.")
@click.option("--no-progress", is_flag=True, help="Show no progress.")
@json_option
def copy(source: str, target: str, names: tuple[str, ...], every: bool, no_progress: bool, as_json: bool) -> None:
    """Copy sessions from one log to another, and prove what arrived.

    FROM and TO are addresses of logs of any kind. A copy that was interrupted goes on where it stopped; a session that the target holds
    with another history is refused, and the first commit that differs is named.
    """
    from reenact.copying import copy_session

    if every and names:
        raise click.UsageError("name sessions or say --all, not both.")
    copied = []
    with open_log(source) as one, open_log(target, create=True) as other:
        wanted = one.sessions() if every else [SessionLog(one, name).name for name in names or (None,)]
        for name in wanted:
            with Meter(f"copying {name}", "events", quiet=no_progress) as meter:
                copied.append(copy_session(one, other, name, meter.at))
    if as_json:
        show_json(copied)
        return
    columns = {"session": "Session", "commits": "Commits", "events": "Events", "written": "Written now", "head": "Head hash"}
    show_rows(copied, empty="The log holds no session yet.", columns=columns)
    for each in copied:
        if each.ahead:
            note(f"Session {each.session}: the target holds {each.ahead:,} commits more; they follow what was compared.")


def beginning(ctx: click.Context, option: click.Parameter, text: str) -> int:
    """An option that is start, end or the number of an event."""
    if text in ("start", "end"):
        return 1 if text == "start" else _LAST
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < _LAST):
        raise click.BadParameter(f"{text!r} is no place to begin; write start, end or the number of an event.", ctx, option)
    return int(text)


@click.command(epilog=example("reenact tail", "reenact tail --wait --from start --type OrderFilled", "reenact tail --json --ticks"))
@click.option("--from", "first", metavar="start|end|SEQ", default="end", show_default=True, callback=beginning, help="Where to begin.")
@click.option("--type", "types", metavar="NAME", multiple=True, help="Only this type (OrderFilled or its tag fill); may be repeated.")
@click.option("--ticks", is_flag=True, help="Each tick; else one line for a run of them.")
@click.option("--wait", is_flag=True, help="Wait for a session that has not ended, if there is none yet.")
@log_options
def tail(first: int, types: tuple[str, ...], ticks: bool, wait: bool, log: str, session: str | None, as_json: bool) -> None:
    """Show a running session live, event by event as they are committed.

    Ends when the session does, or with Ctrl-C. Nothing waits for it: the session runs on, however slowly this is read.
    """
    from reenact.tailing import Tail, Wanted, told

    kinds = queries.kinds_of(types)
    shown = 0
    with _followed(log, session, wait=wait) as (one, waited), ExitStack() as before:
        last = one.last()[0].last_seq
        if first == _LAST:
            first = 1 if waited else last + 1
        meter = before.enter_context(Meter("reading what is there already", "events"))

        def watch(seq: int, ns: int) -> None:
            meter.at(seq, ns)
            if seq >= last:
                before.close()

        follower = Tail(one.log, one.name, Wanted(first, kinds, ticks), watch)
        for row in _enduring(follower):
            before.close()
            shown += 1
            if as_json:
                json_lines([row])
            else:
                click.echo(clean(told(row)))
    if not shown:
        note("The session has ended; nothing came that was asked for. --from start shows it from its first event.")


def _enduring(follower: Tail) -> Iterator[Row]:
    """The rows, also after the log was away for a while; why it is away is said once."""
    said = ""
    while not follower.closed:
        try:
            for row in follower.rows():
                said = ""
                yield row
        except LogUnavailable as e:
            if said != str(e):
                said = str(e)
                note(f"{said} Trying again until it is there; Ctrl-C ends.")
            time.sleep(_AGAIN_S)


@contextmanager
def _followed(log: str, session: str | None, *, wait: bool) -> Iterator[tuple[SessionLog, bool]]:
    """The session that is followed, and whether it had to be waited for."""
    with ExitStack() as stack:
        told = False

        def pause() -> None:
            nonlocal told
            if not told:
                note("Waiting for a session; Ctrl-C ends.")
            told = True
            time.sleep(_LOOK_S)

        store = _opened(log, pause if wait else None)
        stack.enter_context(store)
        while wait and not _running(store, session):
            pause()
        yield SessionLog(store, session), told


def _opened(log: str, pause: Callable[[], None] | None) -> EventLog:
    while True:
        try:
            return open_log(log)
        except LogUnavailable:
            if pause is None:
                raise
            pause()


def _running(store: EventLog, session: str | None) -> bool:
    """Whether the session, or the newest one, is there; one without a name must not have ended."""
    names = store.sessions()
    if session is not None or not names:
        return session in names
    last, _ = SessionLog(store, names[-1]).last()
    return not (last.events and isinstance(last.events[-1], SessionClosed))
