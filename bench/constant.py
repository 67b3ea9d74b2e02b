"""The baseline for HTTP: Litestar on Granian with http-api's settings, and one handler that returns a constant."""

import os
from functools import partial

import msgspec
from litestar import Litestar, get
from litestar.types import ASGIApp

from fake_email import log
from fake_email.settings import Settings, load
from http_api.serving import server
from http_api.serving.granian_socket import GranianSocket


class Constant(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a poll of an empty mailbox."""

    temp_email_addr: str
    new_mail_count: int
    next_since: str | None
    messages: tuple[str, ...]


_CONSTANT = Constant(temp_email_addr="annq7mfk2xd@mx.test", new_mail_count=0, next_since=None, messages=())


@get("/constant")
async def constant() -> Constant:
    """Return the constant."""
    return _CONSTANT


def application() -> ASGIApp:
    """A Litestar application that has this handler only."""
    return Litestar([constant], openapi_config=None, logging_config=None)


def main() -> None:
    """Serve until killed."""
    settings = load(os.environ, Settings)
    log.configure("warning")
    server.run(settings, GranianSocket(settings, os.environ), partial(application))


if __name__ == "__main__":
    main()
