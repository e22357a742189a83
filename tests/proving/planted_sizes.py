"""More engines that are broken on purpose: how orders are sized."""

from __future__ import annotations

from typing import Any

import msgspec

import domain.desk
import domain.sizing
from domain.events import OrderSized, Sizing
from domain.instrument import Instrument
from domain.risk.proposal import Proposal
from domain.sizing import SCALED, Sized
from tests.proving.bench import Bench, planted


@planted("sizing: scaled up to the next lot, not down", "sized")
def _(bench: Bench) -> None:
    def broken(policy: Sizing, spec: Instrument, *rest: Any) -> Sized:
        found = sound(policy, spec, *rest)
        return found._replace(qty=found.qty + spec.lot_qty) if found.verdict == SCALED else found

    sound = bench.put(domain.sizing, "size", broken)


@planted("sizing: orders that work already are forgotten", "sized")
def _(bench: Bench) -> None:
    def broken(policy: Sizing, spec: Instrument, side: Any, asked: int, px: int, protect_px: int, equity_amt: int | None, held: int) -> Sized:
        return sound(policy, spec, side, asked, px, protect_px, equity_amt, min(held, 0))

    sound = bench.put(domain.sizing, "size", broken)


@planted("sizing: the equity is the cash alone", "sized")
def _(bench: Bench) -> None:
    bench.put(domain.sizing, "equity", lambda p: p.account.cash[p.spec.settle])


@planted("sizing: a stop on the winning side is taken for one", "sized", 60_000)
def _(bench: Bench) -> None:
    def broken(policy: Sizing, side: Any, px: int, protect_px: int, equity_amt: int | None) -> str:
        return sound(policy, side, px, px - int(side) * abs(px - protect_px), equity_amt)

    sound = bench.put(domain.sizing, "_unknown", broken)


@planted("sizing: what is to be refused is scaled", "sized")
def _(bench: Bench) -> None:
    def broken(policy: Sizing, *rest: Any) -> Sized:
        return sound(msgspec.structs.replace(policy, on_excess="scale"), *rest)

    sound = bench.put(domain.sizing, "size", broken)


@planted("sizing: an order without a stop is taken as it was asked for", "sized")
def _(bench: Bench) -> None:
    def broken(policy: Sizing, p: Proposal, cause: int, asked: int, protect_px: int) -> OrderSized | None:
        return sound(policy, p, cause, asked, protect_px) if protect_px else None

    sound = bench.put(domain.desk, "size_order", broken)
