"""No order goes to a venue whose session is lost."""

from __future__ import annotations

from domain.limits import Check
from domain.risk import KNOWN
from tests.domain.risk.build import ask


def test_an_order_to_a_connected_venue_passes() -> None:
    """Given a venue that is not lost, then the check passes with nothing observed."""
    assert ask("K-03") == Check("K-03", True, 0, 0)


def test_an_order_to_a_lost_venue_is_denied_even_if_it_reduces() -> None:
    """Given a venue that is lost, then every order to it fails: nothing sent is known to arrive."""
    assert ask("K-03", venue_lost=True) == Check("K-03", False, 1, 0)
    assert ask("K-03", venue_lost=True, reduce_only=True) == Check("K-03", False, 1, 0)


def test_the_rule_binds_everybody_and_cannot_be_overridden() -> None:
    """Given the rule, then it needs no limit, has its code, and no two persons may waive it."""
    rule = KNOWN["K-03"]
    assert (rule.params, rule.code, rule.overridable, rule.halts) == ((), "DISCONNECTED", False, None)
