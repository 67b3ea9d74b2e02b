"""What a release can fail with."""


class ReleaseError(Exception):
    """There is no release; the text says why, in one line or more."""
