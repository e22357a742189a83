"""Decides how a log itself is made and looked at, whatever keeps it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from adapters.logs import EventLog
from domain.errors import ConfigInvalid, LogUnavailable
from reenact import queries
from reenact.cli.frame import Commands, example, json_option
from reenact.cli.output import note, show_json, show_pairs, show_rows
from reenact.config import DEFAULT_LOG
from reenact.logs import KAFKA, MEMORY, POSTGRES, SQLITE, open_log, scheme_of

if TYPE_CHECKING:
    from adapters.logs.kafka import KafkaLog
    from adapters.logs.postgres import PostgresLog

_BACKENDS = {SQLITE: "SQLite", POSTGRES: "PostgreSQL", KAFKA: "Kafka"}
_SETTINGS = ("cleanup.policy", "retention.ms", "retention.bytes", "min.insync.replicas", "max.message.bytes", "unclean.leader.election.enable")
_COLUMNS = {"session": "Session", "state": "State", "events": "Events", "commits": "Commits", "head": "Head hash"}


@click.group(cls=Commands, epilog=example("reenact log create postgresql://ann@db/trading", "reenact log check kafka://broker:9092/trading --json"))
def log() -> None:
    """Make a log, or see what is in one."""


@log.command(epilog=example("reenact log create kafka://broker:9092/trading --partitions 8 --replication 3 --min-insync 2"))
@click.argument("url", metavar="URL")
@click.option("--partitions", type=click.IntRange(min=1), metavar="N", help="Kafka: how many parts; sessions spread over them.  [default: 8]")
@click.option("--replication", type=click.IntRange(min=1), metavar="N", help="Kafka: on how many brokers each commit lies.  [default: 3, or all]")
@click.option("--min-insync", type=click.IntRange(min=1), metavar="N", help="Kafka: how many of them must have it.  [default: 2 of 3]")
@click.option("--if-missing", is_flag=True, help="Kafka: take a topic that is there, if it may hold a log.")
@json_option
def create(url: str, partitions: int | None, replication: int | None, min_insync: int | None, if_missing: bool, as_json: bool) -> None:
    """Make an empty log: a file, a schema in a database, or a topic.

    A file or schema that is there already is left as it is, a topic is refused (but see --if-missing). A new topic gets what a log needs: no compaction and no
    end of retention.
    """
    scheme = scheme_of(url)
    given = {"--partitions": partitions, "--replication": replication, "--min-insync": min_insync}
    if scheme == MEMORY:
        raise ConfigInvalid([("log", "a log in memory is made when a session runs, and ends with it.")])
    if scheme == KAFKA:
        from adapters.logs.kafka import KafkaSettings, check_topic, create_topic

        settings = KafkaSettings.from_url(url)
        try:
            create_topic(settings, partitions=partitions or 8, replication=replication, min_insync=min_insync)
        except ConfigInvalid:
            if not if_missing:
                raise
            check_topic(settings)
    elif any(given.values()):
        named = ", ".join(name for name, value in given.items() if value)
        raise click.UsageError(f"{named}: only a topic of Kafka has this; {_BACKENDS[scheme]} has not.")
    else:
        open_log(url, create=True).close()
    if as_json:
        show_json({"log": url, "backend": _BACKENDS[scheme]})
    else:
        click.echo(f"{url}: the log is there.")


@log.command(epilog=example("reenact log check", "reenact log check postgresql://ann@db/trading --json"))
@click.argument("url", metavar="URL", default=DEFAULT_LOG)
@json_option
def check(url: str, as_json: bool) -> None:
    """Show what keeps a log, and which sessions it holds.

    Nothing is re-enacted and no chain is followed; that is what `reenact verify --all` is for.
    """
    scheme = scheme_of(url)
    if scheme == MEMORY:
        raise LogUnavailable("a log in memory holds nothing between two commands", remedy="Name another log.")
    with open_log(url) as store:
        rows = queries.sessions(store)
        facts = _facts(scheme, url, store)
    dropped = facts.pop("dropped", [])
    if as_json:
        show_json({"log": url, "backend": _BACKENDS[scheme], "facts": facts, "dropped": dropped, "sessions": rows})
        return
    show_pairs([("Log", url), ("Kept by", _BACKENDS[scheme]), *((name.replace("_", " ").capitalize(), value) for name, value in facts.items())])
    click.echo()
    show_rows(rows, empty="The log holds no session yet.", columns=_COLUMNS)
    if dropped:
        click.echo()
        show_rows(dropped, empty="", columns={name: name.replace("_", " ").capitalize() for name in dropped[0]})
        note(f"{len(dropped)} records of the topic belong to no session; readers leave them out.")


def _facts(scheme: str, url: str, store: EventLog) -> dict[str, Any]:
    """What each backend has to say beside the sessions; "dropped" lists what is there and does not count."""
    if scheme == KAFKA:
        report = cast("KafkaLog", store).report()
        topic = report.topic
        shape = {"topic": topic.name, "cluster": topic.cluster, "partitions": topic.partitions, "replication": topic.replication}
        config = {name: topic.config[name] for name in _SETTINGS if name in topic.config}
        return {**shape, **config, "records": report.counted, "dropped": [asdict(d) for d in report.dropped]}
    if scheme == POSTGRES:
        return asdict(cast("PostgresLog", store).describe())
    path = Path(url.removeprefix(SQLITE))
    beside = [path, path.with_name(f"{path.name}-wal")]
    return {"file": str(path.absolute()), "bytes": sum(p.stat().st_size for p in beside if p.exists())}
