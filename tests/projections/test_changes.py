"""What views say changed, put together, is what they say is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import FeeCharged
from domain.terms import Side
from projections.executions import Executions
from projections.orders import Orders
from projections.pnl import Pnl
from projections.rebuild import fold
from tests.projections.builder import Session
from tests.projections.walks import sessions


@settings(max_examples=40)
@given(session=sessions(), data=st.data())
def test_changed_rows_put_over_the_ones_before_are_all_rows(session: Session, data: st.DataObject) -> None:
    orders, executions, pnl = Orders(), Executions(), Pnl()
    known: dict[str, dict[Any, Any]] = {"orders": {}, "executions": {}}
    curves: dict[str, dict[int, Any]] = {}
    for commit in session.commits():
        fold([commit], [orders, executions, pnl])
        if data.draw(st.booleans()):
            continue
        known["orders"] |= {row.submitted_seq: row for row in orders.changed()}
        known["executions"] |= {row.seq: row for row in executions.changed()}
        for row in pnl.rows():
            curve, change = curves.setdefault(row.currency, {}), pnl.curve_changed(row.currency)
            for seq in change.gone:
                del curve[seq]
            curve |= {point.seq: point for point in change.points}
            assert list(dict(sorted(curve.items())).values()) == pnl.curve(row.currency)
        assert list(known["orders"].values()) == orders.rows()
        assert list(known["executions"].values()) == executions.rows()


def test_nothing_changed_is_an_empty_answer_and_the_first_one_is_everything() -> None:
    session = Session()
    first = session.trade(Side.BUY, 5, 100)
    session.trade(Side.BUY, 5, 100)
    orders = Orders()
    commits = session.commits()
    fold(commits, [orders])
    assert [row.cl_ord_id for row in orders.changed()] == [first, "T-2"]
    assert orders.changed() == []
    session.fill(first, 90, 1)
    fold(session.commits()[len(commits) :], [orders])
    assert [row.cl_ord_id for row in orders.changed()] == [first]


def test_a_finer_unit_tells_every_point_again_also_those_that_are_zero() -> None:
    session = Session(balances=())
    session.trade(Side.BUY, 1, 100)
    pnl = Pnl()
    fold(session.commits(), [pnl])
    told = pnl.curve_changed("USD").points
    n = len(session.commits())
    session.emit(FeeCharged(session.later(), 0, "USD", 1, 9, "data"))
    fold(session.commits()[n:], [pnl])
    assert [p.seq for p in pnl.curve_changed("USD").points[: len(told)]] == [p.seq for p in told]
    assert any(p.equity == 0 for p in told)
