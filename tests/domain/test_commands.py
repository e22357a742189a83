"""What a person may change: limits as events, orders by hand, and which words are refused."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from domain.commands import COMMANDS, MAY_NEED_TWO, SubmitOrder, terms_of
from domain.control.words import nearest
from domain.events import (
    ControlSettings,
    LimitsChanged,
    OperatorCommandReceived,
    OperatorCommandRefused,
    OrderApproved,
    OrderCancelRequested,
    OrderDenied,
    OrderSubmitted,
    ReconciliationAdjusted,
    TimerSet,
)
from domain.limits import Limit
from domain.terms import OrderType, Scope, Side, TimeInForce
from tests.domain.harness import SECOND, T0, World, bounds, trades
from tests.domain.people import Buys, asks, fire, house_timers, refusal


def changed(world: World) -> list[Limit]:
    return [e.limit for e in world.of(LimitsChanged) if isinstance(e, LimitsChanged)]


def limits(
    values: dict[str, object], *, scope: str = "instrument", members: tuple[str, ...] = ("X",), at: int = 0, **more: object
) -> OperatorCommandReceived:
    return asks("ann", "limits", {"scope": scope, "members": list(members), "values": values} | more, at=at)


def test_several_rules_in_one_command_give_a_version_each_with_owner_and_time() -> None:
    """Given two rules of one instrument, when both change in one command, then two events with consecutive ids name who asked and from when."""
    world = World(Buys(), limits=bounds(("X",), max_order_qty=10)).step(limits({"max_order_qty": [20], "max_long": [30], "max_short": [0]}, at=5))
    now = T0 + 5 * SECOND
    assert changed(world) == [
        Limit(2, "R-04", Scope.INSTRUMENT, ("X",), (20,), 2, "ann", "", now),
        Limit(3, "R-07", Scope.INSTRUMENT, ("X",), (30, 0), 1, "ann", "", now),
    ]
    assert {e.cause for e in world.of(LimitsChanged)} == {2}


def test_what_a_command_leaves_out_stays_as_it_is() -> None:
    """Given a rule with two numbers, when one is changed, then the other stays, and -1 switches one off."""
    world = World(Buys(), limits=bounds(("X",), max_long=30, max_short=20))
    world.step(limits({"max_short": [5]}), limits({"max_long": [-1]}))
    assert [limit.values for limit in changed(world)] == [(30, 5), (-1, 5)]
    assert [limit.version for limit in changed(world)] == [2, 3]


def test_members_that_differ_in_what_is_left_out_get_a_limit_each() -> None:
    """Given X and Y with different long limits, when both get one short limit, then each keeps its own long limit."""
    world = World(Buys(), limits=(*bounds(("X",), max_long=30), Limit(2, "R-07", Scope.INSTRUMENT, ("Y",), (40, -1))))
    world.step(limits({"max_short": [5]}, members=("X", "Y")))
    assert [(limit.id, limit.members, limit.values) for limit in changed(world)] == [(3, ("X",), (30, 5)), (4, ("Y",), (40, 5))]
    world.step(limits({"max_long": [7]}, members=("X", "Y")))
    assert [(limit.id, limit.members, limit.values, limit.version) for limit in changed(world)[2:]] == [(5, ("X", "Y"), (7, 5), 3)]


def test_a_new_limit_binds_the_next_order_and_no_earlier_one() -> None:
    """Given a lower limit between two ticks, then the first order passes and the second is denied by the new version."""
    world = World(Buys(10)).tick(trades(100)).step(limits({"max_order_qty": [9]}, at=2)).tick(trades(100, start=3))
    (denied,) = world.of(OrderDenied)
    assert isinstance(denied, OrderDenied)
    assert [(c.limit, c.limit_id) for c in denied.checks if not c.passed] == [(9, 1)]
    assert len(world.sent) == 1


def test_a_future_limit_waits_for_its_time_and_then_names_the_timer_as_cause() -> None:
    """Given an effective time in the future, then nothing binds before the house timer fires, and the change is merged as of then."""
    world = World(Buys(), limits=bounds(("X",), max_long=30))
    world.step(limits({"max_short": [5]}, effective_ns=T0 + 60 * SECOND, at=1))
    assert changed(world) == []
    assert house_timers(world) == {"limits 1": 60}
    world.step(limits({"max_long": [20]}, at=2))
    fire(world, "limits 1")
    assert changed(world)[-1] == Limit(3, "R-07", Scope.INSTRUMENT, ("X",), (20, 5), 3, "ann", "", T0 + 60 * SECOND)
    assert world.events[-1][1].cause == world.events[-2][0]


def test_a_limit_that_takes_effect_now_needs_no_timer() -> None:
    """Given the present time as effective time, then the limit binds at once."""
    world = World(Buys()).step(limits({"max_long": [5]}, effective_ns=T0 + SECOND, at=1))
    assert changed(world)[0].effective_ns == T0 + SECOND
    assert not world.of(TimerSet)


def test_a_future_limit_that_meanwhile_contradicts_another_is_refused_when_its_time_comes() -> None:
    """Given a waiting limit, when another makes it senseless, then its time gives a refusal with its owner, and nothing binds."""
    world = World(Buys()).step(limits({"max_order_qty": [50]}, effective_ns=T0 + 60 * SECOND, at=1), limits({"max_long": [10]}, at=2))
    fire(world, "limits 1")
    assert "the limits that ann asked for cannot take effect: max_order_qty 50 contradicts max_long 10 of X" in refusal(world)
    assert [limit.rule for limit in changed(world)] == ["R-07"]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"scope": "desk"}, "there is no scope 'desk'; known are account, venue, class, instrument, strategy"),
        ({"scope": "instruments"}, "did you mean 'instrument'?"),
        ({"members": ["Q"]}, "there is no instrument 'Q' in this session; known are X, Y"),
        ({"members": []}, "name the instrument that is meant: X, Y"),
        ({"members": ["X", "X"]}, "a member is named twice"),
        ({"scope": "account"}, "the account has no members: leave X out"),
        ({"scope": "account", "members": [], "values": {"max_order_qty": [5]}}, "max_order_qty binds by instrument, not by account"),
        ({"scope": "strategy", "members": ["s0"], "values": {"max_order_qty": [5]}}, "max_order_qty binds by instrument, not by strategy"),
        ({"values": {"max_lomg": [5]}}, "there is no limit 'max_lomg'; did you mean 'max_long'?"),
        ({"values": {"zzz": [5]}}, "there is no limit 'zzz'"),
        ({"values": {}}, "the command names no limit"),
        ({"values": {"max_long": [5, 6]}}, "max_long takes 1 whole number, not 2"),
        ({"values": {"max_long": []}}, "max_long takes 1 whole number, not 0"),
        ({"values": {"max_long": [-2]}}, "max_long is -1 (off) or not negative, not -2"),
        ({"values": {"max_long": [2**63]}}, "max_long does not fit into 64 bits"),
        ({"values": {"max_long": [10**30]}}, "max_long does not fit into 64 bits"),
        ({"values": {"max_long": [1.5]}}, "Expected `int`"),
        ({"values": {"max_long": ["5"]}}, "Expected `int`"),
        ({"values": {"max_long": [5], "max_order_qty": [6]}}, "max_order_qty 6 contradicts max_long 5 of X"),
        ({"values": {"max_order_qty": [0]}}, "is less than one lot"),
        ({"effective_ns": T0 - 1}, f"limits cannot take effect at {T0 - 1}: that is before now ({T0})"),
        ({"effective_ns": -1}, "before now"),
        ({"effective_ns": 2**62}, "too far away"),
        ({"speed": 1}, "unknown field `speed`"),
    ],
)
def test_limits_without_sense_are_refused_with_a_sentence_and_nothing_changes(argument: dict[str, object], sentence: str) -> None:
    """Given a change of limits that cannot be, then the log holds the command and one sentence, and the old limits bind."""
    world = World(Buys())
    world.step(asks("ann", "limits", {"scope": "instrument", "members": ["X"], "values": {"max_long": [5]}} | argument))
    assert sentence in refusal(world)
    assert len(world.events) == 3
    assert world.engine.desk.risk.limits == []
    assert world.record()


def test_a_contradiction_that_was_there_before_does_not_stand_in_the_way_of_another_limit() -> None:
    """Given limits that contradict each other from the start, then an unrelated limit may still change, and the contradiction be mended."""
    world = World(Buys(), limits=bounds(("X",), max_order_qty=50, max_long=10))
    world.step(limits({"collar_bps": [100]}), limits({"max_long": [50]}))
    assert [limit.rule for limit in changed(world)] == ["R-01", "R-07"]


@pytest.mark.parametrize(
    ("command", "argument", "sentence"),
    [
        ("dance", {}, "there is no command 'dance'; known are adjust, approve"),
        ("resme", {}, "did you mean 'resume'?"),
        ("order", {"symbol": "Z", "side": "buy", "qty": 1}, "there is no instrument 'Z' in this session; known are X, Y"),
        ("order", {"symbol": "X", "side": "hold", "qty": 1}, "side is buy or sell, not 'hold'"),
        ("order", {"symbol": "X", "side": "buy", "qty": 2**62}, "62 bits"),
        ("order", {"symbol": "X", "side": "buy", "qty": 1, "limit_px": -(2**62)}, "62 bits"),
        ("order", {"symbol": "X", "side": "buy", "qty": 1, "stop_px": 10**40}, "62 bits"),
        ("order", {"symbol": "X", "side": "buy", "qty": 1, "time_in_force": "soon"}, "time_in_force is day, gtc, ioc, fok, gtd, not 'soon'"),
        ("order", {"symbol": "X", "side": "buy", "qty": 1, "time_in_force": "gtd"}, "expire_ns goes with time_in_force gtd"),
        ("order", {"symbol": "X", "side": "buy", "qty": 1, "expire_ns": 5}, "expire_ns goes with time_in_force gtd"),
        ("adjust", {"currency": "EUR", "amt": 1, "digits": 2, "reason": "x"}, "the account holds no EUR; it holds USD"),
        ("adjust", {"currency": "USD", "amt": 1, "digits": 19, "reason": "x"}, "0 to 18 digits, not 19"),
        ("adjust", {"currency": "USD", "amt": 1, "digits": -1, "reason": "x"}, "0 to 18 digits, not -1"),
        ("adjust", {"currency": "USD", "amt": 2**62, "digits": 2, "reason": "x"}, "62 bits"),
        ("adjust", {"currency": "USD", "amt": 2**61, "digits": 0, "reason": "x"}, "62 bits"),
        ("params", {"strategy": "s9", "params": {}}, "there is no strategy 's9' in this session; known are s0, operator"),
        ("params", {"strategy": "operator", "params": {}}, "stands for orders by hand"),
        ("cancel", {"cl_ord_id": "zz"}, "there is no working order 'zz'"),
        ("halt", {"scope": "venue"}, "name the venue that is meant: SIM"),
        ("halt", {"scope": "account", "member": "X"}, "the account has no members: leave 'X' out"),
        ("kill", {"scope": "galaxy"}, "there is no scope 'galaxy'"),
        ("resume", {}, "the account is active already"),
        ("approve", {"number": 1}, "request 1 was never made; no request waits"),
        ("approve", {"number": 10**30}, "was never made"),
        ("decline", {"number": 0}, "request 0 was never made"),
    ],
)
def test_a_command_without_sense_is_refused_with_a_sentence_and_nothing_else_happens(
    command: str, argument: dict[str, object], sentence: str
) -> None:
    """Given a command that cannot be obeyed, then the log holds it and its refusal, the refusal names it as cause, and the commit closes."""
    world = World(Buys()).step(asks("ann", command, argument))
    assert sentence in refusal(world)
    (opening, asked, refused) = world.events
    assert refused[1].cause == asked[0]
    assert opening[0] == 1
    assert world.record()


@pytest.mark.parametrize("argument", ["", "{", "[]", "7", '{"reason": 5}', '{"reason": "\\ud800"}', '{"member": null}'])
def test_an_argument_that_is_no_argument_is_refused_or_read_as_none(argument: str) -> None:
    """Given an argument that is not the JSON of a halt, then it is refused; an empty one is an empty argument."""
    world = World(Buys()).step(OperatorCommandReceived(T0, 0, "ann", "halt", argument))
    assert bool(refusal(world)) is (argument != "")
    assert world.record()


def test_an_order_by_hand_has_all_its_terms_and_its_person_answers_for_it() -> None:
    """Given an order by hand with every term, then it leaves with them, and the rules are asked about the person who gave it."""
    world = World(Buys()).step(
        asks("ann", "order", {"symbol": "Y", "side": "sell", "qty": 3, "limit_px": 99, "stop_px": 100, "time_in_force": "gtd",
             "expire_ns": T0 + SECOND, "post_only": True, "intentional": True, "locate": "L1"})
    )  # fmt: skip
    (order,) = world.sent
    assert msgspec.structs.astuple(order)[2:] == (
        order.cl_ord_id, -1, 1, Side.SELL, 3, OrderType.STOP_LIMIT, 99, 100, 0, TimeInForce.GTD, T0 + SECOND, True, False, True, "L1",
    )  # fmt: skip
    assert world.engine.desk.proposals._p.actor == "ann"
    (approved,) = world.of(OrderApproved)
    assert approved.cause == 2


def test_an_order_by_hand_meets_the_same_rules() -> None:
    """Given a limit, when a person orders more, then it is denied like a strategy's order."""
    world = World(Buys(), limits=bounds(max_order_qty=5)).step(asks("ann", "order", {"symbol": "X", "side": "buy", "qty": 6}))
    (denied,) = world.of(OrderDenied)
    assert isinstance(denied, OrderDenied)
    assert (denied.reason, denied.cause) == ("MAX_ORDER_QTY", 2)


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ({}, OrderType.MARKET),
        ({"limit_px": 1}, OrderType.LIMIT),
        ({"stop_px": 1}, OrderType.STOP),
        ({"limit_px": 1, "stop_px": 2}, OrderType.STOP_LIMIT),
    ],
)
def test_the_prices_say_the_type_of_an_order_by_hand(prices: dict[str, Any], kind: OrderType) -> None:
    """Given a set of prices, then the order is of the type that strategies would get."""
    assert terms_of(SubmitOrder("X", "buy", 1, **prices)) == (Side.BUY, kind, TimeInForce.GTC)


