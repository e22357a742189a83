"""The engine's laws: intent before effect, causes, equal decisions however the input is cut."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bars import bars_of
from domain.context import Context
from domain.errors import StrategyError
from domain.events import (
    BalanceReported,
    BarClosed,
    DayRolled,
    ExternalTradeObserved,
    FeedConnected,
    FeedLost,
    KillSwitchEngaged,
    LimitsChanged,
    OperatorCommandReceived,
    OperatorCommandRefused,
    OrderApproved,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderReplaceRequested,
    OrderSubmitted,
    OrderUnknown,
    ParametersChanged,
    QuoteUpdated,
    ReconciliationAdjusted,
    ReconciliationBreak,
    SessionResumed,
    SignalRaised,
    TimerFired,
    TimerSet,
    TradePrinted,
    TradingHalted,
    TradingResumed,
)
from domain.risk import RULES, Approved
from domain.strategy import ScanningStrategy, Strategy
from domain.terms import Scope, Side, TradingState
from domain.ticks import PX, Ticks, concat
from tests.domain.harness import SECOND, T0, World, bounds, quotes, trades


class Every(Strategy):
    """Buys and sells in turn every n-th tick."""

    def __init__(self, n: int = 1, qty: int = 10) -> None:
        self.n, self.qty, self.seen = n, qty, 0
        self.fills: list[OrderFilled] = []

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        self.seen += 1
        if self.seen % self.n == 0:
            buy = self.seen // self.n % 2 == 1
            (ctx.buy if buy else ctx.sell)(tick.instrument, self.qty, reason=f"tick {self.seen}")

    def on_fill(self, ctx: Context, fill: OrderFilled) -> None:
        self.fills.append(fill)


class Level(ScanningStrategy):
    """Buys once whenever the price of instrument 0 is at or above a level, and knows how many ticks it has folded."""

    def __init__(self, level: int) -> None:
        self.level, self.folded = level, 0

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        self.folded += 1
        if isinstance(tick, TradePrinted) and tick.instrument == 0 and tick.px >= self.level:
            ctx.buy(0, 1, reason=f"folded {self.folded}")

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        hits = ((ticks.cols[PX, start:stop] >= self.level) & (ticks.instrument[start:stop] == 0)).nonzero()[0]
        return start + int(hits[0]) if len(hits) else stop

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        self.folded += stop - start


def command(name: str, **argument: object) -> OperatorCommandReceived:
    return asked("ada", name, **argument)


def asked(actor: str, name: str, **argument: object) -> OperatorCommandReceived:
    return OperatorCommandReceived(T0 + 100 * SECOND, 0, actor, name, json.dumps(argument))


def test_a_wish_becomes_signal_approval_and_intent_in_that_order_each_naming_its_cause() -> None:
    """Given a strategy that buys on the second tick, then the chain leads from the order back to that tick."""
    world = World(Every(2)).tick(trades(10_000, 10_010))
    (signal_seq, signal), (approval_seq, approval), (_, order) = world.events[1:]
    assert isinstance(signal, SignalRaised)
    assert isinstance(approval, OrderApproved)
    assert isinstance(order, OrderSubmitted)
    assert signal.cause == 3  # the opening is 1, the ticks are 2 and 3
    assert (approval.cause, order.cause) == (signal_seq, approval_seq)
    assert [c.rule for c in approval.checks] == [r.id for r in RULES if not r.params]
    assert world.sent == [order]
    assert order.ns == T0 + 2 * SECOND


def test_a_denied_order_never_reaches_the_outbox_and_lists_every_check() -> None:
    """Given limits of 5 and 50, when a strategy wants 10, then it is denied with the reason, and the rules behind the one that fails answer too."""
    world = World(Every(), limits=bounds(max_order_qty=5, max_long=50)).tick(trades(10_000))
    (denied,) = world.of(OrderDenied)
    assert isinstance(denied, OrderDenied)
    assert denied.reason == "MAX_ORDER_QTY"
    assert [c.rule for c in denied.checks] == [r.id for r in RULES if not r.params or r.id in ("R-04", "R-07")]
    (failed,) = (c for c in denied.checks if not c.passed)
    assert (failed.rule, failed.observed, failed.limit, failed.limit_id) == ("R-04", 10, 5, 1)
    assert not world.engine.desk.outbox
    assert not world.of(OrderSubmitted, OrderApproved)


def test_working_orders_count_at_worst_case_from_the_moment_of_intent() -> None:
    """Given a long limit of 20, when three buys of 10 are wanted before any answer, then the third is denied."""

    class Buys(Strategy):
        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            ctx.buy(0, 10)

    world = World(Buys(), limits=bounds(max_long=20)).tick(trades(1, 1, 1))
    assert [e.reason for e in world.of(OrderDenied) if isinstance(e, OrderDenied)] == ["POSITION_LIMIT"]
    assert len(world.sent) == 2


def test_fills_reach_the_strategy_that_ordered_and_only_that_one() -> None:
    """Given two strategies, when an order of the first is filled, then only the first hears of it and owns the position."""
    a, b = Every(1), Every(1000)
    world = World(a, b).tick(trades(10_000))
    world.fill(world.sent[0], 10_000)
    assert (len(a.fills), len(b.fills)) == (1, 0)
    assert [c.position(0) for c in world.engine.contexts] == [10, 0]
    assert world.engine.desk.state.positions[0].qty == 10


def test_a_repeated_fill_changes_nothing_and_is_not_told_twice() -> None:
    """Given a fill that comes twice, then position, cash and strategy see it once, and the log holds both."""
    strategy = Every(1)
    world = World(strategy).tick(trades(10_000))
    world.fill(world.sent[0], 10_000, fee_amt=25)
    cash = world.engine.desk.state.cash["USD"]
    world.step(strategy.fills[0])
    assert world.engine.desk.state.cash["USD"] == cash == 100_000_000 - 100_000 - 25
    assert len(strategy.fills) == 1
    assert len(world.of(OrderFilled)) == 2


def test_the_kill_switch_cancels_everything_and_nothing_is_sent_after_it() -> None:
    """Given two working orders, when the kill switch is engaged, then both get a cancel and every later wish is denied KILLED."""
    world = World(Every()).tick(trades(1, 2)).step(command("kill", reason="drill"))
    (killed,) = world.of(KillSwitchEngaged)
    assert isinstance(killed, KillSwitchEngaged)
    assert (killed.actor, killed.reason) == ("ada", "drill")
    assert len(world.of(OrderCancelRequested)) == 2
    before = len(world.sent)
    world.tick(trades(3, 4, start=200))
    assert len(world.sent) == before
    assert [e.reason for e in world.of(OrderDenied) if isinstance(e, OrderDenied)] == ["KILLED", "KILLED"]
    world.step(command("resume", reason="over"), asked("ben", "approve", number=1)).tick(trades(5, start=300))
    assert world.of(TradingResumed)
    assert len(world.sent) == before + 1


def test_halts_and_reduce_only_gate_new_orders() -> None:
    """Given a long position, when the account is reduce-only, then only a sell passes; when halted, nothing does."""

    class Both(Strategy):
        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            ctx.buy(0, 1)
            ctx.sell(0, 1)

    world = World(Both()).tick(trades(100))
    world.fill(world.sent[0], 100, 1)
    world.step(command("reduce_only")).tick(trades(100, start=200))
    assert [type(e).__name__ for _, e in world.events[-5:]] == ["TradingHalted", "SignalRaised", "OrderDenied", "SignalRaised", "OrderDenied"]
    states = [e.state for e in world.of(TradingHalted) if isinstance(e, TradingHalted)]
    assert states == [TradingState.REDUCE_ONLY]
    world.step(command("halt")).tick(trades(100, start=300))
    assert world.engine.desk.risk.state_of(Scope.ACCOUNT, "") == TradingState.HALTED
    assert {e.reason for e in world.of(OrderDenied) if isinstance(e, OrderDenied)} == {"HALTED"}


def test_limits_change_by_command_and_bind_from_then_on() -> None:
    """Given a running session, when an operator lowers a limit, then the next order meets version 2."""
    world = World(Every(), limits=bounds(max_order_qty=10)).tick(trades(100))
    world.step(command("limits", scope="instrument", members=["X"], values={"max_order_qty": [9]})).tick(trades(100, start=200))
    (changed,) = world.of(LimitsChanged)
    assert isinstance(changed, LimitsChanged)
    assert (changed.limit.version, changed.limit.values) == (2, (9,))
    assert len(world.of(OrderSubmitted)) == 1
    assert len(world.of(OrderDenied)) == 1


@pytest.mark.parametrize(
    ("name", "argument", "sentence"),
    [
        ("dance", {}, "there is no command 'dance'"),
        ("limits", {"symbol": "X"}, "unknown field"),
        ("params", {"strategy": "nobody", "params": {}}, "there is no strategy 'nobody'"),
        ("params", {"strategy": "s0", "params": {"a": 1}}, "cannot be changed while it runs"),
        ("cancel", {"cl_ord_id": "zz"}, "there is no working order 'zz'"),
        ("order", {"symbol": "X", "side": "hold", "qty": 1}, "side is buy or sell"),
        ("adjust", {"currency": "EUR", "amt": 1, "digits": 2, "reason": "x"}, "holds no EUR"),
        ("resume", {}, "active already"),
    ],
)
def test_a_command_that_cannot_be_obeyed_is_refused_with_a_reason_and_changes_nothing(name: str, argument: dict[str, object], sentence: str) -> None:
    """Given a command without sense, then the log holds it and its refusal, and nothing else follows."""
    world = World(Every(100)).tick(trades(1)).step(command(name, **argument))
    (refused,) = world.of(OperatorCommandRefused)
    assert isinstance(refused, OperatorCommandRefused)
    assert sentence in refused.reason
    assert world.events[-1][1] is refused
    assert refused.cause == world.events[-2][0]


def test_an_operator_may_order_cancel_and_adjust_by_hand() -> None:
    """Given an operator's order, then it passes the same rules, names the command as cause and belongs to no strategy."""
    world = World(Every(100)).tick(trades(100)).step(command("order", symbol="X", side="buy", qty=3, limit_px=99))
    (order,) = world.sent
    assert order.strategy == -1
    assert world.events[-2][1] == world.of(OrderApproved)[0]
    assert world.of(OrderApproved)[0].cause == world.events[-3][0]
    world.step(command("cancel", cl_ord_id=order.cl_ord_id))
    assert len(world.of(OrderCancelRequested)) == 1
    world.step(command("cancel"))
    assert len(world.of(OrderCancelRequested)) == 1  # it was asked before
    world.step(command("adjust", currency="USD", amt=-150, digits=2, reason="bank fee"))
    assert isinstance(world.of(ReconciliationAdjusted)[0], ReconciliationAdjusted)
    assert world.engine.desk.state.cash["USD"] == 100_000_000 - 150


