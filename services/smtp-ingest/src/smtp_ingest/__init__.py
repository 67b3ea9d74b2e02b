"""Takes mail over SMTP and commits it to Postgres."""
