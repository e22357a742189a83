"""Venues: where orders trade. Each module is one venue or a part of one; venues do not import each other."""
