"""Decides how a session is shown as one page that needs nothing else.

Invariants: the page loads nothing from anywhere and says so to the browser; every text is escaped; its size does not grow with the ticks.
"""

from __future__ import annotations

from adapters.reports.html import render
from adapters.reports.model import Column, Figure, Line, Mark, Panel, Report, Table, spread, thinned

__all__ = ["Column", "Figure", "Line", "Mark", "Panel", "Report", "Table", "render", "spread", "thinned"]
