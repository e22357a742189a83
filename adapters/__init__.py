"""The outside world: logs, feeds, venues, read models, exports, reports."""
