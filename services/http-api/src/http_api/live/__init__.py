"""Open streams, held calls and the events that wake them."""
