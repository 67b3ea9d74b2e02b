"""What ends a deploy."""


class Failed(Exception):
    """A step failed; the text says what was wrong, in one line or more."""
