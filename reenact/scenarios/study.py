"""Decides what a scenario is compared by: with all of the user's rules and with none, without each rule, and with each rule alone.

A rule that failed no order and halted nothing changes nothing by its absence, so that run is the one of all rules and is not made again.

Invariants: the same configuration and seed give the same study; every amount is in the settlement currency of the scenario's instruments.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.instrument import Instrument
from domain.money import to_text
from domain.risk import Rule
from reenact import compose, config_units
from reenact.config import SessionConfig
from reenact.scenarios.scale import scale
from reenact.scenarios.shape import Scenario, configured
from reenact.scenarios.trial import ALL, NONE, Stop, Trial, run


class Run(msgspec.Struct, frozen=True):
    """One run as people read it. `first`: what was stopped first, None when nothing was. `reasons`: denied orders by rule."""

    rules: str
    orders: int
    fills: int
    denied: int
    reasons: dict[str, int]
    worst_loss: str
    end_loss: str
    worst_exposure: str
    first: Stop | None


class RuleRow(msgspec.Struct, frozen=True):
    """What one rule is worth here. With all rules: `denied` orders for its reason, of `halted` scopes. `loss_without`: the worst loss without it,
    `more_lost` by how much that is more; `loss_alone`: the worst loss when it is the only one, `saved_alone` by how much that is less than with none;
    `after_alone_ns`: when it first stopped something then, -1 for never. Alone it stands without the configuration's controls, too.
    """

    rule: str
    code: str
    denied: int
    halted: int
    loss_without: str
    more_lost: str
    loss_alone: str
    saved_alone: str
    after_alone_ns: int


class Study(msgspec.Struct, frozen=True):
    """What a scenario shows about a configuration. `first`: what was stopped first, None when nothing was.

    `runs`: with all rules and with none (those that bind every order excepted). untold: quantity by symbol that the venue traded and never told us.
    session, log: where the run with all rules is kept, empty when it is not.
    """

    scenario: str
    title: str
    story: str
    source: str
    config: str
    seed: int
    currency: str
    scale: list[str]
    first: Stop | None
    runs: list[Run]
    rules: list[RuleRow]
    untold: dict[str, str]
    head: str
    events: int
    session: str = ""
    log: str = ""


def study(
    scenario: Scenario, config: SessionConfig, *, name: str, seed: int = 1, log: str = "", progress: Callable[[int, int], None] | None = None
) -> Study:  # fmt: skip
    """Run a scenario against a configuration's rules. `name` is what the configuration is called.

    `log`: also keep the run with all rules there. `progress` is told how many runs of how many are done. Raises ConfigInvalid for limits
    that do not fit.
    """
    rules = {rule.id: rule for rule in config.risk_rules}
    limits = config_units.build_limits(config, config_units.build_instruments(config))
    found = scale(config, scenario.most, rules, limits)
    session = configured(scenario, config, found, seed)
    given = {limit.rule for limit in limits} | {own.spec.id for own in config.own_rules}
    asked = [rule for rule in rules if rule in given]
    runs = _Runs(session, asked, progress)
    whole, bare = runs.whole, runs.bare
    spec = found.lines[0].spec
    kept = compose.run(session, log=log).session if log else ""
    return Study(
        scenario=scenario.name, title=scenario.title, story=scenario.story, source=scenario.source, config=name, seed=seed, currency=spec.settle,
        scale=[line.text for line in found.lines], first=whole.first, runs=[_run(spec, ALL, whole), _run(spec, NONE, bare)],
        rules=[_row(spec, rules[rule], runs) for rule in asked], untold=whole.untold_qty, head=whole.head, events=whole.events, session=kept, log=log,
    )  # fmt: skip


class _Runs:
    """Every run of a study."""

    def __init__(self, session: SessionConfig, rules: list[str], progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._session = session
        self._done = 0
        self._total = 2 + len(rules)
        self.whole = self._made(ALL)
        self.bare = self._made(NONE)
        without = [rule for rule in rules if rule in self.whole.failed]
        self._total += len(without)
        self.without = {rule: self._made(ALL, rule) for rule in without}
        self.alone = {rule: self._made(rule) for rule in rules}

    def _made(self, rules: str, without: str = "") -> Trial:
        trial = run(self._session, rules, without=without)
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
        return trial


def _run(spec: Instrument, rules: str, t: Trial) -> Run:
    digits = spec.amt_digits
    worst, end, exposure = (to_text(n, digits) for n in (t.worst_loss, t.end_loss, t.worst_exposure))
    return Run(rules, t.orders, t.fills, t.denied, t.denials, worst, end, exposure, t.first)


def _row(spec: Instrument, rule: Rule, runs: _Runs) -> RuleRow:
    whole, alone = runs.whole, runs.alone[rule.id]
    without = runs.without.get(rule.id, whole)
    bare = runs.bare
    digits = spec.amt_digits
    return RuleRow(
        rule=rule.id, code=rule.code, denied=whole.denials.get(rule.id, 0), halted=whole.halts.get(rule.id, 0),
        loss_without=to_text(without.worst_loss, digits), more_lost=to_text(without.worst_loss - whole.worst_loss, digits),
        loss_alone=to_text(alone.worst_loss, digits), saved_alone=to_text(bare.worst_loss - alone.worst_loss, digits),
        after_alone_ns=alone.firsts.get(rule.id, -1),
    )  # fmt: skip
