"""Syntax for which other servers refuse or distrust a message (RFC 5322, RFC 6532). Pure."""

import re
from collections.abc import Iterator, Sequence

from fake_email.authentication import HeaderFinding
from fake_email.mime import headers as mime_headers
from smtp_ingest.authentication import signatures
from smtp_ingest.authentication.questions import printable
from smtp_ingest.authentication.signatures import MAX_SIGNATURES

_MAX_FINDINGS = 20
_LINE_OCTETS = 998  # RFC 5322 §2.1.1
_LONG_LINE = re.compile(rb"[^\r\n]{%d}" % (_LINE_OCTETS + 1))
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_FIELD = re.compile(rb"^([!-9;-~]++)([ \t]*+):([^\n]*+(?>(?:\n[ \t][^\n]*+)*))", re.MULTILINE)
_NO_FIELD = re.compile(rb"^(?![!-9;-~]++[ \t]*+:)[^ \t\r\n][^\n]*+", re.MULTILINE)
_MESSAGE_ID = re.compile(rb"<[!-;=?-~]+@[!-;=?-~]+>")
_RESULTS_OF = re.compile(rb"\s*(?>(?:\([^()]*+\)\s*)*)\"?([^\s;\"]++)")
# RFC 5322 §3.6
_NEEDED = ("From", "Date", "Message-ID")
_ONCE = (
    *("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject", "Date"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
)
_MOST_FIELDS = 1_000


def find(content: bytes, *, is_utf8: bool, own_names: Sequence[str]) -> tuple[HeaderFinding, ...]:
    """The findings, the most telling kinds first; `is_utf8` for a message that was sent with SMTPUTF8."""
    section = signatures.header_section(content)[: mime_headers.SECTION_OCTETS]
    fields = [(name.decode("ascii").lower(), space, value) for name, space, value in _FIELD.findall(section)][
        :_MOST_FIELDS
    ]
    findings = [
        *_of_counts(fields),
        *_of_values(fields),
        *_of_own_name(fields, own_names),
        *_of_lines(content, section, is_utf8=is_utf8),
        *_of_names(section, fields),
    ]
    return tuple(findings[:_MAX_FINDINGS])


def _of_counts(fields: Sequence[tuple[str, bytes, bytes]]) -> Iterator[HeaderFinding]:
    names = [name for name, _, _ in fields]
    for needed in _NEEDED:
        if needed.lower() not in names:
            yield HeaderFinding(fault="missing_field", reason=f"{needed} is missing")
    for once in _ONCE:
        if (number := names.count(once.lower())) > 1:
            yield HeaderFinding(fault="repeated_field", reason=f"{once} is there {number} times")
    if (number := names.count("dkim-signature")) > MAX_SIGNATURES:
        reason = f"of {number} DKIM signatures, the first {MAX_SIGNATURES} were checked"
        yield HeaderFinding(fault="too_many_signatures", reason=reason)


def _of_values(fields: Sequence[tuple[str, bytes, bytes]]) -> Iterator[HeaderFinding]:
    values = {name: value.strip() for name, _, value in reversed(fields)}
    senders = mime_headers.addresses(values.get("from", b""))
    if "from" in values and not senders:
        yield HeaderFinding(fault="bad_address", reason="From has no address")
    if len(senders) > 1 and "sender" not in values:
        yield HeaderFinding(fault="bad_address", reason=f"From has {len(senders)} addresses, and Sender is missing")
    if "date" in values and mime_headers.date(values["date"]) is None:
        yield HeaderFinding(fault="bad_date", reason="Date cannot be read")
    if "message-id" in values and not _MESSAGE_ID.fullmatch(values["message-id"]):
        yield HeaderFinding(fault="bad_message_id", reason="Message-ID is not of the form <name@domain>")


def _of_own_name(fields: Sequence[tuple[str, bytes, bytes]], own_names: Sequence[str]) -> Iterator[HeaderFinding]:
    for name, _, value in fields:
        named = _RESULTS_OF.match(value) if name == "authentication-results" else None
        if named and named[1].decode("ascii", "replace").lower().rstrip(".") in own_names:
            reason = f"an Authentication-Results of {printable(named[1].decode('ascii', 'replace'))[:255]} came with it"
            yield HeaderFinding(fault="forged_results", reason=f"{reason}, and is ignored")
            return


def _of_lines(content: bytes, section: bytes, *, is_utf8: bool) -> Iterator[HeaderFinding]:
    if long := _LONG_LINE.search(content):
        line = content.count(b"\n", 0, long.start()) + 1
        yield HeaderFinding(fault="line_too_long", reason=f"line {line} has more than {_LINE_OCTETS} bytes")
    if bare := _BARE_LINE_END.search(content):
        line = content.count(b"\n", 0, bare.start()) + 1
        yield HeaderFinding(fault="bad_line_end", reason=f"line {line} does not end with CR LF")
    if not is_utf8 and not section.isascii():
        reason = "the header section has characters other than ASCII, and SMTPUTF8 was not used"
        yield HeaderFinding(fault="not_ascii", reason=reason)


def _of_names(section: bytes, fields: Sequence[tuple[str, bytes, bytes]]) -> Iterator[HeaderFinding]:
    for name, space, _ in fields:
        if space:
            yield HeaderFinding(
                fault="bad_field_name", reason=f"a blank stands between {printable(name)[:100]} and its colon"
            )
            return
    if bad := _NO_FIELD.search(section):
        shown = printable(bad[0].decode("latin-1"))[:50]
        yield HeaderFinding(fault="bad_field_name", reason=f"a line of the header section is no field: {shown}")
