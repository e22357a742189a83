"""Decides how a log is published from a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reenact.cli.frame import MISTAKE, example, json_option
from reenact.cli.output import json_lines, note, show_json
from reenact.cli.progress import Meter
from reenact.config import DEFAULT_LOG
from reenact.logs import open_log

if TYPE_CHECKING:
    from reenact.publishing import Turn

_EXAMPLES = (
    "reenact publish --log kafka://broker:9092/trading --to kafka://broker:9092/trading.events",
    "reenact publish --to kafka://127.0.0.1:9092/demo.events --once",
)


@click.command(epilog=example(*_EXAMPLES))
@click.option("--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help="The log to publish.")
@click.option("--to", "to", metavar="URL", required=True, help="The topic: kafka://host:port/topic, with the options of a Kafka log.")
@click.option("--session", metavar="NAME", help="Only this session; else all, also those that open later.")
@click.option("--once", is_flag=True, help="Stop when everything that the log holds now is published.")
@click.option("--partitions", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="For a topic that is not there yet.")
@json_option
@click.option("--no-progress", is_flag=True, help="Do not show progress.")
def publish(log: str, to: str, session: str | None, once: bool, partitions: int, as_json: bool, no_progress: bool) -> None:
    """Write every event as one JSON record to a topic that any Kafka tool can read.

    The key is the session, headers name session, seq, type and commit; docs/published-events.schema.json describes the JSON. A reader of
    committed records sees each event exactly once and in order, however often this is stopped, killed or started again. One publisher owns
    a topic: a second one takes over and the first one stops.

    --json without --once: one line for every transaction.

    Exit code 2: a session could not be published to its end; the others were.
    """
    from reenact.publishing import publish_to, target

    at = target(to, log)
    events = 0
    with open_log(log) as store, Meter("publishing", "events", quiet=no_progress) as meter:

        def said(turn: Turn) -> None:
            nonlocal events
            events += turn.events
            meter.at(events, turn.ns)
            if as_json and not once:
                json_lines([turn])

        done = publish_to(at, store, session=session, once=once, partitions=partitions, said=said, say=note)
    if as_json:
        show_json(done)
    else:
        rate = round(done.events / done.seconds) if done.seconds else 0
        sessions = f"{done.sessions} session{'' if done.sessions == 1 else 's'}"
        click.echo(f"{done.topic}: {done.events:,} events of {sessions} published in {done.seconds} s ({rate:,}/s).")
    if done.problems:
        raise click.exceptions.Exit(MISTAKE)
