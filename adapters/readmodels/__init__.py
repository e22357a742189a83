"""Decides how the read side lies in SQL databases: tables, how they are filled, and how far they have come."""
