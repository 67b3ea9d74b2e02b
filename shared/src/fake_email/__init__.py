"""What both services need: settings, pool, aggregates, MIME, events, log."""
