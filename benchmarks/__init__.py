"""Runnable measurements, side by side with other engines; see README.md. Nothing of the product imports this package."""
