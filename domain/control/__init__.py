"""The control room: what persons and time may do to a session, by recorded commands and timers.

Each room here decides one thing: `limits` new limits, `states` halts, `kills` the kill switch, `overrides` exceptions, `approvals` what needs
two persons, `orders` what is done by hand, `disconnects` lost venues, `reaper` orders that grew old.

Invariants: a command is recorded before it is obeyed; one that cannot be obeyed leaves an `OperatorCommandRefused` and nothing else (a
strategy that refuses parameters which two persons agreed on leaves the `ApprovalClosed` as well); what makes a session safer never waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.commands import (
    ALWAYS_TWO,
    COMMANDS,
    MAY_NEED_TWO,
    AdjustCash,
    ApproveRequest,
    CancelOrders,
    ChangeLimits,
    ChangeParameters,
    Command,
    DeclineRequest,
    EngageKillSwitch,
    HaltTrading,
    OverrideBlock,
    RecordOutcome,
    ResumeTrading,
    SubmitOrder,
)
from domain.control.approvals import Approvals
from domain.control.asks import Ask, Deed
from domain.control.disconnects import Disconnects
from domain.control.kills import Kills
from domain.control.limits import LimitChanges
from domain.control.orders import decide_adjust, decide_cancel, decide_order, decide_outcome, decide_params
from domain.control.overrides import Overrides
from domain.control.reaper import Reaper
from domain.control.states import decide_halt, decide_resume
from domain.control.words import Refused, nearest
from domain.errors import InvariantBroken
from domain.events import ControlSettings, OperatorCommandReceived, OperatorCommandRefused

if TYPE_CHECKING:
    from domain.engine import Engine


class Control:
    """The rooms of one session. Nothing here is on the way of an order, but for the reaper where a session asks for one."""

    def __init__(self, engine: Engine, settings: ControlSettings) -> None:
        self._engine = engine
        self._desk = engine.desk
        self._two_persons = (*ALWAYS_TWO, *(name for name in settings.two_persons if name in MAY_NEED_TWO))
        self.limits = LimitChanges(engine)
        self.kills = Kills(engine)
        self.overrides = Overrides(engine)
        self.approvals = Approvals(engine, settings, self._judge)
        self.disconnects = Disconnects(engine, settings.disconnect_ns)
        self.reaper = Reaper(engine, settings.order_ttl_ns) if settings.order_ttl_ns > 0 else None

    def obey(self, event: OperatorCommandReceived, seq: int) -> None:
        """Decide on a recorded command."""
        ask = Ask(event.actor, "", event.command)
        try:
            deed, two_persons = self._judge(ask, event.argument, self.approvals.next)
            if two_persons:
                self.approvals.request(ask, event.argument)
            else:
                deed()
        except (Refused, ValueError) as e:
            self._desk.emit(OperatorCommandRefused(event.ns, seq, str(e)))

    def _judge(self, ask: Ask, argument: str, number: int) -> tuple[Deed, bool]:
        """What obeying a command does, and whether that takes two persons. Raises Refused or ValueError."""
        kind = COMMANDS.get(ask.command)
        if kind is None:
            raise Refused(f"there is no command {ask.command!r}; known are {', '.join(sorted(COMMANDS))}{nearest(ask.command, COMMANDS)}")
        command = msgspec.json.decode(argument or "{}", type=kind)
        two_persons = ask.command in self._two_persons
        if isinstance(command, ResumeTrading):
            deed, needs = decide_resume(self._desk, ask, command, self.kills.lifted)
            return deed, needs or two_persons
        return self._deed(ask, command, number), two_persons

    def _deed(self, ask: Ask, command: Command, number: int) -> Deed:
        desk = self._desk
        match command:
            case EngageKillSwitch():
                return self.kills.decide(ask, command)
            case HaltTrading():
                return decide_halt(desk, ask, command)
            case ChangeLimits():
                return self.limits.decide(ask, command)
            case ChangeParameters():
                return decide_params(self._engine, command)
            case CancelOrders():
                return decide_cancel(desk, ask, command)
            case SubmitOrder():
                return decide_order(desk, ask, command)
            case AdjustCash():
                return decide_adjust(desk, command)
            case RecordOutcome():
                return decide_outcome(desk, ask, command)
            case OverrideBlock():
                return self.overrides.decide(ask, command, number)
            case ApproveRequest():
                return self.approvals.approve(ask, command)
            case DeclineRequest():
                return self.approvals.decline(ask, command)
        raise InvariantBroken(f"broken invariant: no room decides about the command {ask.command}")
