"""Second opinions on what is counted: messages, repetitions, orders of a day, open orders, trades per message."""

from __future__ import annotations

from fractions import Fraction

from domain import events as ev
from domain.limits import OFF, Limit
from reenact.proving.facts import PERSON, Facts
from reenact.proving.opinions.base import Opinion, Verdict, exposed, messages, shrinks, who, within
from reenact.proving.wish import Wish

_SENT = (ev.OrderSubmitted, ev.OrderReplaceRequested)


def _rate(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    own: type = ev.OrderReplaceRequested if w.old is not None else ev.OrderSubmitted
    texts = []
    for name, kinds in (("message_rate", _SENT), ("submit_rate" if w.old is None else "replace_rate", (own,))):
        most, window = facts.numbers(limit, name)
        if most == OFF:
            continue
        if not _same_since_opening(facts, limit, member, name):
            return None
        n = sum(isinstance(m, kinds) for m in messages(facts, limit, member, facts.now_ns - window)) + 1
        texts.append(f"{name}: {n} in {window} ns, the limit is {most}")
        if n > most:
            return False, texts[-1]
    return True, "; ".join(texts) or "no rate is limited"


def _same_since_opening(facts: Facts, limit: Limit, member: str, name: str) -> bool:
    """The parameter has been on with one window since the session opened."""
    versions = [one for one in facts.limits if one.rule == limit.rule and one.scope == limit.scope and member in (one.members or ("",))]
    pairs = [facts.numbers(one, name) for one in versions]
    return versions[0].id <= len(facts.opened.limits) and all(n != OFF and window == pairs[0][1] for n, window in pairs)


def cycles(facts: Facts, strategy: int, i: int, sign: int, since_ns: int) -> int:
    """Orders of a strategy in an instrument on one side after a time, since it was flat and since a person looked."""
    start = max(facts.flat_seq.get((strategy, i), 0), facts.looked_seq.get(strategy, 0))
    return sum(1 for k in facts.orders if k.strategy == strategy and k.instrument == i and k.sign == sign and k.seq > start and k.ns > since_ns)


def _repeats(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None or w.strategy == PERSON or w.old is not None:
        return True, "persons and replacements do not repeat"
    most, window = facts.number(limit, "max_repeats"), facts.number(limit, "repeat_window")
    if any(OFF in one.values[:1] or one.values[1] != window for one in facts.limits if one.rule == limit.rule and member in one.members):
        return None
    n = cycles(facts, w.strategy, w.instrument, w.sign, facts.now_ns - window if window != OFF else -1) + 1
    return n <= most or shrinks(facts, w, w.strategy), f"{n} times the same, the limit is {most}"


def _instruments(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    strategy = who(facts, limit, member)
    found = [i for i in range(len(facts.specs)) if within(facts, limit, member, i) and exposed(facts, w, strategy, i)]
    most = limit.values[0]
    new = w.instrument not in found
    return not new or len(
        found
    ) + 1 <= most, f"{len(found)} instruments are held or worked{', one more would be' if new else ''}, the limit is {most}"


def _venues(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    strategy = who(facts, limit, member)
    found = {facts.specs[i].venue for i in range(len(facts.specs)) if exposed(facts, w, strategy, i)}
    most = limit.values[0]
    new = facts.specs[w.instrument].venue not in found
    return not new or len(found) + 1 <= most, f"{len(found)} venues are worked{', one more would be' if new else ''}, the limit is {most}"


def _day_orders(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None or w.old is not None:
        return True, "a replacement is no order of its own"
    strategy = who(facts, limit, member)
    n = sum(1 for k in facts.orders if k.strategy == strategy and k.seq > facts.day_seq) + 1
    most = limit.values[0]
    return n <= most or shrinks(facts, w, strategy), f"order {n} of the day, the limit is {most}"


def _open_orders(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    strategy = who(facts, limit, member)
    n = sum(1 for k in facts.working.values() if k.sign == w.sign and (limit.scope, member) in facts.places(k.strategy, k.instrument))
    n += w.old is None
    most = limit.values[0]
    return n <= most or shrinks(facts, w, strategy), f"{n} open orders on one side, the limit is {most}"


def _order_to_trade(facts: Facts, w: Wish, limit: Limit | None, member: str) -> Verdict:
    if limit is None:
        return None
    most, free = facts.number(limit, "max_order_to_trade"), facts.number(limit, "otr_free")
    if most == OFF:
        return True, "no ratio is limited"
    sent = sum(1 for _, s, i in facts.sent[facts.day_sent :] if (limit.scope, member) in facts.places(s, i)) + 1
    trades = sum(n for (s, i), n in facts.day_trades.items() if (limit.scope, member) in facts.places(s, i))
    ratio = Fraction(max(0, sent - max(0, free)), max(1, trades))
    text = f"{sent} messages and {trades} trades today, {free} are free, the limit is {most / 100} per trade"
    return ratio * 100 <= most or shrinks(facts, w, None), text


def cancel_budget(facts: Facts, limit: Limit, member: str) -> Verdict:
    """Whether one more cancel conforms to a budget of cancels, whoever asks for it."""
    most, window = facts.numbers(limit, "cancel_rate")
    if most == OFF or not _same_since_opening(facts, limit, member, "cancel_rate"):
        return None
    n = sum(isinstance(m, ev.OrderCancelRequested) for m in messages(facts, limit, member, facts.now_ns - window)) + 1
    return n <= most, f"{n} cancels in {window} ns, the limit is {most}"


OPINIONS: dict[str, Opinion] = {
    "R-05": _rate, "R-06": _repeats, "R-08a": _instruments, "R-08b": _venues, "R-08c": _day_orders, "R-13": _open_orders, "R-24": _order_to_trade,
    "L-04": _instruments,
}  # fmt: skip
__all__ = ["OPINIONS", "cancel_budget", "cycles"]
