"""`[limits]`, `[control]`, `[strategy.sizing]` and the commands about them: what they mean, and the sentence for every mistake."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigInvalid
from domain.events import ControlSettings, Sizing
from domain.limits import OFF
from domain.risk import RULES, WIDTH
from domain.terms import OrderType, Scope
from reenact.config import SessionConfig, canonical_json, from_mapping
from reenact.config_limits import RESERVED
from reenact.config_operator import About, build_commands
from reenact.config_units import build_instruments, build_limits
from reenact.config_values import form, integers
from reenact.limiting import EXAMPLES
from reenact.presets import PRESETS

SPY = {"symbol": "SPY"}
QQQ = {"symbol": "QQQ", "asset_class": "etf", "venue": "ARCA"}
BTC = {"symbol": "BTC", "asset_class": "crypto", "quote": "USDT", "qty_digits": 3, "venue": "BINANCE"}


def configured(limits: dict[str, Any], *instruments: dict[str, Any], strategies: tuple[str, ...] = (), **more: Any) -> SessionConfig:
    rows = [{"name": s, "use": "sma"} for s in strategies]
    feed = [{"kind": "synthetic", "n": 10, "seed": 1}]
    return from_mapping({"name": "t", "instrument": list(instruments) or [SPY], "feed": feed, "strategy": rows, "limits": limits, **more})


def bound(
    limits: dict[str, Any], *instruments: dict[str, Any], strategies: tuple[str, ...] = (), **more: Any
) -> dict[tuple[str, str, str], tuple[int, ...]]:
    """(rule, scope, member) → values of a configuration's limits."""
    config = configured(limits, *instruments, strategies=strategies, **more)
    found = build_limits(config, build_instruments(config))
    assert [limit.id for limit in found] == list(range(1, len(found) + 1))
    return {(limit.rule, limit.scope.name, m): limit.values for limit in found for m in limit.members or ("",)}


def refused(limits: dict[str, Any], *instruments: dict[str, Any], strategies: tuple[str, ...] = (), **more: Any) -> dict[str, str]:
    with pytest.raises(ConfigInvalid) as caught:
        configured(limits, *instruments, strategies=strategies, **more)
    return dict(caught.value.problems)


def test_every_parameter_of_every_rule_is_a_key_of_limits_with_an_example_that_reads() -> None:
    """Given the catalogue of rules, then each parameter can be written in `[limits]` as `reenact rules` shows it, with those it needs, and is written back the same."""
    for rule in RULES:
        for p in rule.params:
            beside = [q for q in rule.params if q.name in p.needs]
            written = {q.name: json.loads(EXAMPLES[q.unit]) if q.unit != "types" else ["limit", "market"] for q in (p, *beside)}
            config = configured(written, strategies=("s",))
            again = from_mapping(json.loads(canonical_json(config)))
            assert again == config, p.name
            assert p.name not in RESERVED


@pytest.mark.parametrize(
    ("unit", "written", "numbers"),
    [
        ("qty", "2.5", (25,)), ("qty", Decimal("2.50"), (25,)), ("px", "0.05", (5,)), ("amt", "12.5", (12_500,)), ("amt", "12.5 USD", (12_500,)),
        ("bps", 300, (300,)), ("count", 5, (5,)), ("flag", True, (1,)), ("flag", False, (OFF,)), ("ratio", "2.5", (250,)), ("ns", "5s", (5 * 10**9,)),
        ("time", "1970-01-01T00:00:01Z", (10**9,)), ("rate", "50/1s", (50, 10**9)), ("rate", "50 / 2m", (50, 120 * 10**9)),
        ("hours", "14:30-21:00", (870, 1260)), ("hours", "22:00-04:00", (1320, 240)), ("hours", "00:00-24:00", (0, 1440)),
        ("types", ["limit", "market"], (1 << OrderType.LIMIT | 1 << OrderType.MARKET,)), ("types", "stop", (1 << OrderType.STOP,)),
        ("state", "reduce_only", (1,)), *((unit, "off", (OFF,) * width) for unit, width in WIDTH.items()),
    ],
)  # fmt: skip
def test_a_number_is_written_in_its_unit(unit: str, written: Any, numbers: tuple[int, ...]) -> None:
    """Given a limit as people write it, when it is read for an instrument of 2 price, 1 quantity and 3 amount digits, then these integers."""
    instruments = build_instruments(configured({}, {"symbol": "X", "qty_digits": 1}))
    read, write = form(unit).__metadata__[0].func, form(unit).__metadata__[1].func
    assert integers(read(written), unit, Scope.INSTRUMENT, instruments) == numbers
    assert read(write(read(written))) == read(written)


