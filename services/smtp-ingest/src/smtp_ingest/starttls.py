"""STARTTLS (RFC 3207): the certificate, read at the start and again on SIGHUP, and the TLS handshake."""

import asyncio
import ssl

import structlog

from fake_email.errors import SettingsError

log = structlog.get_logger()

_SHUTDOWN_SECONDS = 1.0


class Certificate:
    """A full chain and its key, in files that may change."""

    def __init__(self, cert_file: str, key_file: str) -> None:
        """Raises SettingsError when the files cannot be used."""
        self._cert_file = cert_file
        self._key_file = key_file
        self.ssl_context = _read(cert_file, key_file)

    def reload(self) -> None:
        """Use the present files for new handshakes; keep the old certificate when the files cannot be used."""
        try:
            self.ssl_context = _read(self._cert_file, self._key_file)
        except SettingsError as error:
            log.error("certificate_refused", reason=str(error))  # noqa: TRY400  # the reason says all
        else:
            log.info("certificate_taken")


def _read(cert_file: str, key_file: str) -> ssl.SSLContext:
    for name, path in (("TLS_CERT_FILE", cert_file), ("TLS_KEY_FILE", key_file)):
        try:
            with open(path, "rb"):  # noqa: PTH123  # ssl's own error does not name the file
                pass
        except OSError as error:
            raise SettingsError(f"{name}: {path}: {error.strerror}") from None
    ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ssl_context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # The empty password makes OpenSSL refuse an encrypted key; without it, OpenSSL would ask on the terminal.
        ssl_context.load_cert_chain(cert_file, key_file, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise SettingsError(f"TLS_CERT_FILE, TLS_KEY_FILE: {cert_file} and {key_file}: {reason}") from None
    return ssl_context


async def shake_hands(
    plain: asyncio.WriteTransport,
    protocol: asyncio.Protocol,
    ssl_context: ssl.SSLContext,
    session_log: structlog.stdlib.BoundLogger,
    *,
    seconds: float,
) -> tuple[asyncio.Transport, str] | None:
    """The transport over TLS, with its protocol version and cipher; None when the handshake fails."""
    try:
        transport = await asyncio.get_running_loop().start_tls(
            plain,
            protocol,
            ssl_context,
            server_side=True,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
        )
    except OSError as error:
        session_log.info("tls_failed", reason=getattr(error, "reason", None) or type(error).__name__)
        return None
    # A connection that is lost during the handshake may come back as a transport without a TLS session.
    tls = transport and transport.get_extra_info("ssl_object")
    if transport is None or not tls or not tls.version():
        return None
    return transport, f"{tls.version()} {tls.cipher()[0]}"
