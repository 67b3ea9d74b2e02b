"""The error that ends the build of a release."""


class ReleaseError(Exception):
    """The release was not built; the text gives the reason, in one line or more."""
