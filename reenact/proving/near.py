"""Numbers worth trying: what stands at the session's limits, one over and one under.

Invariants: worked out from the recount alone; every list begins with the plainest number.
"""

from __future__ import annotations

from domain.limits import OFF, Limit
from domain.risk.rule import WIDTH
from reenact.proving.facts import Facts

SECOND = 10**9
_FAR = 2**60
_DAY = 86_400 * SECOND
_LONG = 4 * _DAY


def near_qty(facts: Facts, i: int, sign: int, strategy: int, px: int) -> list[int]:
    """Quantities at what the limits in force still leave."""
    lot = facts.specs[i].lot_qty
    held, leaves = facts.position[i], facts.worst(i, sign)
    other = facts.worst(i, -sign)
    found = [abs(held)] * (held * sign < 0) + [lot, 2 * lot, 5 * lot]
    for rule, limits in facts.binding(strategy, i).items():
        for limit, _ in limits:
            at = 0
            for p in facts.rules[rule].params:
                n = limit.values[at]
                at += WIDTH[p.unit]
                if n == OFF:
                    continue
                if p.unit == "qty":
                    room = n - sign * held - leaves
                    found += [n, n + lot, room, room + lot, n - lot, room - lot, room + other]
                elif p.unit == "amt" and px > 0:
                    found += _by_value(facts, i, px, n, lot)
    found += _by_policy(facts, i, px, strategy, lot)
    if held * sign < 0:
        reducible = abs(held) - leaves
        found += [reducible, reducible + lot, abs(held), abs(held) + lot, reducible - lot]
    grid = [n - n % lot for n in found if 0 < n < _FAR]
    return [*dict.fromkeys(n for n in grid if n > 0), 0, lot + 1 if lot > 1 else -lot, 1]


def _by_policy(facts: Facts, i: int, px: int, strategy: int, lot: int) -> list[int]:
    """Quantities at the bounds by which a strategy's orders are sized."""
    policy = facts.opened.strategies[strategy].sizing if strategy >= 0 else None
    if policy is None or px <= 0:
        return []
    cash = facts.cash[facts.specs[i].settle]
    found = [policy.max_qty, policy.max_qty + lot]
    for parts, whole in ((policy.leverage, 100), (10_000, policy.margin_bps)):
        found += _by_value(facts, i, px, cash * parts // whole, lot) if parts and whole else []
    return found


def _by_value(facts: Facts, i: int, px: int, amt: int, lot: int) -> list[int]:
    """Quantities whose value, or with what is used already, is about an amount."""
    one = abs(facts.value(i, px, lot))
    if not one:
        return []
    used = sum(
        abs(facts.value(j, facts.mark(j), abs(q) + facts.worst(j, 1) + facts.worst(j, -1))) for j, q in enumerate(facts.position) if facts.mark(j)
    )
    found = []
    for left in (amt, amt - used):
        n = int(left // one) * lot
        found += [n, n + lot]
    return found


def near_px(facts: Facts, px: int, i: int, sign: int, strategy: int) -> list[int]:
    """Prices at the market, at the edges of the collars, and at our own orders on the other side."""
    tick = facts.specs[i].tick_px
    ref = px or facts.reference(i, sign)[0]
    found = [ref, ref + tick, ref - tick, ref - sign * 5 * tick]
    for known in list(facts.working.values())[-6:]:
        if known.instrument == i:
            found += [p + k * tick for p in known.prices if p for k in ((0, sign, -sign) if known.sign != sign else (0,))]
    for rule, limits in facts.binding(strategy, i).items():
        for limit, _ in limits:
            at = 0
            for p in facts.rules[rule].params:
                n = limit.values[at]
                at += WIDTH[p.unit]
                if p.unit == "bps" and n != OFF:
                    above, below = ref * (10_000 + n) // 10_000, -(-ref * (10_000 - n) // 10_000)
                    above, below = above - above % tick, below + -below % tick
                    found += [above, above + tick, below, below - tick]
    return [*dict.fromkeys(p for p in found if p > 0), ref + 1, ref]


def near_ns(facts: Facts, now_ns: int, timer_ns: int) -> list[int]:
    """Waits that end at an edge of something: an age, a window, a timer, a day."""
    found = [SECOND, 10 * SECOND, 60 * SECOND, 3_600 * SECOND]
    if now_ns < timer_ns < _FAR * 4:
        found += [timer_ns - now_ns, timer_ns - now_ns - 1]
    ages = ages_of(facts)
    for limit in facts.in_force.values():
        found += _hours(facts, limit, now_ns)
    since = {known.ns for known in facts.orders[-4:]} | {facts.prints[i][1] for i in range(len(facts.specs)) if facts.prints[i]}  # type: ignore[index]
    for age in ages:
        found += [age, age + 1, age - 1]
        for ns in sorted(since)[-5:]:
            found += [ns + age - now_ns, ns + age + 1 - now_ns, ns + age - 1 - now_ns]
    return [*dict.fromkeys(n for n in found if 0 < n <= _LONG), 86_400 * SECOND]


def ages_of(facts: Facts) -> list[int]:
    """Every stretch of time that something depends on: ages, windows, waits."""
    found: set[int] = set()
    for limit in facts.in_force.values():
        at = 0
        for p in facts.rules[limit.rule].params:
            n = limit.values[at + 1 if p.unit == "rate" else at]
            at += WIDTH[p.unit]
            if p.unit in ("ns", "rate") and n > 0:
                found.add(n)
    control = facts.opened.control
    return sorted(found | {n for n in (control.order_ttl_ns, control.disconnect_ns, control.approval_ns) if n > 0})


def edges_of(facts: Facts, since_ns: int, now_ns: int) -> list[int]:
    """Waits until something that began at a time is exactly as old as a limit says, a nanosecond less, one more."""
    found = [since_ns + age - now_ns + more for age in ages_of(facts) for more in (0, -1, 1)]
    return [n for n in found if 0 < n <= _LONG]


def _hours(facts: Facts, limit: Limit, now_ns: int) -> list[int]:
    """Waits until a moment that a limit names: a minute of the day, a time."""
    found: list[int] = []
    at = 0
    for p in facts.rules[limit.rule].params:
        values = limit.values[at : at + WIDTH[p.unit]]
        at += WIDTH[p.unit]
        for n in values:
            if p.unit == "hours" and n >= 0:
                ahead = (n * 60 * SECOND - now_ns) % _DAY
                found += [ahead, ahead + 1, ahead - 1]
            elif p.unit == "time" and n > now_ns:
                found += [n - now_ns, n - now_ns - 1]
    return found
