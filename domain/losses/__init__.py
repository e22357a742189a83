"""The loss limits on every tick: `marks` what things are worth along a table, `follower` one limit along it, `watch` all of them in a session."""
