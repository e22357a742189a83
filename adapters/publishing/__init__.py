"""Decides how a log is published: one JSON record per event on a topic that any Kafka tool can read."""
