"""Decides how a scenario is tried under some of the user's rules: run in memory, measured by what its venue truly traded.

Loss is opening equity less equity at the last prices, with positions and costs as the venue traded them. Exposure is worst case: every working
and UNKNOWN order filled, or what the venue holds if that is more. Both are taken every few ticks.

Invariants: a trial depends on its configuration and on what is left out, on nothing else; what is left out binds nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from adapters.feeds import FeedInput
from adapters.feeds.protocol import cut
from adapters.readable import Reader
from adapters.rules import place_text
from adapters.venues.lying import LyingVenue
from domain.commit import decode
from domain.errors import InvariantBroken
from domain.events import ControlSettings, KillSwitchEngaged, OrderDenied, SessionOpened, TradingHalted
from domain.ticks import Ticks
from reenact import compose
from reenact.blame import blamed
from reenact.config import SessionConfig
from reenact.runtime import Counts, Runtime

SAMPLE = 16
ALL, NONE = "all", "none"


class Stop(msgspec.Struct, frozen=True):
    """The first thing that was stopped. `after_ns`: scenario time. `what`: "denied" or the state a scope was put into."""

    what: str
    seq: int
    ns: int
    after_ns: int
    rule: str
    code: str
    observed: str
    limit: str
    unit: str
    whom: str


class Trial(msgspec.Struct, frozen=True):
    """One run. Amounts in 10^-amt_digits of the scenario's currency.

    denials: by the rule that gave the reason. failed: rules that failed at least once or halted something, whatever the reason given.
    firsts: scenario time of each of these for the first time. untold_qty: by symbol, what the venue traded and we were not told.
    """

    orders: int
    fills: int
    denied: int
    denials: dict[str, int]
    failed: tuple[str, ...]
    halts: dict[str, int]
    firsts: dict[str, int]
    worst_loss: int
    worst_loss_ns: int
    end_loss: int
    worst_exposure: int
    untold_qty: dict[str, str]
    first: Stop | None
    head: str
    events: int


class _Gauge:
    """Follows loss and exposure while a session runs."""

    def __init__(self) -> None:
        self._ready: tuple[Runtime, LyingVenue] | None = None
        self.loss = self.worst_loss = self.worst_loss_ns = self.worst_exposure = 0

    def follow(self, runtime: Runtime, venue: LyingVenue) -> None:
        """Look at this session from now on."""
        self._ready = runtime, venue

    def sample(self, counts: Counts, ns: int) -> None:
        """Look at the session as it stands."""
        if self._ready is None:
            return
        runtime, venue = self._ready
        desk, true = runtime.engine.desk, venue.true
        state = desk.state
        loss = exposure = 0
        for i, spec in enumerate(state.instruments):
            held, buys, sells = state.positions[i].qty, state.orders.buy_leaves[i], state.orders.sell_leaves[i]
            qty = true.qty[i]
            if not (qty or held or buys or sells or true.cost[i]):
                continue
            px = desk.market.mark_px(i)
            loss += true.cost[i] - (spec.value(px, qty) if qty and px else 0)
            if px:
                exposure += spec.notional(px, max(abs(held + buys), abs(held - sells), abs(qty)))
        self.loss = loss
        if loss > self.worst_loss:
            self.worst_loss, self.worst_loss_ns = loss, ns
        self.worst_exposure = max(self.worst_exposure, exposure)


def run(config: SessionConfig, rules: str = ALL, *, without: str = "") -> Trial:
    """Run a scenario's configuration with ALL of the user's rules, with NONE or with one alone (its id), and without one."""
    records: list[bytes] = []
    gauge = _Gauge()
    ready = compose.prepare(
        config, f"{config.name}-1", compose.code_fingerprint(), lambda _, record: records.append(record), progress=gauge.sample,
        amend=lambda opened: _less(opened, rules, without),
    )  # fmt: skip
    runtime, venue = ready.runtime, ready.venue
    if not isinstance(venue, LyingVenue):
        raise InvariantBroken("broken invariant: the venue of a scenario knows what was traded")
    gauge.follow(runtime, venue)
    with blamed():
        runtime.run(_small(ready.feed))
    gauge.sample(runtime.counts, 0)
    return _told(runtime, venue, records, gauge)


def _less(opened: SessionOpened, rules: str, without: str) -> SessionOpened:
    """The opening with only the limits of some rules, and of the user's own rules only these. One alone or NONE takes the controls as well."""
    if rules == ALL and not without:
        return opened

    def stays(rule: str) -> bool:
        return rule != without and rules in (ALL, rule)

    kept = [limit for limit in opened.limits if stays(limit.rule)]
    limits = tuple(msgspec.structs.replace(limit, id=n) for n, limit in enumerate(kept, start=1))
    own = tuple(r for r in opened.rules if stays(r.id))
    return msgspec.structs.replace(opened, limits=limits, rules=own, control=opened.control if rules == ALL else ControlSettings())


