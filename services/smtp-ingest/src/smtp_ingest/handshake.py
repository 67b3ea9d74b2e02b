"""The TLS handshake behind STARTTLS (RFC 3207)."""

import asyncio
import ssl

import structlog

_GOODBYE_SECONDS = 1.0


async def shake_hands(
    plain: asyncio.WriteTransport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    log: structlog.stdlib.BoundLogger,
    *,
    seconds: float,
) -> tuple[asyncio.Transport, str] | None:
    """The transport over TLS, with its protocol version and cipher; None when the handshake fails."""
    try:
        transport = await asyncio.get_running_loop().start_tls(
            plain,
            protocol,
            context,
            server_side=True,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=_GOODBYE_SECONDS,
        )
    except OSError as error:
        log.info("tls_failed", reason=getattr(error, "reason", None) or type(error).__name__)
        return None
    # A connection that is lost within the handshake may come back as one without a session of TLS.
    tls = transport and transport.get_extra_info("ssl_object")
    if transport is None or not tls or not tls.version():
        return None
    return transport, f"{tls.version()} {tls.cipher()[0]}"
