"""Decides who may halt a place and who may let it trade again.

A place is a scope and a member of it. What holds a place is a halt: of a person, of the kill switch (K-01), or of a rule. Each holds by
itself; the strictest counts. A person's command meets the person's own halt there, and the kill switch:

| held by a person | halt | reduce_only | kill | resume |
|---|---|---|---|---|
| nothing | halted | reduce-only | killed | refused |
| reduce-only | halted | refused | killed | active |
| halted | refused | refused | killed | active |
| killed | refused | refused | refused | active, by two persons |

Invariants: nobody makes a halt milder but by lifting it; lifting what is not a person's halt takes two persons.
Source: FIA order controls; features D K-01, K-02.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from domain.commands import HaltTrading, ResumeTrading
from domain.control.words import PERSON, STATES, Refused, nearest, place_of, place_text
from domain.desk import Desk
from domain.events import TradingHalted, TradingResumed
from domain.risk.book import Place
from domain.terms import TradingState

if TYPE_CHECKING:
    from domain.control.asks import Ask, Deed

KILL = "K-01"


def is_killed(desk: Desk, place: Place) -> bool:
    """Whether the kill switch is engaged for this very place."""
    return desk.risk.halts.get(place, {}).get(KILL) is TradingState.KILLED


def decide_halt(desk: Desk, ask: Ask, command: HaltTrading) -> Deed:
    """What obeying does. Raises Refused."""
    place = place_of(desk.risk, command.scope, command.member)
    state = TradingState.REDUCE_ONLY if ask.command == "reduce_only" else TradingState.HALTED
    held = desk.risk.halts.get(place, {})
    if is_killed(desk, place):
        raise Refused(f"the kill switch is engaged for {place_text(place)}; two persons may lift it")
    own = held.get("", TradingState.ACTIVE)
    if own == state:
        raise Refused(f"{place_text(place)} is {STATES[own]} already")
    if own > state:
        raise Refused(f"{place_text(place)} is {STATES[own]}; lift that first")

    def deed() -> None:
        desk.emit(TradingHalted(desk.now_ns, desk.cause, *place, state, "", command.reason))

    return deed


def decide_resume(desk: Desk, ask: Ask, command: ResumeTrading, lifted: Callable[[Place, str], None]) -> tuple[Deed, bool]:
    """What obeying does (`lifted` hears of it), and whether it takes two persons. Raises Refused."""
    place = place_of(desk.risk, command.scope, command.member)
    rule = _lifted(desk, place, command.rule)

    def deed() -> None:
        desk.emit(TradingResumed(desk.now_ns, desk.cause, *place, rule, command.reason, ask.actor, ask.approver))
        lifted(place, rule)

    return deed, rule != ""


def _lifted(desk: Desk, place: Place, named: str) -> str:
    """The rule ("": a person) whose halt is meant. Raises Refused."""
    held = desk.risk.halts.get(place, {})
    if not held:
        raise Refused(f"{place_text(place)} is active already{_elsewhere(desk)}")
    words = {rule or PERSON: STATES[state] for rule, state in held.items()}
    if not named:
        if len(words) > 1:
            raise Refused(f"several halts hold {place_text(place)}: {_listed(words)}; say which rule's is lifted")
        (named,) = words
    if named not in words:
        raise Refused(f"no halt of {named!r} holds {place_text(place)}; these do: {_listed(words)}{nearest(named, words)}")
    return "" if named == PERSON else named


def _listed(words: dict[str, str]) -> str:
    return ", ".join(f"{rule} ({state})" for rule, state in words.items())


def _elsewhere(desk: Desk) -> str:
    """Where something is held, for who looked in the wrong place."""
    held = [place_text(place) for place, halts in desk.risk.halts.items() if halts]
    return f"; held are {', '.join(held)}" if held else ""
