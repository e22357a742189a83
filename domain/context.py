"""What a strategy may see and do."""


class Context:
    """Placeholder until the engine lands."""