def _small(feed: Iterable[Ticks | FeedInput]) -> Iterator[Ticks | FeedInput]:
    """The feed in tables small enough to measure between them; where tables are cut changes no event."""
    for block in feed:
        if isinstance(block, Ticks):
            yield from cut(block, SAMPLE)
        else:
            yield block


def _told(runtime: Runtime, venue: LyingVenue, records: list[bytes], gauge: _Gauge) -> Trial:
    opened = runtime.opened
    denials: dict[str, int] = {}
    halts: dict[str, int] = {}
    firsts: dict[str, int] = {}
    first: Stop | None = None
    reader = Reader()
    for seq, event in (pair for record in records for pair in decode(record).recorded()):
        reader.note(event)
        if isinstance(event, OrderDenied):
            wrong = [c.rule for c in event.checks if not c.passed]
            denials[wrong[0]] = denials.get(wrong[0], 0) + 1
            for rule in wrong:
                firsts.setdefault(rule, event.ns - opened.ns)
            first = first or _stop(reader, seq, event, opened.ns)
        elif isinstance(event, TradingHalted) and event.rule:
            halts[event.rule] = halts.get(event.rule, 0) + 1
            firsts.setdefault(event.rule, event.ns - opened.ns)
            first = first or _stop(reader, seq, event, opened.ns)
        elif isinstance(event, KillSwitchEngaged):
            halts["K-01"] = halts.get("K-01", 0) + 1
    desk = runtime.engine.desk
    untold = {
        spec.symbol: spec.qty_text(venue.true.qty[i] - desk.state.positions[i].qty)
        for i, spec in enumerate(opened.instruments) if venue.true.qty[i] != desk.state.positions[i].qty
    }  # fmt: skip
    return Trial(
        desk.sent_n, desk.state.fills, desk.denied_n, denials, tuple(firsts), halts, firsts, gauge.worst_loss, gauge.worst_loss_ns, gauge.loss,
        gauge.worst_exposure, untold, first, runtime.journal.prev.hex(), runtime.journal.seq,
    )  # fmt: skip


def _stop(reader: Reader, seq: int, event: OrderDenied | TradingHalted, opened_ns: int) -> Stop:
    """A refusal or halt in words."""
    row = reader.row(seq, event)
    if isinstance(event, OrderDenied):
        check = next(c for c in row["checks"] if not c["passed"])
        whom = check["scope"] or str(row.get("instrument", ""))
        return Stop(
            "denied", seq, event.ns, event.ns - opened_ns, check["rule"], check["code"], str(check["observed"]), str(check["limit"]), check["unit"], whom
        )  # fmt: skip
    words = reader.rules.get(event.rule)
    what = event.state.name.lower().replace("_", "-")
    return Stop(
        what, seq, event.ns, event.ns - opened_ns, event.rule, words.code if words else "", str(row["observed"]), str(row["limit"]), "",
        place_text(event.scope, event.member),
    )  # fmt: skip
