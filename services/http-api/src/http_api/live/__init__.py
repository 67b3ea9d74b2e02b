"""Open streams, waiting calls, and the notifications that wake them."""