@pytest.mark.parametrize(
    ("unit", "written", "said"),
    [
        ("qty", "lots", "must be a number, it is 'lots'"),
        ("qty", -1, 'must not be negative, it is -1; a limit has no sign, and "off" or no key at all is no limit'),
        ("qty", "nan", "must be a finite number, it is nan"),
        ("px", True, "must be a number, it is True"),
        ("amt", "12 13", "must be a number, it is '12 13'"),
        ("amt", "-5 USD", 'must not be negative, it is -5; a limit has no sign, and "off" or no key at all is no limit'),
        ("bps", 10_001, "should be less than or equal to 10000 basis points (1/10000), it is 10001"),
        ("bps", "1.5", "must be a whole number, it is 1.5"),
        ("count", "1.5", "must be a whole number, it is 1.5"),
        ("ratio", "0.001", "must not have more than 2 decimal digits, it is 0.001"),
        ("ns", 5, 'must be a duration with a unit in quotes, for example "5s" or "250ms", it is 5'),
        ("ns", "5 parsecs", "'5 parsecs' is no duration; write a number and a unit (ns, us, ms, s, m, h, d), for example 5s or 250ms"),
        ("time", "soon", "'soon' is no ISO time; write for example 2013-10-07T14:30:00Z"),
        ("time", 5, "must be an ISO time, for example 2024-01-02T14:30:00Z, it is 5"),
        ("rate", 50, 'must be a number and a span of time in quotes, for example "50/1s", it is 50'),
        ("rate", "50", "must be a number and a span of time in quotes, for example \"50/1s\", it is '50'"),
        ("rate", "50/0s", "must be over some time, for example 50/1s, it is '50/0s'"),
        ("hours", "9-17", "must be hours of the UTC day in quotes, for example \"14:30-21:00\", it is '9-17'"),
        ("hours", "25:00-26:00", "must be hours of a day from 00:00 to 24:00, it is '25:00-26:00'"),
        ("hours", "09:60-10:00", "must be hours of a day from 00:00 to 24:00, it is '09:60-10:00'"),
        ("hours", "09:00-09:00", "must be longer than no time, it is '09:00-09:00'; the whole day is \"00:00-24:00\""),
        ("types", ["limt"], "must be a list of order types out of market, limit, stop, stop_limit, trailing_stop, it holds 'limt'"),
        ("flag", 1, "must be true or false, it is 1"),
        ("state", "dead", "must be one of reduce_only, halted, killed, it is 'dead'"),
    ],
)
def test_a_number_that_is_none_of_its_unit_is_refused_with_the_remedy(unit: str, written: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        form(unit).__metadata__[0].func(written)
    assert str(caught.value) == said


def test_a_members_own_table_wins_key_by_key() -> None:
    """Given a default, a member's own table and a switched-off key, then each member is bound by the nearest number of each key."""
    found = bound(
        {"max_long": 10, "max_short": 20, "collar_bps": 300, "SPY": {"max_long": 5}, "instrument": {"QQQ": {"collar_bps": "off"}}}, SPY, QQQ
    )
    assert found == {
        ("R-07", "INSTRUMENT", "SPY"): (5, 20), ("R-07", "INSTRUMENT", "QQQ"): (10, 20), ("R-01", "INSTRUMENT", "SPY"): (300,),
    }  # fmt: skip


def test_what_needs_a_key_that_a_nearer_table_switches_off_is_off_too() -> None:
    """Given a preset or a default for all, when a nearer table switches off a key that others need, then these bind nobody there and elsewhere they do."""
    found = bound({"preset": "equity", "max_repeats": "off"}, SPY, strategies=("s",))
    assert ("R-06", "STRATEGY", "s") not in found
    found = bound({"collar_drift_bps": 20, "collar_drift_window": "1m", "SPY": {"collar_drift_bps": "off"}}, SPY, QQQ)
    assert found == {("R-02", "INSTRUMENT", "QQQ"): (20, 60 * 10**9)}
    assert bound({"preset": "equity", "collar_drift_bps": 20}, SPY)["R-02", "INSTRUMENT", "SPY"] == (20, 60 * 10**9)


def test_a_limit_binds_the_first_scope_of_its_rule_or_the_one_it_is_written_for() -> None:
    found = bound(
        {
            "max_gross": "1000 USD", "max_repeats": 9, "order_types": ["limit"], "strategy": {"operator": {"order_types": ["market"]}},
            "class": {"etf": {"max_gross": "500 USD", "max_order_value": "90 USD"}}, "venue": {"ARCA": {"max_order_value": "80 USD"}},
            "account": {"max_order_value": "100 USD"},
        },
        SPY, QQQ, strategies=("a", "b"),
    )  # fmt: skip
    assert found == {
        ("R-09", "ACCOUNT", ""): (100_000,), ("R-06", "STRATEGY", "a"): (9, OFF), ("R-06", "STRATEGY", "b"): (9, OFF),
        ("R-18", "STRATEGY", "a"): (4,), ("R-18", "STRATEGY", "b"): (4,), ("R-18", "STRATEGY", "operator"): (2,),
        ("R-09", "CLASS", "etf"): (50_000,), ("R-03", "CLASS", "etf"): (9_000,), ("R-03", "VENUE", "ARCA"): (8_000,), ("R-03", "ACCOUNT", ""): (10_000,),
    }  # fmt: skip


def test_members_with_the_same_numbers_in_the_same_units_share_a_limit() -> None:
    """Given three instruments of which one counts in other digits, then the two alike share a limit and the third has its own."""
    config = configured({"max_order_qty": "10", "collar_bps": 5}, SPY, QQQ, BTC)
    assert [(x.rule, x.members, x.values) for x in build_limits(config, build_instruments(config))] == [
        ("R-01", ("SPY", "QQQ"), (5,)), ("R-01", ("BTC",), (5,)), ("R-04", ("SPY", "QQQ"), (10,)), ("R-04", ("BTC",), (10_000,)),
    ]  # fmt: skip


def test_who_answers_for_the_limits_is_recorded_in_each() -> None:
    config = configured({"collar_bps": 5, "owner": "ann", "approver": "bob", "effective": "1970-01-01T00:00:01Z"})
    (limit,) = build_limits(config, build_instruments(config))
    assert (limit.version, limit.owner, limit.approver, limit.effective_ns) == (1, "ann", "bob", 10**9)


def test_every_preset_is_made_of_keys_that_rules_have_and_of_relative_sizes_only() -> None:
    units = {p.name: p.unit for rule in RULES for p in rule.params}
    assert {units[key] for preset in PRESETS.values() for key in preset}.isdisjoint({"qty", "amt", "px"})
    for name in PRESETS:
        assert bound({"preset": name}, SPY, strategies=("s",))


def test_a_presets_keys_give_way_to_ones_own_and_a_classs_preset_to_neither() -> None:
    """Given a preset for all, one for a class and keys of one's own, then own keys win, then the class's preset, then that for all."""
    limits = {"preset": "equity", "max_jump_bps": 7, "class": {"crypto": {"preset": "crypto"}}, "SPY": {"max_age": "1m"}}
    found = bound(limits, SPY, BTC, strategies=("s",))
    assert found["R-20b", "INSTRUMENT", "BTC"] == found["R-20b", "INSTRUMENT", "SPY"] == (7,)
    assert (found["R-20", "INSTRUMENT", "SPY"], found["R-20", "INSTRUMENT", "BTC"]) == ((60 * 10**9,), (5 * 10**9,))
    assert found["R-01", "INSTRUMENT", "BTC"] == (PRESETS["crypto"]["collar_bps"],)
    assert found["R-05", "ACCOUNT", ""][:2] == (50, 10**9), "what binds neither instruments nor a class is that of the preset for all"


def test_the_old_key_for_the_age_of_data_still_works() -> None:
    assert bound({}, max_data_age="5s") == {("R-20", "INSTRUMENT", "SPY"): (5 * 10**9,)}
    assert bound({"max_age": "6s", "preset": "fx"}, max_data_age="5s")["R-20", "INSTRUMENT", "SPY"] == (6 * 10**9,)
    assert bound({"preset": "fx"}, max_data_age="7s")["R-20", "INSTRUMENT", "SPY"] == (7 * 10**9,)


@pytest.mark.parametrize(
    ("limits", "place", "said"),
    [
        ({"max_gross": "1000"}, "limits.max_gross", 'adds up over instruments and needs its currency: write "1000 USD".'),
        ({"max_gross": 1000}, "limits.max_gross", 'adds up over instruments and needs its currency: write "1000 USD".'),
        (
            {"max_gross": "1000 EUR"}, "limits.max_gross",
            "is in EUR, but SPY settles in USD; amounts of different currencies are not added up: write the limit for each instrument.",
        ),
        ({"collar_drift_bps": 20}, "limits.collar_drift_bps", "binds nothing without collar_drift_window."),
        ({"collar_drift_bps": 20, "collar_drift_window": "off"}, "limits.collar_drift_bps", "binds nothing without collar_drift_window."),
        ({"SPY": {"collar_drift_bps": 20}}, "limits.SPY.collar_drift_bps", "binds nothing without collar_drift_window."),
        ({"SPY": {"max_order_value": "5 EUR"}}, "limits.SPY.max_order_value", "for SPY: is in EUR, but SPY settles in USD."),
        ({"max_order_qty": "0.5"}, "limits.max_order_qty", "for SPY: 0.5 has more than 0 decimal digits."),
        ({"max_order_value": 0}, "limits.max_order_value", "must be above 0; leave the key out for no limit, set tradable = false to forbid every order."),
        (
            {"planet": {"mars": {"max_gross": "1 USD"}}}, "limits",
            "there is no scope 'planet'; the scopes are account, class, instrument, strategy, venue, or a table by an instrument's symbol.",
        ),
        ({"max_gros": "1 USD"}, "limits.max_gros", "is an unknown key. Did you mean 'max_gross'?"),
        ({"class": {"etff": {"max_order_value": "1 USD"}}}, "limits.class.etff", "no instrument has the asset class 'etff'; there are equity, etf. Did you mean 'etf'?"),
        ({"venue": {"NYSE": {}}}, "limits.venue.NYSE", "no instrument has the venue 'NYSE'; there are SIM, ARCA."),
        (
            {"strategy": {"trnd": {"max_repeats": 3}}}, "limits.strategy.trnd",
            "no strategy has the name 'trnd'; there are trend, and \"operator\" for orders by hand. Did you mean 'trend'?",
        ),
        ({"instrument": {"SPX": {"collar_bps": 3}}}, "limits.instrument.SPX", "no instrument has the symbol 'SPX'; the symbols are SPY, QQQ. Did you mean 'SPY'?"),
        (
            {"stategy": {"collar_bps": 3}}, "limits.stategy",
            "no instrument has the symbol 'stategy'; the symbols are SPY, QQQ, and the scopes account, venue, class, instrument, strategy. Did you mean 'strategy'?",
        ),
        (
            {"account": {"max_order_qty": 5}}, "limits.account.max_order_qty",
            "the rule MAX_ORDER_QTY (R-04) may bind by instrument, not by account; write it in [limits] or [limits.instrument.…].",
        ),
        (
            {"strategy": {"trend": {"margin_bps": 5}}}, "limits.strategy.trend.margin_bps",
            "the rule MARGIN (R-12) may bind by account, not by strategy; write it in [limits] or [limits.account].",
        ),
        (
            {"max_gross": "5 USD", "account": {"max_gross": "6 USD"}}, "limits.account.max_gross",
            "is written in [limits] as well, where it means the account; keep one of them.",
        ),
        (
            {"SPY": {"collar_bps": 5}, "instrument": {"SPY": {"collar_bps": 6}}}, "limits.SPY.collar_bps",
            "is written in [limits.instrument.…] and in the short form of the same table; keep one of them.",
        ),
        (
            {"max_order_qty": 500, "max_long": 100}, "limits.max_order_qty",
            "500 contradicts max_long 100 of SPY: the position could never move by more than 100; lower it, or raise or write both position limits.",
        ),
        ({"preset": "bond"}, "limits.preset", "must be one of crypto, equity, future, fx, it is 'bond'."),
        ({"strategy": {"collar_bps": 5}}, "limits.strategy.collar_bps", "should be a valid dictionary or instance of LimitTable, it is 5."),
        ({"effective": "tomorrow"}, "limits.effective", "'tomorrow' is no ISO time; write for example 2013-10-07T14:30:00Z."),
    ],
)  # fmt: skip
def test_limits_that_cannot_be_are_refused_by_their_place(limits: dict[str, Any], place: str, said: str) -> None:
    """Given two instruments and one strategy, when a limit has no sense there, then the sentence names the place and the remedy."""
    found = refused(limits, SPY, QQQ, strategies=("trend",))
    assert found[place] == said


def test_amounts_and_quantities_of_a_scope_must_be_of_one_kind() -> None:
    money = refused({"max_gross": "1000 USD"}, SPY, BTC)
    assert money["limits.max_gross"].startswith("is in USD, but BTC settles in USDT; amounts of different currencies are not added up")
    sizes = refused({"strategy": {"s": {"max_long": 5}}}, SPY, BTC, strategies=("s",))
    assert (
        sizes["limits.strategy.s.max_long"]
        == "the instruments of this strategy count quantities in different digits; write this limit for each instrument."
    )


def test_a_strategy_may_not_have_the_name_of_orders_by_hand() -> None:
    found = refused({}, strategies=("operator",))
    assert found == {"strategy[1].name": '"operator" stands for orders by hand; give the strategy another name.'}


@given(st.dictionaries(st.sampled_from(["max_long", "max_short", "collar_bps"]), st.integers(0, 10_000), min_size=1))
def test_whatever_is_written_comes_back_from_the_canonical_text(limits: dict[str, int]) -> None:
    config = configured(limits)
    again = from_mapping(json.loads(canonical_json(config)))
    assert again == config
    assert build_limits(again, build_instruments(again)) == build_limits(config, build_instruments(config))


def test_control_is_written_in_peoples_units() -> None:
    table = {
        "two_persons": ["resume", "override"], "approvers": ["ann", "bob"], "approval_time": "30m", "order_ttl": "8h", "cancel_on_disconnect": "5s",
    }  # fmt: skip
    config = configured({}, control=table)
    assert config.control.settings() == ControlSettings(("resume", "override"), ("ann", "bob"), 1_800 * 10**9, 8 * 3_600 * 10**9, 5 * 10**9)
    assert from_mapping(json.loads(canonical_json(config))) == config
    assert configured({}).control.settings() == ControlSettings()
    assert configured({}, control={"cancel_on_disconnect": "never"}).control.settings().disconnect_ns == -1


@pytest.mark.parametrize(
    ("table", "place", "said"),
    [
        ({"two_persons": ["kill"]}, "control.two_persons", "'kill' cannot wait for a second person; these commands can: "),
        ({"approval_time": "0s"}, "control.approval_time", "must be longer than 0."),
        (
            {"cancel_on_disconnect": 5},
            "control.cancel_on_disconnect",
            'must be a duration with a unit in quotes, for example "5s" or "250ms", it is 5.',
        ),
        ({"aprovers": ["ann"]}, "control.aprovers", "is an unknown key. Did you mean 'approvers'?"),
    ],
)
def test_a_wrong_control_setting_is_named(table: dict[str, Any], place: str, said: str) -> None:
    assert refused({}, control=table)[place].startswith(said)


def test_a_strategys_owner_and_sizing_are_written_beside_it() -> None:
    row = {"name": "a", "use": "sma", "owner": "ann", "sizing": {"risk_bps": 50, "leverage": "2.5", "max_qty": "7", "on_excess": "refuse"}}
    config = configured({}, strategy=[row])
    (strategy,) = config.strategies
    assert strategy.owner == "ann"
    assert strategy.sizing is not None
    assert strategy.sizing.settings(build_instruments(config)) == Sizing(50, 250, 10_000, 7, "refuse")
    found = refused({}, strategy=[row | {"sizing": {"max_qty": "0.5"}}])
    assert found == {"strategy[1].sizing.max_qty": "0.5 has more than 0 decimal digits."}


ABOUT = About(build_instruments(configured({}, SPY, QQQ)), ("trend",), first_ns=10**9)


@pytest.mark.parametrize(
    ("command", "argument", "wire"),
    [
        ("kill", {"scope": "strategy", "member": "trend", "reason": "x"}, {"scope": "strategy", "member": "trend", "reason": "x"}),
        ("halt", {}, {"scope": "account", "member": "", "reason": ""}),
        ("resume", {"scope": "class", "member": "etf", "rule": "person"}, {"scope": "class", "member": "etf", "reason": "", "rule": "person"}),
        (
            "limits", {"scope": "account", "max_gross": "10 USD", "effective": "+1h", "reason": "x"},
            {"scope": "account", "members": [], "values": {"max_gross": [1_000]}, "effective_ns": 3_601 * 10**9, "reason": "x"},
        ),
        (
            "limits", {"scope": "instrument", "members": ["SPY", "QQQ"], "max_long": "off", "message_rate": None},
            {"scope": "instrument", "members": ["SPY", "QQQ"], "values": {"max_long": [-1]}, "effective_ns": 0, "reason": ""},
        ),
        (
            "order", {"symbol": "SPY", "side": "sell", "qty": 2, "stop": "9.5", "time_in_force": "gtd", "expires": "+1m", "intentional": True},
            {"symbol": "SPY", "side": "sell", "qty": 2, "stop_px": 950, "time_in_force": "gtd", "expire_ns": 61 * 10**9, "intentional": True},
        ),
        (
            "override", {"rule": "R-04", "symbol": "SPY", "strategy": "trend", "most": 500, "expires": "+5m", "reason": "block"},
            {"rule": "R-04", "symbol": "SPY", "strategy": "trend", "most": 500, "expires_ns": 301 * 10**9, "reason": "block", "scope": "", "member": "", "limit_id": 0},
        ),
        ("record_outcome", {"symbol": "SPY", "amount": "-5", "reason": "x"}, {"symbol": "SPY", "amt": -500, "reason": "x", "strategy": "operator"}),
        ("approve", {"number": 2}, {"number": 2, "reason": ""}),
        ("decline", {"number": 2, "reason": "no"}, {"number": 2, "reason": "no"}),
    ],
)  # fmt: skip
def test_commands_reach_the_engine_as_its_own_structs_read_them(command: str, argument: dict[str, Any], wire: dict[str, Any]) -> None:
    """Given a command as people write it, then the engine's own struct takes the argument, in its integers."""
    import msgspec

    from domain.commands import COMMANDS

    config = configured({}, SPY, QQQ, strategies=("trend",), operator=[{"at": "+1s", "actor": "ann", "command": command, "argument": argument}])
    (built,) = build_commands(config.operators, ABOUT)
    assert json.loads(built.argument) == wire
    assert msgspec.json.decode(built.argument, type=COMMANDS[command])
    assert from_mapping(json.loads(canonical_json(config))) == config


@pytest.mark.parametrize(
    ("command", "argument", "said"),
    [
        ("kill", {"scope": "strategy", "member": "trnd"}, "there is no strategy 'trnd'; there are trend, operator. Did you mean 'trend'?"),
        ("kill", {"scope": "class"}, "member is missing: say which class is meant; there are equity, etf."),
        ("kill", {"scope": "account", "member": "x"}, "the account has no members: leave 'x' out, or say which scope is meant."),
        ("resume", {"rule": "R-99"}, "there is no rule 'R-99'; `reenact rules` lists them."),
        ("limits", {"symbol": "SPY"}, "names no limit; write at least one, for example max_order_qty."),
        ("limits", {"scope": "account", "max_order_qty": 5}, "max_order_qty: the rule MAX_ORDER_QTY (R-04) may bind by instrument, not by account."),
        ("limits", {"scope": "account", "max_gross": 5}, 'adds up over instruments and needs its currency: write "5 USD".'),
        (
            "limits", {"symbol": "SPY", "collar_bps": 5, "effective": "+30s"},
            "effective lies before the command itself; limits cannot bind what is past.",
        ),
        ("order", {"symbol": "SPY", "side": "buy", "qty": 1, "expires": "+1m"}, 'expires belongs to time_in_force = "gtd", and to no other.'),
        (
            "override", {"rule": "K-01", "symbol": "SPY", "strategy": "trend", "most": 5, "expires": "+1m", "reason": "x"},
            "the rule KILLED (K-01) may not be passed; these may: ",
        ),
    ],
)  # fmt: skip
def test_a_command_that_the_session_cannot_mean_is_refused_when_the_file_is_read(command: str, argument: dict[str, Any], said: str) -> None:
    found = refused({}, SPY, QQQ, strategies=("trend",), operator=[{"at": "+1m", "actor": "ann", "command": command, "argument": argument}])
    assert any(text.startswith(said) for text in found.values()), found


@pytest.mark.parametrize(
    "argument", [{"collar_bps": 5}, {"symbol": "SPY", "members": ["QQQ"], "collar_bps": 5}, {"symbol": "SPY", "scope": "class", "collar_bps": 5}]
)
def test_a_change_of_limits_says_once_whose_they_are(argument: dict[str, Any]) -> None:
    found = refused({}, SPY, QQQ, operator=[{"at": "+1m", "actor": "ann", "command": "limits", "argument": argument}])
    assert "write symbol, or scope with member or members" in found["operator[1].argument"]
