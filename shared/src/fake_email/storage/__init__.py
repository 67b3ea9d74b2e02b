"""Mailboxes and messages in Postgres: one module for each aggregate, with all of its SQL."""
