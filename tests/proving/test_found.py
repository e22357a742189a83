"""What the prover once found, kept: each must hold from then on."""

from __future__ import annotations

import pytest

from reenact.proving.running import KINDS, _again
from tests.proving.configs import ALL

FOUND = {
    "a replacement below what is filled asks for less than nothing, and exposure rules called that senseless": (
        "exposure", 0, [(1, 0), (1, 1144336231046), (2, 5), (0, 19583056336), (0, 604486221), (2, 783120), (1, 864782551203)],
    ),
    "alternatives of a group count once where an order is sized, and the recount of the risk counted them all": (
        "sized", 12, [
            (3, 0), (1, 4016590178281), (1, 3), (1, 8684729805690), (1, 199928400485), (2, 0), (2, 0), (2, 0), (1, 11261772040907), (1, 48907),
            (1, 683601), (1, 615), (1, 8), (1, 13), (1, 3694283417557), (1, 1957999924078), (4, 0),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_is_found_no_more(what: str) -> None:
    """Given the moves of a counterexample, when they are played again, then every invariant holds."""
    name, style, moves = FOUND[what]
    violation, _, steps = _again(ALL[name], KINDS, style, moves, "found")
    assert violation is None
    assert steps > 0
