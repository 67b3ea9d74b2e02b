"""One-click unsubscribe (RFC 8058), which large receivers ask of senders of bulk mail. Pure."""

import re
from collections.abc import Sequence

from fake_email.authentication import MethodResult, SignatureResult
from smtp_ingest.authentication import signatures
from smtp_ingest.authentication.signatures import Field

_LINK = re.compile(rb"<\s*(https?|mailto):", re.IGNORECASE)
_NEEDED = {"list-unsubscribe", "list-unsubscribe-post"}


def check(fields: Sequence[Field], dkim: Sequence[SignatureResult]) -> MethodResult:
    """`pass` when a mail program may unsubscribe its reader by one request, without a question."""
    lists = [value for name, value in fields if name.lower() == b"list-unsubscribe"]
    posts = [b"".join(value.split()) for name, value in fields if name.lower() == b"list-unsubscribe-post"]
    if not lists:
        return MethodResult(result="none", reason="the message has no List-Unsubscribe")
    schemes = {each.lower() for value in lists for each in _LINK.findall(value)}
    if b"https" not in schemes:
        return MethodResult(result="fail", reason="List-Unsubscribe has no https link")
    if [each.lower() for each in posts] != [b"list-unsubscribe=one-click"]:
        return MethodResult(result="fail", reason="List-Unsubscribe-Post is not List-Unsubscribe=One-Click")
    signed = [set(signatures.tags(value).signed) for value in signatures.of_dkim(fields)]
    passed = [number for number, each in enumerate(dkim) if each.result == "pass"]
    if not any(signed[number] >= _NEEDED for number in passed):
        return MethodResult(result="fail", reason="no valid DKIM signature covers both fields")
    return MethodResult(result="pass", reason="one request to the https link unsubscribes")
