"""The operator's tools over the database: find, count and delete mail, block senders, see how much is stored."""