def test_cash_is_adjusted_by_hand() -> None:
    """Given an adjustment, then it stands in the log with its reason and the cash follows."""
    world = World(Buys()).step(asks("ann", "adjust", {"currency": "USD", "amt": -150, "digits": 2, "reason": "bank fee"}))
    (adjusted,) = world.of(ReconciliationAdjusted)
    assert isinstance(adjusted, ReconciliationAdjusted)
    assert (adjusted.amt, adjusted.reason, adjusted.cause) == (-150, "bank fee", 2)
    assert world.engine.desk.state.cash["USD"] == 100_000_000 - 150


def test_one_order_or_all_are_canceled_by_hand_each_once() -> None:
    """Given two working orders, when one and then all are canceled, then each gets one cancel with the person's reason."""
    world = World(Buys()).tick(trades(100, 100))
    first = world.sent[0].cl_ord_id
    world.step(asks("ann", "cancel", {"cl_ord_id": first, "reason": "mine"}, at=9), asks("ben", "cancel", at=10))
    assert [(e.orig_cl_ord_id == first, e.reason) for e in world.of(OrderCancelRequested) if isinstance(e, OrderCancelRequested)] == [
        (True, "mine"),
        (False, "asked by ben"),
    ]


def test_every_command_is_known_with_its_argument_and_those_that_may_wait_are_commands() -> None:
    """Given the table of commands, then each argument forbids unknown keys, and every command that may need two persons is one."""
    for name, kind in COMMANDS.items():
        with pytest.raises(msgspec.ValidationError, match="unknown field"):
            msgspec.json.decode(json.dumps({f.name: _sample(f.type) for f in msgspec.structs.fields(kind)} | {"surprise": 1}), type=kind)
        assert kind.__doc__
        assert f"`{name}`" in kind.__doc__
    assert set(MAY_NEED_TWO) < set(COMMANDS)


