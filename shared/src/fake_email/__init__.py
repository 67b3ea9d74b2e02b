"""The code that both services share: settings, log, Postgres, storage, MIME and HTML parsing, findings."""
