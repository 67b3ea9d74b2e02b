"""The certificate of STARTTLS (RFC 3207): read at the start, and again on SIGHUP."""

import ssl

import structlog

from fake_email.errors import SettingsError

log = structlog.get_logger()


class Certificate:
    """A full chain and its key, as files that may change."""

    def __init__(self, cert_file: str, key_file: str) -> None:
        """Raises SettingsError when they cannot be used."""
        self._cert_file = cert_file
        self._key_file = key_file
        self.context = _read(cert_file, key_file)

    def reload(self) -> None:
        """Take what the files hold now for handshakes to come, or go on with what is known when it is no good."""
        try:
            self.context = _read(self._cert_file, self._key_file)
        except SettingsError as error:
            log.error("certificate_refused", reason=str(error))  # noqa: TRY400  # it says all
        else:
            log.info("certificate_taken")


def _read(cert_file: str, key_file: str) -> ssl.SSLContext:
    for name, path in (("TLS_CERT_FILE", cert_file), ("TLS_KEY_FILE", key_file)):
        try:
            with open(path, "rb"):  # noqa: PTH123  # ssl's own complaint would not say which of the two
                pass
        except OSError as error:
            raise SettingsError(f"{name}: {path}: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # With a password given, a key that wants one is refused; without, OpenSSL would ask for it on the terminal.
        context.load_cert_chain(cert_file, key_file, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise SettingsError(f"TLS_CERT_FILE, TLS_KEY_FILE: {cert_file} and {key_file}: {reason}") from None
    return context