def test_parameters_change_by_command() -> None:
    """Given a strategy that takes new parameters, then they are recorded after it has accepted them."""

    class Tunable(Every):
        def on_parameters(self, ctx: Context, params: dict[str, object]) -> None:
            self.qty = int(str(params["qty"]))

    world = World(Tunable()).step(command("params", strategy="s0", params={"qty": 3})).tick(trades(1))
    assert isinstance(world.of(ParametersChanged)[0], ParametersChanged)
    assert world.sent[0].order_qty == 3


def test_a_lost_feed_makes_its_instruments_stale_until_it_is_back() -> None:
    """Given a lost feed, then orders in its instruments are denied FEED_LOST, others pass, and all pass again when it is back."""
    world = World(Every()).step(FeedLost(T0, 0, "f", "cable", (0,))).tick(trades(1, 1, instrument=[0, 1]))
    assert [e.reason for e in world.of(OrderDenied) if isinstance(e, OrderDenied)] == ["FEED_LOST"]
    assert [o.instrument for o in world.sent] == [1]
    world.step(FeedConnected(T0 + 50 * SECOND, 0, "f")).tick(trades(1, start=60))
    assert len(world.sent) == 2


def test_timers_are_recorded_wishes_and_recorded_inputs() -> None:
    """Given a strategy that sets a timer at the start, when it fires, then it is called with its name, and cause leads to the firing."""

    class Timed(Strategy):
        def on_start(self, ctx: Context) -> None:
            ctx.set_timer("wake", ctx.now_ns + SECOND)

        def on_timer(self, ctx: Context, name: str) -> None:
            ctx.hold(0, f"{name} at {ctx.now_ns - T0}")

    world = World(Timed())
    assert world.engine.desk.next_timer_ns == T0 + SECOND
    world.step(TimerFired(T0 + SECOND, 0, 0, "wake", T0 + SECOND))
    (_, _), (_, timer), (fired_seq, _), (_, hold) = world.events
    assert isinstance(timer, TimerSet)
    assert isinstance(hold, SignalRaised)
    assert (hold.side, hold.reason, hold.cause) == (Side.NONE, f"wake at {SECOND}", fired_seq)


