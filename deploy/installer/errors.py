"""The error that ends a deploy or a rollback."""


class Failed(Exception):
    """A step failed; the text gives the reason, in one line or more."""
