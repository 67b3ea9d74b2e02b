"""The trace lines before a message's source: Return-Path, Received (RFC 5321 §4.4), results (RFC 8601). Pure."""

import datetime
import email.utils
import ipaddress
import uuid

from fake_email.storage.incoming_message import Trace


def header(
    trace: Trace,
    *,
    message_id: uuid.UUID,
    reverse_path: str,
    recipient: str,
    received_at: datetime.datetime,
    by: str,
    results_field: str = "",
) -> bytes:
    """The lines, each with its <CRLF>; `by` is the name of the host that received the message.

    Authentication-Results stands above our Received: below it, such a field is one that the message came with.
    """
    host_name, literal = trace.host_name or "unknown", _address_literal(trace.client_address)
    received = [
        f"from {host_name} ({literal})" if literal else f"from {host_name}",
        f"by {by} with {trace.protocol or 'SMTP'}{f' ({trace.tls})' if trace.tls else ''}",
        f"id {message_id}",
        f"for <{recipient}>; {email.utils.format_datetime(received_at)}",
    ]
    folded = "\r\n\t".join(received)
    results = f"Authentication-Results: {results_field}\r\n" if results_field else ""
    return f"Return-Path: <{reverse_path}>\r\n{results}Received: {folded}\r\n".encode()


def _address_literal(address: str) -> str:
    """An address literal (RFC 5321 §4.1.3); "" when `address` is not an IP address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return f"[IPv6:{parsed}]" if parsed.version == 6 else f"[{parsed}]"  # noqa: PLR2004