def test_a_timer_in_the_past_is_a_strategy_error() -> None:
    """Given a timer that is due already, then the strategy is told, instead of waking for ever."""

    class Late(Strategy):
        def on_start(self, ctx: Context) -> None:
            ctx.set_timer("late", ctx.now_ns)

    with pytest.raises(StrategyError, match="not after now"):
        World(Late())


def test_after_a_stop_an_unanswered_order_is_unknown_and_still_counts() -> None:
    """Given an order sent and never answered, when the session resumes, then it is UNKNOWN and its leaves still count."""
    world = World(Every(1)).tick(trades(1)).step(SessionResumed(T0 + 9 * SECOND, 0, "code", "power cut"))
    (unknown,) = world.of(OrderUnknown)
    assert isinstance(unknown, OrderUnknown)
    assert unknown.cl_ord_id == world.sent[0].cl_ord_id
    assert world.engine.desk.state.orders.buy_leaves[0] == 10


def test_a_balance_that_differs_from_ours_is_a_break_when_flat() -> None:
    """Given a flat account, when the venue reports another balance, then a break holds both numbers; with an open position nothing is compared."""
    world = World(Every(1)).step(BalanceReported(T0, 0, "USD", 100_000_000, 2))
    assert not world.of(ReconciliationBreak)
    world.step(BalanceReported(T0, 0, "USD", 999, 1))
    (found,) = world.of(ReconciliationBreak)
    assert isinstance(found, ReconciliationBreak)
    assert (found.expected, found.observed, found.digits) == (100_000_000, 9_990, 2)
    world.step(ExternalTradeObserved(T0, 0, 0, T0, "x1", Side.BUY, 100, 5, "by hand"), BalanceReported(T0, 0, "USD", 1, 2))
    assert len(world.of(ReconciliationBreak)) == 1
    assert world.engine.desk.state.positions[0].qty == 5


