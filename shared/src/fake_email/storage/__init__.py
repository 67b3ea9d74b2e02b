"""The aggregates in Postgres: one module each, and the only SQL."""
