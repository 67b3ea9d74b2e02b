"""The public shapes of a message."""
