"""The baseline for SMTP: unmodified aiosmtpd on uvloop, with a handler that discards every message.

It prints its port. With the files of a certificate and its key as arguments, it offers STARTTLS.
"""

import asyncio
import ssl
import sys
from functools import partial

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session


class Discard:
    """Acknowledges every message and discards it."""

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return "250 2.6.0 Discarded"


async def serve() -> None:
    """Serve until killed."""
    tls = None
    if sys.argv[1:]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*sys.argv[1:])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        partial(SMTP, Discard(), hostname="mx.test", loop=loop, tls_context=tls), "127.0.0.1", 0, backlog=1_024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
