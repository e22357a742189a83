"""Configurations to start from: `demo.toml` runs as it is, `session.toml` is what `reenact init` writes."""
