"""Granian, its socket and its workers."""
