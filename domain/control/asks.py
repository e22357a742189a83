"""What a command is once it is read: who asks, who approves, and the deed that obeys it.

Invariants: reading decides nothing; a deed is done in the same step in which it was judged.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Deed = Callable[[], None]
"""Does what a command asks for. Whatever can be refused was refused before there is a deed."""


class Ask(msgspec.Struct, frozen=True):
    """A request by a person: `actor` asks, `approver` is the second person ("" for none yet), `command` names what is asked for."""

    actor: str
    approver: str
    command: str