def test_a_replacement_passes_the_gates_with_the_larger_of_old_and_new_open_quantity() -> None:
    """Given a working buy of 10 at a long limit of 15, then a change to 15 passes and a change to 16 is denied, the order staying as it is."""

    class Replaces(Strategy):
        def __init__(self) -> None:
            self.id = ""

        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            if not self.id:
                self.id = ctx.buy(0, 10, limit_px=tick.px - 1 if isinstance(tick, TradePrinted) else 1)
            else:
                assert ctx.replace(self.id, qty=16) == ""
                assert ctx.replace(self.id, qty=15) != ""
                assert ctx.replace(self.id, qty=14) == ""  # one request at a time

    world = World(Replaces(), limits=bounds(max_long=15)).tick(trades(100, 100))
    assert [type(m.message).__name__ for m in world.engine.desk.outbox if isinstance(m, Approved)] == ["OrderSubmitted", "OrderReplaceRequested"]
    assert [e.reason for e in world.of(OrderDenied) if isinstance(e, OrderDenied)] == ["POSITION_LIMIT"]
    assert world.engine.desk.state.orders.buy_leaves[0] == 15
    assert world.of(OrderReplaceRequested)


def test_the_day_is_known_after_it_rolled() -> None:
    """Given a day roll, then the state knows the day."""
    assert World(Every()).step(DayRolled(T0, 0, 20231115)).engine.desk.state.day == 20231115


def test_what_a_strategy_sees_of_the_market_is_what_it_has_been_handed() -> None:
    """Given trades and quotes of two instruments in one table, then at every tick the context shows the last of each, never a later one."""
    seen: list[tuple[int, int, object]] = []

    class Looks(Strategy):
        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            quote = ctx.quote(0)
            seen.append((ctx.last_px(0), ctx.last_px(1), quote and quote[:4]))
            ctx.hold(0, "look")

    a = trades(100, 200, 101, instrument=[0, 1, 0], start=1)
    whole = concat([a, quotes((99, 102), (98, 103), start=4), trades(300, instrument=1, start=6)])
    expected = [
        (100, 0, None),
        (100, 200, None),
        (101, 200, None),
        (101, 200, (99, 100, 102, 100)),
        (101, 200, (98, 100, 103, 100)),
        (101, 300, (98, 100, 103, 100)),
    ]
    for pieces in (0, 1, 2, 4):
        seen.clear()
        World(Looks()).tick(whole, pieces=pieces)
        assert seen == expected


