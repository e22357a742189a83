"""Decides how questions to a session's log are asked on a command line and how the answers are laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

import click

from adapters.sentences import sentence
from adapters.times import parse_time
from reenact import queries
from reenact.cli.frame import example, json_option, log_options
from reenact.cli.output import clean, json_lines, note, show_json, show_pairs, show_rows, title
from reenact.cli.progress import Meter
from reenact.config import DEFAULT_LOG
from reenact.explain import Step, Why
from reenact.explain import why as explain_why
from reenact.explain import why_not as explain_why_not
from reenact.limiting import LimitRow
from reenact.logs import FORMS, SessionLog, open_log
from reenact.moment import LossRow, Moment, moment

_STATUS = {"status": {"filled": "green", "denied": "red", "rejected": "red", "unknown": "red bold", "canceled": "dim", "expired": "dim"}}
_GATE = {"gate": {"denied": "red", "held": "dim"}}


@contextmanager
def reading(log: str, session: str | None) -> Iterator[SessionLog]:
    """The session that a command asks, with progress while it is read."""
    with open_log(log) as store, Meter("reading", "events") as meter:
        yield SessionLog(store, session, meter.at)


def time_of(ctx: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """An option that is an ISO time."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as e:
        raise click.BadParameter(f"{e}.", ctx, option) from e


