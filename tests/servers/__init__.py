"""Real servers for tests: Apache Kafka and PostgreSQL, started on this machine, without containers."""