@given(
    prices=st.lists(st.integers(95, 105), min_size=1, max_size=60),
    which=st.lists(st.integers(0, 1), min_size=60, max_size=60),
    pieces=st.integers(1, 61),
    level=st.integers(98, 106),
    every=st.integers(1, 9),
    other=st.integers(2, 7),
)
def test_where_the_tables_were_cut_changes_nothing(prices: list[int], which: list[int], pieces: int, level: int, every: int, other: int) -> None:
    """Given scanning and plain strategies together, then one table, many tables and tables of one tick give the same bytes."""
    ticks = trades(*prices, instrument=which[: len(prices)])

    def play(pieces: int) -> bytes:
        world = World(Level(level), Every(every), Level(level - 1), Every(other), limits=bounds(max_long=200, max_short=200))
        return world.tick(ticks, pieces=pieces).record()

    assert play(0) == play(pieces) == play(1)


def test_strategies_act_in_the_order_of_the_configuration() -> None:
    """Given a scanning strategy between two plain ones that all act on one tick, then their signals stand in the configured order."""
    world = World(Every(1), Level(1), Every(1)).tick(trades(5, 5))
    assert [e.strategy for e in world.of(SignalRaised) if isinstance(e, SignalRaised)] == [0, 1, 2, 0, 1, 2]


def test_memory_does_not_grow_with_closed_orders() -> None:
    """Given many orders filled at once, then the state remembers a bounded number of them."""
    world = World(Every(1))
    for i in range(6_000):
        world.tick(trades(100, start=i + 1))
        world.fill(world.sent[-1], 100)
        world.engine.desk.outbox.clear()
    assert len(world.engine.desk.state.orders._by_id) <= 4_096


class Bars(Strategy):
    """Keeps every bar it hears of and holds at each."""

    def __init__(self) -> None:
        self.bars: list[BarClosed] = []

    def on_bar(self, ctx: Context, bar: BarClosed) -> None:
        self.bars.append(bar)
        ctx.hold(bar.instrument, f"bar {bar.close_px}")

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        raise AssertionError("a strategy with bars hears of no tick")


@given(prices=st.lists(st.integers(90, 110), min_size=1, max_size=80), pieces=st.integers(1, 81))
def test_bars_built_for_a_strategy_equal_the_bars_of_the_whole_table_and_come_before_the_tick_that_ends_them(prices: list[int], pieces: int) -> None:
    """Given trades cut anyhow, then the strategy hears the same bars as one pass over the whole table builds (the open one excepted)."""
    ticks = trades(*prices)
    strategy = Bars()
    world = World(strategy, bar_ns=7 * SECOND).tick(ticks, pieces=pieces)
    whole = bars_of(ticks, 7 * SECOND)
    last_end = int(whole.event_ns[-1])
    expected = [b for b in whole.events() if isinstance(b, BarClosed) and b.event_ns < last_end]
    assert [msgspec.structs.replace(b, ns=b.event_ns) for b in strategy.bars] == expected
    for seq, hold in world.events[1:]:
        assert hold.cause == seq - 1  # the tick that showed the bar was over


def test_an_absurd_order_is_denied_and_recorded_whatever_its_numbers() -> None:
    """Given a price and a quantity whose value needs more than 64 bits, then the order is denied and the commit still closes."""

    class Fat(Strategy):
        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            ctx.buy(0, 2**61, limit_px=2**61)

    world = World(Fat(), limits=bounds(max_order_value=1, collar_bps=1, max_long=1)).tick(trades(1))
    (denied,) = world.of(OrderDenied)
    assert isinstance(denied, OrderDenied)
    assert {c.rule: c.observed for c in denied.checks}["R-03"] == 2**63 - 1
    assert world.record()


def test_numbers_beyond_any_instrument_are_a_strategy_error() -> None:
    """Given a quantity that no log could hold, then the strategy is told."""

    class Absurd(Strategy):
        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            ctx.buy(0, 2**63)

    with pytest.raises(StrategyError, match="62 bits"):
        World(Absurd()).tick(trades(1))


def test_a_replacement_that_leaves_nothing_open_is_denied() -> None:
    """Given a buy of 10 of which 3 are filled, then a change to 3 is denied as no quantity, and the order stays as it is (found by the machine)."""

    class Shrinks(Strategy):
        def __init__(self) -> None:
            self.id = ""

        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            if not self.id:
                self.id = ctx.buy(0, 10, limit_px=100)
            else:
                assert ctx.replace(self.id, qty=3) == ""
                assert ctx.replace(self.id, qty=4) != ""

    world = World(Shrinks()).tick(trades(100))
    world.fill(world.sent[0], 100, 3)
    world.tick(trades(100, start=20))
    assert [e.reason for e in world.of(OrderDenied) if isinstance(e, OrderDenied)] == ["INVALID_LOT"]
    assert len(world.of(OrderReplaceRequested)) == 1
