"""Sessions for the loss limits: worlds of instruments, random ticks, limits and inputs, and a script that plays them in tables cut anywhere."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import msgspec

from domain.context import Context
from domain.events import (
    Balance,
    DayRolled,
    ExternalTradeObserved,
    FeeCharged,
    FillBusted,
    FundingPaid,
    OperatorCommandReceived,
    OrderFilled,
    TimerFired,
    TradingHalted,
)
from domain.instrument import instrument
from domain.limits import OFF, Limit
from domain.strategy import Strategy
from domain.terms import Liquidity, Scope, Side, TickKind
from domain.ticks import Ticks, concat, table
from tests.domain.harness import SECOND, T0, World, trades

LINEAR = (
    instrument("X", price_digits=2, qty_digits=0, amt_digits=2),
    instrument("Y", price_digits=1, qty_digits=0, amt_digits=2, multiplier="3", asset_class="future", venue="FUT"),
    instrument("Z", price_digits=2, qty_digits=0, amt_digits=2, asset_class="future"),
)
INVERSE = (
    instrument("XBT", base="BTC", quote="USD", inverse=True, price_digits=1, amt_digits=8),
    instrument("ETH", base="ETH", quote="BTC", price_digits=4, qty_digits=0, amt_digits=8, asset_class="future", venue="FUT"),
    instrument("XBU", base="BTC", quote="USD", inverse=True, price_digits=1, amt_digits=8, multiplier="100", asset_class="future"),
)
HUGE = tuple(
    instrument(s, price_digits=2, qty_digits=0, amt_digits=20, asset_class=c, venue=v)
    for s, c, v in (("X", "equity", "SIM"), ("Y", "future", "FUT"), ("Z", "future", "SIM"))
)
WORLDS = {"linear": (LINEAR, 2), "inverse": (INVERSE, 8), "huge": (HUGE, 20)}
MEMBERS = (
    (Scope.ACCOUNT, ("",)),
    (Scope.STRATEGY, ("s0", "s1")),
    (Scope.INSTRUMENT, ("0", "1")),
    (Scope.CLASS, ("future",)),
    (Scope.VENUE, ("FUT",)),
)


class Ordered(Strategy):
    """Sends what a timer is called: instrument, side and quantity. Looks at no ticks."""

    def on_timer(self, ctx: Context, name: str) -> None:
        i, qty = map(int, name.split())
        if qty > 0:
            ctx.buy(i, qty)
        else:
            ctx.sell(i, -qty)


class Looking(Ordered):
    """The same, called for every tick."""

    def on_tick(self, ctx: Context, tick: Any) -> None:
        del tick


def random_ticks(rng: Random, n: int, instruments: int) -> Ticks:
    """Trades, quotes (some with an empty side) and bars of several instruments; the prices wander, and now and then there is none."""
    parts = []
    px = [rng.randint(9_000, 11_000) for _ in range(instruments)]
    kinds = rng.choice(["t", "q", "tq", "tqb", "tttttttq"])
    few = rng.choice([1, instruments])
    for k in range(n):
        i = rng.randrange(few)
        px[i] = max(1, px[i] + rng.randint(-60, 60))
        ns = T0 + (k + 1) * SECOND
        kind = rng.choice(kinds)
        p = px[i] if rng.random() > 0.01 else 0
        if kind == "t":
            parts.append(table(TickKind.TRADE, i, [ns], [ns], [p], 5, int(Side.BUY)))
        elif kind == "q":
            wide = rng.randint(0, 9)
            parts.append(table(TickKind.QUOTE, i, [ns], [ns], [p], 0 if rng.random() < 0.05 else 5, [p + wide], 5))
        else:
            parts.append(table(TickKind.BAR, i, [ns], [ns], [p], p + 9, max(p - 9, 0), p, 10, SECOND))
    return concat(parts) if parts else trades(10_000)


def random_limits(rng: Random, digits: int, symbols: tuple[str, ...]) -> tuple[Limit, ...]:
    """A few loss limits of a size that the prices reach often."""
    found: list[Limit] = []
    unit = 10 ** (digits - 2) if digits != 8 else 20
    for scope, members in MEMBERS:
        names = tuple(symbols[int(m)] for m in members) if scope is Scope.INSTRUMENT else members if scope is not Scope.ACCOUNT else ()
        if rng.random() < 0.7:
            values = (rng.choice([OFF, rng.randint(0, 9_000) * unit]), rng.choice([OFF, rng.randint(0, 9_000) * unit]))
            found.append(Limit(len(found) + 1, "L-01", scope, names, values))
        if rng.random() < 0.7:
            values = (rng.choice([OFF, rng.randint(0, 9_000) * unit]), rng.choice([OFF, OFF, 0, rng.randint(1, 400), 20_000]))
            found.append(Limit(len(found) + 1, "L-02", scope, names, values))
    return tuple(found)


def random_inputs(rng: Random, n: int, instruments: int, digits: int, currency: str) -> list[tuple[int, str, Any]]:
    """(ticks before it, what, how) in order."""
    found: list[tuple[int, str, Any]] = []
    for _ in range(rng.randint(1, 14)):
        at = rng.randint(0, n)
        i = rng.randrange(instruments)
        qty = rng.choice([-1, 1]) * rng.randint(1, 12)
        off = rng.randint(-150, 150)
        what = rng.choice(["order"] * 6 + ["external"] * 3 + ["fee", "funding", "roll", "limits", "resume", "bust", "adjust", "outcome-less"])
        found.append((at, what, (i, qty, off, rng.randrange(2), rng.randint(-300, 300), currency, min(digits, 4))))
    return sorted(found, key=lambda x: x[0])


class Session:
    """Plays a script over ticks in tables cut where it is told."""

    def __init__(self, world: World, ticks: Ticks, script: list[tuple[int, str, Any]]) -> None:
        self.world = world
        self.ticks = ticks
        self.script = script
        self.execs: list[OrderFilled] = []
        self.number = 0

    def play(self, cuts: list[int]) -> World:
        n = len(self.ticks)
        bounds = sorted({0, n, *cuts})
        script = list(self.script)
        for start, stop in pairwise(bounds):
            part = self.ticks.slice(start, stop)
            at = 0
            while script and script[0][0] < stop:
                at = self.run(part, at, script[0][0] - start)
                self.do(*script.pop(0)[1:])
            self.run(part, at, stop - start)
            self.world.seen.append(part)
        for _, what, how in script:
            self.do(what, how)
        return self.world

    def run(self, part: Ticks, at: int, to: int) -> int:
        while at < to:
            at = self.world.engine.run(part, at, to)
        return at

    def do(self, what: str, how: Any) -> None:
        i, qty, off, strategy, amt, currency, digits = how
        world = self.world
        desk = world.engine.desk
        ns = desk.now_ns
        self.number += 1
        mark = desk.market.mark_px(i)
        px = max(1, (mark or 10_000) + off)
        name = world.opened.instruments[i].symbol
        if what == "order":
            before = len(world.sent)
            world.step(TimerFired(ns, 0, strategy, f"{i} {qty}", ns))
            for order in world.sent[before:]:
                fill = OrderFilled(ns, 0, order.cl_ord_id, ns, f"e{self.number}", px, abs(qty), Liquidity.TAKER, abs(amt) // 9, currency, digits)
                self.execs.append(fill)
                if off % 5:
                    world.step(fill)
        elif what == "external":
            world.step(ExternalTradeObserved(ns, 0, i, ns, f"x{self.number}", Side.BUY if qty > 0 else Side.SELL, px, abs(qty), ""))
        elif what == "fee":
            world.step(FeeCharged(ns, 0, currency, amt, digits, ""))
        elif what == "funding":
            world.step(FundingPaid(ns, 0, i, currency, amt, digits))
        elif what == "roll":
            world.step(DayRolled(ns, 0, 20_260_101))
        elif what == "bust" and self.execs:
            old = self.execs[off % len(self.execs)]
            world.step(FillBusted(ns, 0, old.cl_ord_id, ns, f"b{self.number}", old.exec_id))
        elif what == "adjust":
            self.command("adjust", currency=currency, amt=amt * 50, digits=digits, reason="")
        elif what == "limits":
            rule = "drawdown" if off % 2 else "daily_loss"
            scope, members = (("account", ()), ("instrument", (name,)))[off % 3 % 2]
            self.command("limits", scope=scope, members=members, values={rule: [abs(off) * 10 ** max(0, digits - 1)]})
        elif what == "resume":
            for (scope, member), rules in list(desk.risk.halts.items()):
                for rule in list(rules):
                    self.command("resume", scope=scope.name.lower(), member=member, rule=rule)
                    self.command("approve", actor="bob", number=world.engine.control.approvals.next - 1)

    def command(self, name: str, actor: str = "ann", **argument: Any) -> None:
        desk = self.world.engine.desk
        self.world.step(OperatorCommandReceived(desk.now_ns, 0, actor, name, msgspec.json.encode(argument).decode()))


def world_of(kind: str, limits: tuple[Limit, ...], strategy: type[Strategy] = Ordered) -> tuple[World, int, str]:
    specs, digits = WORLDS[kind]
    currency = specs[0].settle
    balance = Balance(currency, 30_000 if digits == 8 else 3_000_000, 4 if digits == 8 else 2)
    return World(strategy(), strategy(), limits=limits, instruments=specs, balances=(balance,)), digits, currency


def one_limit(rule: str, *values: int, scope: Scope = Scope.ACCOUNT, member: str = "") -> tuple[Limit, ...]:
    """One limit, what is left out is off."""
    width = 3 if rule == "L-03" else 2
    return (Limit(1, rule, scope, (member,) if member else (), (*values, *(OFF,) * (width - len(values)))),)


def fill(world: World, i: int, qty: int, px: int, fee: int = 0, strategy: int = 0) -> None:
    """A strategy's order is sent and filled."""
    ns = world.engine.desk.now_ns
    n = len(world.sent)
    world.step(TimerFired(ns, 0, strategy, f"{i} {qty}", ns))
    for order in world.sent[n:]:
        world.fill(order, px, fee_amt=fee)


def halts(world: World) -> list[tuple[int, str, int, int]]:
    """(seq of the cause, rule, observed, limit) of every halt."""
    return [(e.cause, e.rule, e.observed, e.limit) for e in world.of(TradingHalted)]  # type: ignore[union-attr]
