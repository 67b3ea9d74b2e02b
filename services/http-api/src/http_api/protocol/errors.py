"""The errors of HTTP itself, beside those of `fake_email.errors`; `problems` has the public code of each."""

from fake_email.errors import ServiceError


class BadInput(ServiceError):
    """A parameter, a header field or the body is wrong; `field` names it, and the text begins with that name."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotAcceptable(ServiceError):
    """`Accept` allows no media type that the call can return."""


class AddressReserved(ServiceError):
    """The name is reserved for the operator of the domain."""


class TooManyStreams(ServiceError):
    """The client, the mailbox or the process has no free slot for another stream or waiting call."""


class Overloaded(ServiceError):
    """The call waited for its turn in vain: other calls hold what it needs."""


class BodyTooSlow(ServiceError):
    """The body of the request did not arrive in time."""


class ServiceStopping(ServiceError):
    """The service stops while the call waits."""


class ClientDisconnected(ServiceError):
    """The client disconnected, so nobody reads the response."""


class NotModified(ServiceError):
    """The client has the current response already."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


class RangeNotSatisfiable(ServiceError):
    """The range begins after the end of a content of `octets`."""

    def __init__(self, octets: int) -> None:
        super().__init__(str(octets))
        self.octets = octets
