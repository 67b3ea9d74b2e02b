"""Connections to Postgres: the pool, failover, outages, notifications, migrations."""
