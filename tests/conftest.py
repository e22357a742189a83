"""Hypothesis profiles: dev (default), ci (derandomised), nightly (long)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", deadline=None, max_examples=60, suppress_health_check=_slow)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, suppress_health_check=_slow)
settings.register_profile("nightly", deadline=None, max_examples=5000, suppress_health_check=_slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

pytest_plugins = ["tests.servers.fixtures"]
