"""Decides what limits a cautious desk starts from, by asset class: relative ones only, for absolute sizes depend on the account.

Invariants: every key is a parameter of a built-in rule; a preset is expanded when the configuration is read, so the session's opening
records its limits like any others; a key that is written by hand always wins.
"""

from __future__ import annotations

from typing import Any

_ALWAYS: dict[str, Any] = {
    "deny_crossed": True, "deny_gapped": True, "self_trade": 1, "duplicate_window": "500ms", "collar_drift_window": "1m", "max_repeats": 50,
    "repeat_window": "1m",
}  # fmt: skip

PRESETS: dict[str, dict[str, Any]] = {
    "equity": {
        "collar_bps": 500, "collar_drift_bps": 1_000, "max_age": "15s", "max_jump_bps": 1_000, "message_rate": "50/1s", "cancel_rate": "100/1s", **_ALWAYS,
    },
    "crypto": {
        "collar_bps": 500, "collar_drift_bps": 1_000, "max_age": "5s", "max_jump_bps": 500, "message_rate": "20/1s", "cancel_rate": "40/1s", **_ALWAYS,
    },
    "future": {
        "collar_bps": 200, "collar_drift_bps": 400, "max_age": "5s", "max_jump_bps": 200, "message_rate": "20/1s", "cancel_rate": "40/1s", **_ALWAYS,
    },
    "fx": {
        "collar_bps": 100, "collar_drift_bps": 200, "max_age": "5s", "max_jump_bps": 100, "message_rate": "20/1s", "cancel_rate": "40/1s", **_ALWAYS,
    },
}  # fmt: skip
"""Values by parameter, as a configuration file writes them; a class's preset leaves out what binds neither instruments nor a class.

Source: house rule, after FIA's advice to set price tolerance and throttles by product.
"""
