"""Each rule at its limit, one over, with its input missing, and as a property."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Instrument, instrument
from domain.risk import KNOWN, OFF, RULES, Check, Limits, Proposal, check_all, reason_code
from domain.terms import Side, TradingState
from reenact.compiled import built

SPEC = instrument("X", price_digits=2, qty_digits=0, tick_size="0.05", lot_size="10", min_notional="100")
INVERSE = instrument("XBT", quote="USD", base="BTC", inverse=True, price_digits=1, qty_digits=0)
SECOND = 10**9


def proposal(**changes: object) -> Proposal:
    """A buy of 10 at 100.00 that passes everything, changed as asked."""
    p = Proposal()
    fields: dict[str, object] = {
        "spec": SPEC, "side": Side.BUY, "qty": 10, "limit_px": 10_000, "stop_px": 0, "reduce_only": False, "now_ns": 100 * SECOND,
        "position_qty": 0, "buy_leaves": 0, "sell_leaves": 0, "ref_px": 10_000, "ref_ns": 99 * SECOND, "ref_seq": 7, "feed_lost": False,
        "state": TradingState.ACTIVE,
    }  # fmt: skip
    for name, value in (fields | changes).items():
        setattr(p, name, value)
    return p


def answer(rule: str, limits: Limits | None = None, **changes: object) -> Check:
    """What one rule says."""
    return KNOWN[rule].check(proposal(**changes), limits or Limits())


@pytest.mark.parametrize(
    ("rule", "limits", "changes", "passed", "observed", "limit"),
    [
        ("R-04", Limits(max_order_qty=10), {"qty": 10}, True, 10, 10),
        ("R-04", Limits(max_order_qty=10), {"qty": 11}, False, 11, 10),
        ("R-04", Limits(), {"qty": 10**12}, True, 10**12, OFF),
        ("R-03", Limits(max_order_amt=100_000), {}, True, 100_000, 100_000),
        ("R-03", Limits(max_order_amt=99_999), {}, False, 100_000, 99_999),
        ("R-03", Limits(max_order_amt=100_000), {"limit_px": 9_000, "ref_px": 10_001}, False, 100_010, 100_000),
        ("R-03", Limits(max_order_amt=100_000), {"limit_px": 0, "ref_px": 0, "ref_ns": 0}, False, -1, 100_000),
        ("R-03", Limits(), {"limit_px": 0, "ref_px": 0, "ref_ns": 0}, True, -1, OFF),
        ("R-03", Limits(max_order_amt=10**12), {"spec": INVERSE, "limit_px": 20_000, "ref_px": 10_000}, True, 1_000_000, 10**12),
        ("R-01", Limits(collar_bps=100), {"limit_px": 10_100}, True, 100, 100),
        ("R-01", Limits(collar_bps=100), {"limit_px": 10_101}, False, 101, 100),
        ("R-01", Limits(collar_bps=100), {"limit_px": 9_900}, True, 100, 100),
        ("R-01", Limits(collar_bps=100), {"limit_px": 9_899}, False, 101, 100),
        ("R-01", Limits(collar_bps=100), {"limit_px": 0, "stop_px": 10_200}, False, 200, 100),
        ("R-01", Limits(collar_bps=0), {"limit_px": 10_000}, True, 0, 0),
        ("R-01", Limits(collar_bps=100), {"limit_px": 0}, True, 0, 100),
        ("R-01", Limits(collar_bps=100), {"ref_px": 0, "ref_ns": 0}, False, -1, 100),
        ("R-01", Limits(), {"ref_px": 0, "ref_ns": 0}, True, -1, OFF),
        ("R-01", Limits(), {"limit_px": 99_999}, True, 89_999, OFF),
        ("R-07", Limits(max_long_qty=30), {"position_qty": 10, "buy_leaves": 10}, True, 30, 30),
        ("R-07", Limits(max_long_qty=30), {"position_qty": 11, "buy_leaves": 10}, False, 31, 30),
        ("R-07", Limits(max_long_qty=0), {"position_qty": -10}, True, 0, 0),
        ("R-07", Limits(max_short_qty=30), {"side": Side.SELL, "position_qty": -10, "sell_leaves": 10}, True, 30, 30),
        ("R-07", Limits(max_short_qty=30), {"side": Side.SELL, "position_qty": -10, "sell_leaves": 11}, False, 31, 30),
        ("R-07", Limits(max_short_qty=0), {"side": Side.SELL, "position_qty": 10}, True, 0, 0),
        ("R-07", Limits(max_short_qty=0), {"side": Side.SELL, "position_qty": 9}, False, 1, 0),
        ("R-07", Limits(), {"position_qty": 10**9}, True, 10**9 + 10, OFF),
        ("R-23", Limits(), {"reduce_only": True, "position_qty": -10}, True, 10, 10),
        ("R-23", Limits(), {"reduce_only": True, "position_qty": -9}, False, 10, 9),
        ("R-23", Limits(), {"reduce_only": True, "position_qty": -15, "buy_leaves": 6}, False, 10, 9),
        ("R-23", Limits(), {"reduce_only": True, "position_qty": 10}, False, 10, 0),
        ("R-23", Limits(), {"reduce_only": True, "side": Side.SELL, "position_qty": 20, "sell_leaves": 10}, True, 10, 10),
        ("R-23", Limits(), {"reduce_only": True, "side": Side.SELL, "position_qty": 20, "sell_leaves": 11}, False, 10, 9),
        ("R-20", Limits(max_age_ns=SECOND), {}, True, SECOND, SECOND),
        ("R-20", Limits(max_age_ns=SECOND - 1), {}, False, SECOND, SECOND - 1),
        ("R-20", Limits(max_age_ns=SECOND), {"feed_lost": True}, False, SECOND, SECOND),
        ("R-20", Limits(), {"feed_lost": True}, False, SECOND, OFF),
        ("R-20", Limits(max_age_ns=SECOND), {"ref_ns": 0}, False, -1, SECOND),
        ("R-20", Limits(), {"ref_ns": 0}, True, -1, OFF),
        ("R-20", Limits(), {"ref_ns": 0, "feed_lost": True}, False, -1, OFF),
        ("R-19a", Limits(), {}, True, 1, 1),
        ("R-19b", Limits(), {"limit_px": 10_005}, True, 10_005, 5),
        ("R-19b", Limits(), {"limit_px": 10_001}, False, 10_001, 5),
        ("R-19b", Limits(), {"limit_px": -5}, False, -5, 5),
        ("R-19b", Limits(), {"stop_px": 10_001}, False, 10_001, 5),
        ("R-19c", Limits(), {"qty": 10}, True, 10, 10),
        ("R-19c", Limits(), {"qty": 11}, False, 11, 10),
        ("R-19c", Limits(), {"qty": 0}, False, 0, 10),
        ("R-19c", Limits(), {"qty": -10}, False, -10, 10),
        ("R-19d", Limits(), {"limit_px": 1_000}, True, 10_000, 10_000),
        ("R-19d", Limits(), {"limit_px": 995}, False, 9_950, 10_000),
        ("R-19d", Limits(), {"limit_px": 0}, True, 100_000, 10_000),
        ("R-19d", Limits(), {"limit_px": 0, "ref_px": 0, "ref_ns": 0}, False, 0, 10_000),
        ("K-01", Limits(), {}, True, 0, 0),
        ("K-01", Limits(), {"state": TradingState.KILLED}, False, 3, 0),
        ("K-02", Limits(), {"state": TradingState.HALTED}, False, 2, 0),
        ("K-02", Limits(), {"state": TradingState.HALTED, "position_qty": -10}, False, 2, 0),
        ("K-02", Limits(), {"state": TradingState.KILLED, "position_qty": -10}, False, 3, 0),
        ("K-02", Limits(), {"state": TradingState.REDUCE_ONLY, "position_qty": -10}, True, 1, 0),
        ("K-02", Limits(), {"state": TradingState.REDUCE_ONLY, "position_qty": -9}, False, 1, 0),
    ],
)
def test_a_rule_compares_its_numbers_at_the_limit_and_beyond(
    rule: str, limits: Limits, changes: dict[str, object], passed: bool, observed: int, limit: int
) -> None:
    """Given a proposal at or over a limit, then the rule says so with the numbers it compared."""
    check = answer(rule, limits, **changes)
    assert (check.rule, check.passed, check.observed, check.limit) == (rule, passed, observed, limit)


def test_an_instrument_that_is_not_tradable_is_denied() -> None:
    """Given a status that forbids trading, then R-19a fails."""
    assert not answer("R-19a", spec=instrument("X", tradable=False)).passed


def test_every_rule_answers_even_when_the_first_fails() -> None:
    """Given an order that breaks many rules, then all answers are there and the first failing one gives the reason."""
    p = proposal(state=TradingState.KILLED, qty=11, limit_px=20_001)
    checks = check_all(p, Limits(max_order_qty=1, max_order_amt=1, collar_bps=1, max_long_qty=1, max_age_ns=1))
    assert [c.rule for c in checks] == [r.id for r in RULES]
    assert reason_code(checks) == "KILLED"
    assert [c.rule for c in checks if not c.passed] == ["K-01", "K-02", "R-19b", "R-19c", "R-20", "R-01", "R-04", "R-03", "R-07"]
    assert reason_code(check_all(proposal(), Limits())) == ""


def test_rules_have_unique_ids_units_and_a_source() -> None:
    """Given the pipeline, then each rule can be named, shown with its unit and traced to where it comes from."""
    assert len({r.id for r in RULES}) == len({r.code for r in RULES}) == len(RULES) == len(KNOWN)
    for rule in RULES:
        assert rule.unit
        assert rule.check.__name__.startswith("check_")
        assert built() or "Source:" in (rule.check.__doc__ or "")  # compiled functions carry no docstring


qty = st.integers(-50, 50)
any_limit = st.one_of(st.just(OFF), st.integers(0, 100))


@given(
    side=st.sampled_from([Side.BUY, Side.SELL]), size=st.integers(1, 60), position=qty, buys=st.integers(0, 60), sells=st.integers(0, 60),
    longest=any_limit, shortest=any_limit,
)  # fmt: skip
def test_whatever_fills_the_position_of_an_approved_order_stays_within_limits(
    side: Side, size: int, position: int, buys: int, sells: int, longest: int, shortest: int
) -> None:
    """Given any working orders, when the order passes R-07, then no subset of fills on its side breaks the limit."""
    check = answer(
        "R-07", Limits(max_long_qty=longest, max_short_qty=shortest), side=side, qty=size, position_qty=position, buy_leaves=buys, sell_leaves=sells
    )
    limit = longest if side > 0 else shortest
    worst = max(side * position + filled for filled in range((buys if side > 0 else sells) + size + 1))
    assert check.passed == (limit == OFF or worst <= limit)


@given(px=st.integers(1, 20_000), ref=st.integers(1, 20_000), bps=st.integers(0, 10_000))
def test_the_collar_is_exact(px: int, ref: int, bps: int) -> None:
    """Given any price and reference, then the collar passes exactly when the exact fraction is within it."""
    check = answer("R-01", Limits(collar_bps=bps), limit_px=px, ref_px=ref)
    away = Fraction(abs(px - ref) * 10_000, ref)
    assert check.passed == (away <= bps)
    assert check.observed - 1 < away <= check.observed


@given(px=st.integers(1, 10**6), ref=st.integers(1, 10**6), size=st.integers(1, 1000), inverse=st.booleans(), limit=st.integers(0, 10**12))
def test_the_value_of_an_approved_order_is_within_its_limit_at_its_price_and_at_the_reference(
    px: int, ref: int, size: int, inverse: bool, limit: int
) -> None:
    """Given a linear or inverse contract, when R-03 passes, then the order is worth no more than the limit at either price."""
    spec: Instrument = INVERSE if inverse else SPEC
    check = answer("R-03", Limits(max_order_amt=limit), spec=spec, limit_px=px, ref_px=ref, qty=size)
    assert check.passed == (max(spec.notional(px, size), spec.notional(ref, size)) <= limit)


@given(side=st.sampled_from([Side.BUY, Side.SELL]), size=st.integers(1, 60), position=qty, buys=st.integers(0, 30), sells=st.integers(0, 30))
def test_a_reduce_only_order_never_makes_the_position_larger_or_turns_it(side: Side, size: int, position: int, buys: int, sells: int) -> None:
    """Given any position and working orders, when R-23 passes, then after any fills on the order's side the position is no larger and has not turned."""
    check = answer("R-23", reduce_only=True, side=side, qty=size, position_qty=position, buy_leaves=buys, sell_leaves=sells)
    working = buys if side > 0 else sells
    after = [position + side * filled for filled in range(working + size + 1)]
    reduces = all(abs(a) <= abs(position) and a * position >= 0 for a in after) and position != 0
    assert check.passed == reduces
