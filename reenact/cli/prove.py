"""Decides how a session's controls are proven from a command line, and how what was found is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from adapters.times import parse_duration
from domain.errors import ConfigInvalid
from reenact.cli.frame import example, json_option
from reenact.cli.output import clean, show_json, show_rows
from reenact.cli.progress import Meter
from reenact.config import load
from reenact.config_file import nearest
from reenact.logs import FORMS, open_log

if TYPE_CHECKING:
    from adapters.logs import EventLog
    from reenact.proving.running import Proof
    from reenact.proving.setup import Setup

FOUND = 1
_SENSE = {"GATES": "own approval, all rules answered", "CAUSE": "every decision has a cause", "MONEY": "cash and positions add up",
          "BALANCE": "reported balances are compared", "UNKNOWN": "unanswered orders after a restart", "REAPER": "old orders are canceled",
          "LIMITS": "limits change as asked", "K-05": "overrides pass one order, once", "K-05b": "requests need a second person", "REPLAY": "the log re-enacts to the same bytes",
          "FILLS": "strategies are told of their fills", "GROUP": "siblings canceled once, exits fit", "SIZING": "sizes as the policies say", "R-25": "patterns and alerts agree"}  # fmt: skip


class Told(msgspec.Struct, frozen=True):
    """An invariant and how often it was put to the test. `code`: the rule's reason code, or what the invariant says."""

    id: str
    code: str
    tested: int
    passed: int = 0
    at_limit: int = 0
    denied: int = 0


@click.command(
    epilog=example(
        "reenact prove session.toml", "reenact prove session.toml --steps 1000000 --seed 7", "reenact prove session.toml --time 60s --json"
    )
)
@click.argument("config", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=1), default=20_000, show_default=True, metavar="N", help="How many inputs to try.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="The same seed tries the same sessions.")
@click.option("--time", "time_", metavar="60s", default="", help="Stop after so much time, whatever was tried.")
@click.option("--rule", "rules", metavar="ID", multiple=True, help="Hold the session to this invariant only; may be given several times.")
@click.option("--log", "log", metavar="URL", default="", help=f"Where a counterexample is kept, instead of the configuration's log: {FORMS}.")
@json_option
@click.option("--no-progress", is_flag=True, help="Show no progress.")
def prove(config: Path, steps: int, seed: int, time_: str, rules: tuple[str, ...], log: str, as_json: bool, no_progress: bool) -> None:
    """Search for a sequence of events that breaks a control.

    Ticks, gaps, wishes of the configured strategies and of an adversary in their place, reports of the venue (late, double, out of order,
    missing), commands, waits and restarts are tried near the configuration's own limits, and every event is held against what must
    always hold. A counterexample is made small, told, and kept as a session that `verify`, `why` and `at` open.

    Exit code 0: nothing was found. 1: a counterexample was found. 2: the configuration or an option is wrong.
    """
    loaded = load(config)
    seconds = _seconds(time_)
    from reenact.proving.configured import setup_of
    from reenact.proving.running import known_invariants
    from reenact.proving.running import prove as run

    setup = setup_of(loaded)
    _check_rules(rules, known_invariants(setup))
    url = log or loaded.log
    with Meter("proving", unit="steps", total=steps, quiet=no_progress) as meter:
        proof: Proof = run(setup, steps=steps, seed_number=seed, seconds=seconds, rules=rules, progress=meter.at)
        if proof.found is not None:
            with open_log(url, create=True) as store:
                proof = _kept(store, setup, proof)
    if as_json:
        show_json(msgspec.structs.replace(proof, found=proof.found and msgspec.structs.replace(proof.found, records=[], moves=[])))
    else:
        _show(proof, url)
    if not proof.proven:
        raise click.exceptions.Exit(FOUND)


def _check_rules(rules: tuple[str, ...], known: list[str]) -> None:
    unknown = [rule for rule in rules if rule not in known]
    if unknown:
        raise ConfigInvalid([("--rule", f"there is no invariant {unknown[0]!r}; known are {', '.join(known)}.{nearest(unknown[0], known)}")])


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        ns = parse_duration(text)
    except ValueError as e:
        raise ConfigInvalid([("--time", f"{e}")]) from None
    if ns <= 0:
        raise ConfigInvalid([("--time", f"must be above 0, it is {text}")])
    return ns / 10**9


def _kept(store: EventLog, setup: Setup, proof: Proof) -> Proof:
    """The counterexample appended to the log, under the next free name."""
    from reenact.proving.running import named

    taken = set(store.sessions())
    n = 1
    while f"prove-{n}" in taken:
        n += 1
    again = named(setup, proof, f"prove-{n}")
    if again.found is not None and again.found.records:
        store.append(f"prove-{n}", 1, again.found.records)
    return again


def _show(proof: Proof, url: str) -> None:
    rows = [Told(r.rule, r.code, r.checked, r.passed, r.at, r.denied) for r in proof.rules]
    told = {r.id for r in rows}
    rows += [Told(k, _SENSE.get(k, ""), n) for k, n in proof.tested.items() if k not in told]
    show_rows(
        rows,
        empty="",
        columns={"id": "Invariant", "code": "Code", "tested": "Tested", "passed": "Passed", "at_limit": "At the limit", "denied": "Denied"},
    )
    click.echo()
    if proof.never_reached:
        click.echo(
            f"Never reached: {', '.join(proof.never_reached)} (no order was denied by them; more steps, or limits nearer to what is traded, show more)."
        )
    tried = f"{proof.steps:,} steps in {proof.sessions:,} sessions, seed {proof.seed}, {proof.seconds:,.1f} s ({proof.steps_per_s:,} steps/s)"
    click.echo(f"Orders: {proof.approved:,} approved, {proof.denied:,} denied.")
    if proof.found is None:
        click.echo(f"PROVEN  nothing was found in {tried}.")
        return
    found = proof.found
    click.echo(f"FOUND   {found.invariant} is broken: {clean(found.sentence)}.")
    click.echo(f"        after {tried}; made small: {found.steps:,} steps.")
    click.echo()
    for line in found.story:
        click.echo(clean(line))
    click.echo(f"{found.seq:>5}  {' ' * 12}  {found.invariant} is broken here: {clean(found.sentence)}.")
    click.echo()
    click.echo(
        f"Kept as session {found.session} in {url}; look at it with `reenact events --session {found.session} --log {url}`, `why`, `at` and `verify`."
    )
