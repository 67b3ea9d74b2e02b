"""Check smtp-ingest as a sender sees it: banner, EHLO, STARTTLS."""

import smtplib
import ssl

from host_checks.finding import Finding, failed, note, passed

_SECONDS = 10


def look(port: int, host_name: str) -> list[Finding]:
    """Check 127.0.0.1:`port`; the certificate must be for `host_name`."""
    try:
        with smtplib.SMTP(timeout=_SECONDS) as session:
            code, banner = session.connect("127.0.0.1", port)
            said = f"{code} {banner.decode(errors='replace')}"
            if code != 220:  # noqa: PLR2004  # RFC 5321 §4.2
                return [failed("SMTP banner", said)]
            code, _ = session.ehlo("summary.invalid")
            extensions = " ".join(sorted(session.esmtp_features)).upper()
            greeted = (passed if code == 250 else failed)("SMTP EHLO", f"{code} {extensions}")  # noqa: PLR2004
            if not session.has_extn("starttls"):
                return [passed("SMTP banner", said), greeted, failed("STARTTLS", "not offered")]
    except (OSError, smtplib.SMTPException) as error:
        return [failed("SMTP", f"127.0.0.1 port {port}: {error}")]
    return [passed("SMTP banner", said), greeted, _starttls(port, host_name)]


def _starttls(port: int, host_name: str) -> Finding:
    context = ssl.create_default_context()
    try:
        _shake_hands(port, host_name, context)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message
    except (OSError, smtplib.SMTPException) as error:
        return failed("STARTTLS", str(error))
    else:
        return passed("STARTTLS", f"a certificate for {host_name}")
    # Most senders encrypt without checking the issuer.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        _shake_hands(port, host_name, context)
    except (OSError, smtplib.SMTPException) as error:
        return failed("STARTTLS", str(error))
    return note("STARTTLS", f"works with a self-signed certificate until Caddy has one for {host_name} ({why})")


def _shake_hands(port: int, host_name: str, context: ssl.SSLContext) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=_SECONDS) as session:
        session.ehlo("summary.invalid")
        code, said = session.docmd("STARTTLS")
        if code != 220 or session.sock is None:  # noqa: PLR2004  # RFC 3207 §4
            raise smtplib.SMTPResponseException(code, said)
        # smtplib's starttls() would check the certificate against the address.
        context.wrap_socket(session.sock, server_hostname=host_name).close()
        session.sock = None