def seqs_of(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[int | None, int | None]:
    """An option A:B, either end open, or a single number."""
    if text is None:
        return None, None
    first, colon, last = text.partition(":")
    ends = (first, last if colon else first)
    if not any(ends) or any(end and not (end.isascii() and end.isdecimal()) for end in ends):
        raise click.BadParameter(f"{text!r} is no range of event numbers; write A:B, A: or :B.", ctx, option)
    low, high = (int(end) if end else None for end in ends)
    return low, high


@click.command(epilog=example("reenact why last", "reenact why sim-12", "reenact why 48211 --json"))
@click.argument("target", metavar="ORDER|EVENT")
@log_options
def why(target: str, log: str, session: str | None, as_json: bool) -> None:
    """Tell why an order (its id, first or last) or an event (its number) happened.

    The chain goes back to the tick (or command) it began with; every risk rule is shown with the numbers it compared.
    """
    with reading(log, session) as one:
        answer = explain_why(one, target)
    if as_json:
        show_json(answer)
    else:
        _tell(answer)


def _tell(answer: Why) -> None:
    title(f"Why {answer.asked} (session {answer.session})")
    decided = [i for i, step in enumerate(answer.chain) if step.checks]
    for depth, step in enumerate(answer.chain):
        _step(step, "  " * depth, every=depth == (decided[-1] if decided else -1))
    if answer.effects:
        click.echo()
        title("What followed")
        for step in answer.effects:
            _step(step, "", every=False)
        if answer.effects_total > len(answer.effects):
            note(f"… and {answer.effects_total - len(answer.effects)} events more.")


def _step(step: Step, indent: str, *, every: bool) -> None:
    """One event; with `every`, all its checks, else only those that failed."""
    click.echo(f"{indent}{step.seq:>8}  {step.time}  {step.type:<20}  {clean(step.text)}")
    market = {}
    for check in step.checks:
        if check.passed and not every:
            continue
        word = "passed" if check.passed else "FAILED"
        numbers = f"{check.observed} against {check.limit} {check.unit}".rstrip()
        seen = f", by event {check.seen}" if check.seen else ""
        limit = f"  [limit {check.limit_id}, version {check.limit_version}, {check.scope}]" if check.limit_id else ""
        click.echo(f"{indent}{'':>10}{word}  {check.rule:<6} {check.code:<16} {numbers}{seen}{limit}")
        if check.seen:
            market[check.seen] = check.market
    for seq, text in market.items():
        click.echo(f"{indent}{'':>10}event {seq}: {clean(text)}")


@click.command("why-not", epilog=example("reenact why-not --strategy sma --limit 20"))
@click.option("--strategy", metavar="NAME", help="Only this strategy's signals.")
@click.option("--instrument", metavar="SYMBOL", help="Only signals on this instrument.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, the newest.")
@log_options
def why_not(strategy: str | None, instrument: str | None, limit: int, log: str, session: str | None, as_json: bool) -> None:
    """List the signals that led to no order.

    Each comes with the gate that stopped it and the numbers compared there.
    """
    with reading(log, session) as one:
        rows, total = explain_why_not(one, strategy=strategy, instrument=instrument, limit=limit)
    if as_json:
        show_json({"total": total, "signals": rows})
        return
    columns = {
        "seq": "Event", "time": "Time", "strategy": "Strategy", "instrument": "Instrument", "side": "Side", "qty": "Qty", "gate": "Gate",
        "reason": "Reason", "observed": "Observed", "limit": "Limit", "unit": "Unit",
    }  # fmt: skip
    show_rows(rows, empty="Every signal led to an order.", columns=columns, tones=_GATE)
    if total > len(rows):
        note(f"The newest {len(rows)} of {total} are shown; --limit shows more.")


@click.command(epilog=example("reenact at 2013-10-07T14:30:00Z", "reenact at 48211"))
@click.argument("when", metavar="SEQ|TIME")
@log_options
def at(when: str, log: str, session: str | None, as_json: bool) -> None:
    """Show the state of everything after an event, or at a time."""
    with reading(log, session) as one:
        answer = moment(one, when)
    if as_json:
        show_json(answer)
    else:
        _show_moment(answer)


def _show_moment(m: Moment) -> None:
    show_pairs([
        ("Session", m.session), ("After event", m.seq), ("Time", m.time), ("Trading", m.trading), ("Day", m.day or "-"),
        ("Cash", ", ".join(f"{amt} {c}" for c, amt in m.cash.items()) or "-"), ("Orders so far", m.orders),
        ("Feeds lost for", ", ".join(m.lost_feeds) or "-"), ("Waiting for a second person", "; ".join(m.waiting) or "-"),
    ])  # fmt: skip
    market = {"instrument": "Instrument", "trade": "Last trade", "trade_at": "At", "bid": "Bid", "ask": "Ask", "quote_at": "At", "close": "Bar close"}
    sections: list[tuple[str, Callable[[], None]]] = [
        ("Market", lambda: show_rows(m.market, empty="none", columns=market)),
        ("Positions", lambda: show_rows(m.positions, empty="none", columns=_POSITIONS)),
        ("Working orders", lambda: show_rows(m.working, empty="none", columns=_ORDERS, tones=_STATUS)),
        ("Profit and loss", lambda: show_rows(m.pnl, empty="none", columns=_PNL)),
        ("Halts", lambda: show_rows(m.halts, empty="none: everything may trade", columns=_HALTS, tones=_STATES)),
        ("Limits", lambda: show_limits(m.limits)),
        ("Losses", lambda: _show_losses(m.losses)),
        ("Timers", lambda: show_rows(m.timers, empty="none", columns={"strategy": "Strategy", "name": "Timer", "due": "Due"})),
    ]
    for heading, show in sections:
        click.echo()
        title(heading)
        show()
    click.echo()
    title("Strategy parameters")
    show_pairs(m.params.items())


def _show_losses(losses: Sequence[LossRow]) -> None:
    """Loss limits in force, a line for each, with the price that trips it."""
    rows = [
        {
            "rule": r.rule, "key": r.key, "binds": r.place, "loss": r.loss or "no price", "limit": r.limit or "no peak", "currency": r.currency,
            "state": "tripped" if r.latched else "", "trips": f"{r.instrument} at {r.trips_at} or {r.beyond}" if r.trips_at else "",
        }
        for r in losses
    ]  # fmt: skip
    columns = {
        "rule": "Rule", "key": "Limit of", "binds": "Binds", "loss": "Loss so far", "limit": "Limit", "currency": "Currency", "state": "State",
        "trips": "Trips",
    }  # fmt: skip
    show_rows(rows, empty="none: no loss is limited", columns=columns, tones={"state": {"tripped": "red"}})


@click.command(epilog=example("reenact events --type OrderFilled --instrument SPY", "reenact events --seq 48000:48250 --json"))
@click.option("--type", "types", metavar="NAME", multiple=True, help="Only this type (OrderFilled or its tag fill); may be repeated.")
@click.option("--instrument", metavar="SYMBOL", help="Only events about this instrument.")
@click.option("--order", metavar="ID", help="Only events about this order.")
@click.option("--from", "from_ns", metavar="TIME", callback=time_of, help="Received at or after this ISO time.")
@click.option("--to", "to_ns", metavar="TIME", callback=time_of, help="Received at or before this ISO time.")
@click.option("--seq", "seqs", metavar="A:B", callback=seqs_of, help="Event numbers from A to B.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="At most so many, the first ones; 0 means all.")
@log_options
def events(
    types: tuple[str, ...], instrument: str | None, order: str | None, from_ns: int | None, to_ns: int | None,
    seqs: tuple[int | None, int | None], limit: int, log: str, session: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List events, ticks included. With --json, one JSON object a line."""
    wanted = queries.EventFilter(types, instrument, order, from_ns, to_ns, *seqs)
    with reading(log, session) as one:
        found = queries.events(one, wanted)
        shown = islice(found, limit) if limit else found
        if as_json:
            json_lines(shown)
        else:
            n = 0
            for row in shown:
                n += 1
                click.echo(f"{row['seq']:>8}  {row['time']:<30}  {row['type']:<22}  {clean(sentence(row))}")
            if not n:
                click.echo("No event passes the filter.")
        if limit and next(found, None) is not None:
            note(f"The first {limit} are shown; --limit 0 shows all.")


_ORDERS = {
    "cl_ord_id": "Order", "time": "Time", "strategy": "Strategy", "instrument": "Instrument", "side": "Side", "type": "Type", "qty": "Qty",
    "limit": "Limit", "stop": "Stop", "time_in_force": "TIF", "status": "Status", "filled": "Filled", "average": "Average", "reason": "Reason",
}  # fmt: skip


@click.command(epilog=example("reenact orders --status denied", "reenact orders --working --json"))
@click.option("--status", metavar="STATUS", help="Only orders with this status: filled, canceled, denied, …")
@click.option("--instrument", metavar="SYMBOL", help="Only orders on this instrument.")
@click.option("--strategy", metavar="NAME", help="Only this strategy's orders.")
@click.option("--working", is_flag=True, help="Only orders that may still trade.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="At most so many, the newest; 0 means all.")
@log_options
def orders(
    status: str | None, instrument: str | None, strategy: str | None, working: bool, limit: int, log: str, session: str | None, as_json: bool
) -> None:
    """List orders, those that our own rules denied included."""
    with reading(log, session) as one:
        rows = queries.orders(one, status=status and status.lower(), instrument=instrument, strategy=strategy, working=working)
    shown = rows[-limit:] if limit else rows
    if as_json:
        show_json({"total": len(rows), "orders": shown})
        return
    show_rows(shown, empty="No such order.", columns=_ORDERS, tones=_STATUS)
    if len(shown) < len(rows):
        note(f"The newest {len(shown)} of {len(rows)} are shown; --limit 0 shows all.")


_POSITIONS = {
    "instrument": "Instrument", "strategy": "Strategy", "qty": "Qty", "average": "Average", "realised": "Realised", "currency": "Currency",
    "fees": "Fees", "fills": "Fills", "last_seq": "Last event",
}  # fmt: skip


@click.command(epilog=example("reenact positions", "reenact positions --by-strategy --json"))
@click.option("--by-strategy", is_flag=True, help="Each strategy's own positions.")
@log_options
def positions(by_strategy: bool, log: str, session: str | None, as_json: bool) -> None:
    """Show what the session holds.

    Average prices are exact up to the last digit shown; realised profit is before fees.
    """
    with reading(log, session) as one:
        rows = queries.positions(one, by_strategy=by_strategy)
    if as_json:
        show_json(rows)
    else:
        show_rows(rows, empty="No position was ever held.", columns=_POSITIONS)


_PNL = {
    "currency": "Currency", "opening": "Opening", "realised": "Realised", "unrealised": "Unrealised", "fees": "Fees", "funding": "Funding",
    "adjusted": "Adjusted", "equity": "Equity", "peak": "Peak", "max_drawdown": "Max drawdown",
}  # fmt: skip
_HALTS = {"place": "Place", "state": "State", "rule": "Rule", "reason": "Reason", "since": "Since", "seq": "Event", "until": "Until"}
_STATES = {"state": {"KILLED": "red bold", "HALTED": "red", "REDUCE_ONLY": "yellow"}}


def show_limits(limits: Sequence[LimitRow]) -> None:
    """Limits in force, a line for each."""
    rows = [
        {
            "id": r.id, "rule": r.rule, "code": r.code, "binds": f"{r.scope} {', '.join(r.members)}".rstrip(), "values": values_text(r.values),
            "version": r.version, "owner": r.owner, "approver": r.approver, "effective": r.effective,
        }
        for r in limits
    ]  # fmt: skip
    columns = {
        "id": "Limit", "rule": "Rule", "code": "Denies as", "binds": "Binds", "values": "Numbers", "version": "Version", "owner": "Owner",
        "approver": "Approver", "effective": "Effective",
    }  # fmt: skip
    show_rows(rows, empty="none: nothing is limited", columns=columns)


def values_text(values: Mapping[str, str | None]) -> str:
    """A limit's numbers on a line."""
    return ", ".join(f"{name} = {'off' if value is None else value}" for name, value in values.items())


@click.command(epilog=example("reenact pnl", "reenact pnl --session spy-sma-1 --json"))
@log_options
def pnl(log: str, session: str | None, as_json: bool) -> None:
    """Show profit, fees, equity and drawdown.

    By currency, and before fees by instrument.
    """
    with reading(log, session) as one:
        accounts, lines = queries.pnl(one)
    if as_json:
        show_json({"currencies": accounts, "instruments": lines})
        return
    show_rows(accounts, empty="The session has no account.", columns=_PNL)
    click.echo()
    columns = {"instrument": "Instrument", "qty": "Qty", "mark": "Mark", "realised": "Realised", "unrealised": "Unrealised", "currency": "Currency"}
    show_rows(lines, empty="The session has no instrument.", columns=columns)


@click.command(epilog=example("reenact sessions", "reenact sessions --log sqlite://runs/reenact.db --json"))
@click.option("--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help=f"The log: {FORMS}.")
@json_option
def sessions(log: str, as_json: bool) -> None:
    """List the sessions of a log."""
    with open_log(log) as store:
        rows = queries.sessions(store)
    if as_json:
        show_json(rows)
        return
    columns = {
        "session": "Session",
        "mode": "Mode",
        "state": "State",
        "opened": "Opened",
        "last": "Last input",
        "events": "Events",
        "commits": "Commits",
    }
    show_rows(rows, empty="The log holds no session yet.", columns=columns)