def _sample(kind: object) -> object:
    samples: dict[object, object] = {str: "a", int: 1, bool: True}
    return samples.get(kind, {} if kind is dict or getattr(kind, "__origin__", None) is dict else [] if get_args(kind) else "a")


@pytest.mark.parametrize("unit", ["settings"])
def test_what_makes_things_safer_never_waits_whatever_is_configured(unit: str) -> None:
    """Given a configuration that wants two persons for everything, then kill, halt, reduce_only and cancel are obeyed at once."""
    everything = ControlSettings(two_persons=tuple(COMMANDS))
    world = World(Buys(), control=everything).tick(trades(100))
    world.step(asks("ann", "cancel", at=5), asks("ann", "reduce_only", at=5), asks("ann", "halt", at=5), asks("ann", "kill", at=5))
    kinds = [type(e).__name__ for _, e in world.events[5:] if not isinstance(e, OperatorCommandReceived)]
    assert kinds == ["OrderCancelRequested", "TradingHalted", "TradingHalted", "KillSwitchEngaged"]
    assert not world.of(OperatorCommandRefused)
    assert len(world.of(OrderSubmitted)) == 1


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("max_lomg", ["max_short", "max_long"], "max_long"), ("x", ["y"], ""), ("abc", ["abd"], "abd"), ("abc", ["axx"], ""), ("abcdef", ["abcdxx"], "abcdxx"),
        ("abcdef", ["abcxxx"], ""), ("Halt", ["halt"], "halt"), ("long", ["lon", "lonh"], "lon"), ("", ["a"], ""), ("ab", ["b"], ""), ("abc", ["ab"], "ab"),
    ],
)  # fmt: skip
def test_the_nearest_known_word_is_offered_when_at_most_a_third_differs(word: str, known: list[str], expected: str) -> None:
    """Given a word nobody knows, then the nearest known one is offered, and none when all are far away."""
    assert nearest(word, known) == (f"; did you mean {expected!r}?" if expected else "")
