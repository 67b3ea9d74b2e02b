"""HTML read for its text. Pure."""
