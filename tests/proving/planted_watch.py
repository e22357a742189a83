"""More engines that are broken on purpose: owners of instruments, surveillance."""

from __future__ import annotations

from typing import Any

from domain.events import OrderFilled
from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.surveillance import Layering, Spoofing, WashTrades
from domain.surveillance import Surveillance
from domain.terms import Side
from tests.proving.bench import Bench, check, planted, sound_rule


@check("R-18c", "owner: who only works an order owns nothing", "owned")
def _(p: Proposal, b: Bound) -> Check:
    others = sum(1 for owner, held in enumerate(p.account.owned) if owner != p.strategy and held[p.instrument])
    return answer(b, not others or sound_rule("R-18c")(p, b).passed, others, 0)


@planted("spoofing: orders that were filled are left out of the whole", "watched", 60_000)
def _(bench: Bench) -> None:
    def broken(self: Spoofing, event: Any, order: Any, seq: int) -> None:
        if not isinstance(event, OrderFilled):
            sound(self, event, order, seq)

    sound = bench.put(Spoofing, "evolve", broken)


@planted("wash trades: the sides are not compared", "watched")
def _(bench: Bench) -> None:
    def broken(self: WashTrades, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        fills = self._at.get(instrument, {}).get(px)
        sound(self, event, instrument, strategy, -fills[0][1] if fills else qty, px, seq)

    sound = bench.put(WashTrades, "trade", broken)


@planted("layering: cancels of the side that traded count", "watched", 120_000)
def _(bench: Bench) -> None:
    def broken(self: Layering, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        sound(self, event, instrument, strategy, qty, px, seq)
        for side, other in ((Side.BUY, Side.SELL), (Side.SELL, Side.BUY)):
            first = self._traded.get((strategy, instrument, side))
            if first is not None:
                self._traded.setdefault((strategy, instrument, other), first)

    sound = bench.put(Layering, "trade", broken)


@planted("surveillance: a finding is told again with the next input", "watched")
def _(bench: Bench) -> None:
    def broken(self: Surveillance, seq: int) -> None:
        kept = [(memory, list(memory.findings)) for _, memory in self._desk.risk.alerting]
        sound(self, seq)
        for memory, findings in kept:
            memory.findings = findings

    sound = bench.put(Surveillance, "tell", broken)
