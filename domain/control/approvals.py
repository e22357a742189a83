"""Decides what happens to a command that needs a second person.

The command is judged when it is asked for and again when it is approved: what cannot be obeyed is refused both times. A request that is
refused at its approval stays open: it may be declined, or approved when it can be obeyed.

Invariants: what waits is done at most once; requester and approver are two persons; a request ends granted, declined, withdrawn or expired.
Source: RTS 6 Art. 15(6); features D K-01, K-02, K-05.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from domain.commands import ApproveRequest, DeclineRequest
from domain.control.asks import Ask, Deed
from domain.control.words import Refused
from domain.desk import FAR
from domain.events import ApprovalClosed, ApprovalRequested, ControlSettings, TimerFired

if TYPE_CHECKING:
    from domain.engine import Engine

Judge = Callable[[Ask, str, int], tuple[Deed, bool]]
"""Judges (ask, argument, number): what obeying does, and whether it needs two persons. Raises Refused or ValueError."""


class Request(msgspec.Struct, frozen=True):
    """What waits. seq: of the command, which is the cause of what it leads to."""

    ask: Ask
    argument: str
    seq: int
    expires_ns: int


class Approvals:
    """The requests that wait, by number. `next` is the number of the next one."""

    def __init__(self, engine: Engine, settings: ControlSettings, judge: Judge) -> None:
        self._desk = engine.desk
        self._approvers = settings.approvers
        self._wait_ns = max(settings.approval_ns, 1)
        self._judge = judge
        self.open: dict[int, Request] = {}
        self.next = 1
        engine.timers["approval"] = self._due

    def request(self, ask: Ask, argument: str) -> None:
        """Let a command wait for its second person. Raises Refused for one that nobody asks for."""
        if not _identity(ask.actor):
            raise Refused("what needs two persons needs the name of who asks for it")
        desk = self._desk
        number = self.next
        self.next += 1
        expires = min(desk.now_ns + self._wait_ns, FAR)
        self.open[number] = Request(ask, argument, desk.cause, expires)
        desk.emit(ApprovalRequested(desk.now_ns, desk.cause, number, ask.actor, ask.command, argument, expires))
        desk.set_timer(-1, f"approval {number}", expires)

    def approve(self, ask: Ask, command: ApproveRequest) -> Deed:
        """What approving does. Raises Refused."""
        request = self._found(command.number)
        requester = request.ask.actor
        if _identity(ask.actor) in ("", _identity(requester)):
            raise Refused(f"{requester} asked for request {command.number}; approving it takes another person")
        self._check_approver(ask.actor)
        approved = Ask(requester, ask.actor, request.ask.command)
        try:
            deed, _ = self._judge(approved, request.argument, command.number)
        except ValueError as e:
            raise Refused(f"{e}") from None

        def granted() -> None:
            self._close(command.number, "granted", ask.actor, command.reason)
            desk = self._desk
            cause, desk.cause = desk.cause, request.seq
            try:
                deed()
            finally:
                desk.cause = cause

        return granted

    def decline(self, ask: Ask, command: DeclineRequest) -> Deed:
        """What declining does, which is withdrawing for who asked. Raises Refused."""
        asker = self._found(command.number).ask.actor
        withdrawn = _identity(asker) == _identity(ask.actor)
        if not withdrawn:
            self._check_approver(ask.actor)
        return lambda: self._close(command.number, "withdrawn" if withdrawn else "declined", ask.actor, command.reason)

    def _found(self, number: int) -> Request:
        request = self.open.get(number)
        if request is None:
            was = "is closed" if 0 < number < self.next else "was never made"
            raise Refused(f"request {number} {was}; {self._waiting()}")
        return request

    def _waiting(self) -> str:
        if not self.open:
            return "no request waits"
        return "these wait: " + ", ".join(f"{n} ({r.ask.command} of {r.ask.actor})" for n, r in self.open.items())

    def _check_approver(self, actor: str) -> None:
        if self._approvers and actor not in self._approvers:
            raise Refused(f"{actor} is not an approver; approvers are {', '.join(self._approvers)}")

    def _close(self, number: int, outcome: str, actor: str, reason: str) -> None:
        del self.open[number]
        self._desk.emit(ApprovalClosed(self._desk.now_ns, self._desk.cause, number, outcome, actor, reason))

    def _due(self, event: TimerFired, seq: int) -> None:
        number = int(event.name.partition(" ")[2])
        if number in self.open:
            self._close(number, "expired", "", "nobody decided in time")


def _identity(actor: str) -> str:
    """One person under several spellings of a name is still one person."""
    return " ".join(actor.split()).casefold()
