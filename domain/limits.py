"""What a limit is and what a rule answers, as the log records them.

Invariants: a limit is never changed, a later version takes its place; a check holds the numbers that were compared.
"""

from __future__ import annotations

import msgspec

from domain.terms import Scope

OFF = -1


class Limit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Numbers that bind each member of a scope under one rule.

    id: its place in the session's book, from 1 and never reused. rule: the rule's id. members: symbols, names of strategies, asset classes
    or venues, each bound by itself; empty for the account. values: in the order and units of the rule's parameters, `OFF` where switched
    off. owner: who answers for it; approver: who approved it, empty where one person may decide. effective_ns: from when it holds.
    Source: RTS 6 Art. 15; SEC 15c3-5(c)(1) and (e).
    """

    id: int
    rule: str
    scope: Scope
    members: tuple[str, ...]
    values: tuple[int, ...]
    version: int = 1
    owner: str = ""
    approver: str = ""
    effective_ns: int = 0


class Check(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One rule's answer: what was compared with what, in the rule's unit.

    seen: seq of the newest event that the observed number rests on beside the order itself, 0 for none. limit_id: the limit's place in the
    session's book, 0 for a rule that needs none. version: of the rule. A limit of -1 means that nothing bounds the number.
    """

    rule: str
    passed: bool
    observed: int
    limit: int
    seen: int = 0
    limit_id: int = 0
    version: int = 1
