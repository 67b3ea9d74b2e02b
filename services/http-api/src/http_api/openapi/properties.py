"""The description and the format of each property in the OpenAPI document, by its name.

A name with a schema before it, as in `Link.text`, is for that schema alone; a plain name means the same everywhere.
"""

from collections.abc import Mapping
from dataclasses import replace

from litestar.openapi.spec import OpenAPIFormat, OpenAPIType, Reference, Schema

# A time is RFC 3339, in UTC, with microseconds.
_TIME, _ID, _EMAIL = OpenAPIFormat.DATE_TIME, OpenAPIFormat.UUID, OpenAPIFormat.EMAIL

DESCRIPTIONS: Mapping[str, str] = {
    # Mailboxes
    "temp_email_addr": "The address of the mailbox.",
    "expires_at": "When the mailbox expires, with all its messages.",
    "created_at": "When the mailbox was created.",
    "token": "The token of a private mailbox, for `Authorization: Bearer …`; it is never shown again.",
    "private": "Whether the mailbox can be read with its token only.",
    "NewAddress.private": "True: the mailbox can be read with its token only. Default: the operator's choice.",
    "username": "The address begins with up to 20 letters and digits of this name.",
    "NewAddress.domain": "One of the domains that `GET /api/domains` lists. Default: the first of them.",
    "exact": "True: the address is `username` as it is, without a random tail. Default: false.",
    "NewAddress.ttl_seconds": "How long the mailbox lives, in seconds. Default: the operator's choice.",
    "NewExpiry.ttl_seconds": "How long the mailbox lives from now on, in seconds.",
    "mailboxes": "The mailboxes that the ticket reads.",
    "NewTicket.ttl_seconds": "How long the ticket lives, in seconds, at most as long as its mailboxes. Default: 3600.",
    "ticket": "The ticket, for `?ticket=` of every GET; it is never shown again.",
    "Ticket.expires_at": "When the ticket expires.",
    "TicketMailbox.address": "The address of a mailbox.",
    "TicketMailbox.token": "The token of the mailbox, if it is private.",
    "message_count": "The number of messages in the mailbox.",
    "unseen_count": "The number of messages that are not marked as seen.",
    "stored_octets": "The size of all messages, as received, in bytes.",
    "quota": "The most that the mailbox holds.",
    "Quota.messages": "The most messages.",
    "Quota.octets": "The most bytes.",
    "last_seq": "The `seq` of the newest message; 0 if the mailbox never had one.",
    "attempts": "The attempts to deliver, oldest first.",
    "others": "How many more attempts there were, by their reply.",
    "before": "The attempts for this address before the mailbox was there, oldest first; none after 24 hours.",
    "attempted_at": "When the attempt ended.",
    "stage": "Where the attempt ended: `rcpt` (the address), `data` (the content) or `commit` (the storing).",
    "reply": "The SMTP reply, as given; null if the client left before one.",
    "message_id": "The id of the message, if it was stored; it may have been deleted since.",
    "RefusedAttempt.message_id": "The id of the message that was there already, if this one was a duplicate.",
    "duplicate": "True: the mailbox had the same bytes already, as the message `message_id`, and keeps them once.",
    "sender_domain": "The domain of the reverse-path; empty for a bounce.",
    "client_addr": "The IP address of the client; null in an open mailbox.",
    "client_host": "What the client called itself in EHLO or HELO; null in an open mailbox.",
    "DeliveryAttempt.tls": "The version and the cipher of TLS; null for plain text.",
    "declared_octets": "The size that the client declared, in bytes; null if it declared none.",
    "DeliveryAttempt.octets": "The size of the content that was received, in bytes.",
    "DeliveryAttempt.seconds": "How long each stage took; null for a message that an older release stored.",
    "Seconds.rcpt": "From MAIL to the content, in seconds.",
    "Seconds.data": "From the beginning to the end of the content, in seconds.",
    "Seconds.commit": "From there to the reply, or, if it was stored, until it was handed to Postgres, in seconds.",
    "number": "How many attempts.",
    "refused": "The last 20 attempts to deliver to the mailbox that were refused, deferred, cut or duplicates.",
    "last_received_at": "When the newest message was received; null if the mailbox never had one.",
    "changes": "A number that grows when messages are marked or deleted. A client that sees it jump lists anew.",
    "domains": "The domains that receive mail.",
    "smtp": "The server that takes mail for the domains.",
    "host": "Its name or address.",
    "port": "Its port.",
    "version": "The version, which ends in what `git describe` says of a release.",
    "default": "The domain of an address whose creation names none.",
    "Health.status": "The service can do its work.",
    # Lists
    "messages": "The messages, oldest first.",
    "FoundMessage.messages": "With `count`: the first so many messages that match, oldest first.",
    "MessageList.messages": "The messages, in the order that the call asks for.",
    "next_cursor": "The `cursor` of the next page; null on the last page.",
    "new_mail_count": "The number of messages in this response.",
    "next_since": "The `since` of a call for later messages: the time of the last one here, else the `since` given.",
    "next_before": "The `before` of a call for older messages; absent when there are none.",
    "changed": "The number of messages whose flag was changed.",
    "deleted": "The number of messages that were deleted.",
    "counted_since": "Since when messages are counted. Those in the mailboxes of that time are counted too.",
    "counted_at": "When the messages were counted.",
    "ServiceStatus.messages": "The numbers of messages; `stored` is the sum of the others.",
    "stored": "The messages that were stored, one for each recipient.",
    "there": "The messages that are in a mailbox.",
    "expired": "The messages that ended with their mailbox, when that expired or was deleted.",
    "MessageNumbers.deleted": "The messages that a reader or the operator deleted.",
    "dropped": "The messages that the operator's own mailboxes dropped for newer ones.",
    # Messages
    "id": "The id of the message.",
    "seq": "The position of the message in its mailbox: 1, 2, 3, in the order of arrival.",
    "from_addr": "The address in the field From, else the reverse-path of the envelope; may be empty.",
    "to_addr": "The address that the message was sent to; it may have a tag, as in `name+tag@`.",
    "subject": "The subject, decoded.",
    "body_text": "The text, at most 64 KiB of it.",
    "preview": "The start of the text on one line, at most 200 characters, without quoted text.",
    "received_at": "When the message was received.",
    "truncated": "Whether the message has more text than `body_text`.",
    "from_header": "The field From, decoded; may be empty.",
    "from": "The people in the field From.",
    "to": "The people in the field To.",
    "cc": "The people in the field Cc.",
    "reply_to": "The people in the field Reply-To.",
    "reverse_path": "The sender of the envelope, from MAIL; empty for a bounce.",
    "date": "The time in the field Date; null without a readable one.",
    "has_html": "Whether the message has HTML.",
    "attachments": "The attachments; the position of each is its number in the path of the download.",
    "attachments_omitted": "The number of attachments that are left out of `attachments`, which would be too large.",
    "codes": "The codes in the message, the most certain first.",
    "links": "The links in the message.",
    "links_omitted": "The number of links that are left out of `links`, which would be too large.",
    "seen": "Whether the message is marked as seen.",
    "octets": "The size of the message, as received, in bytes.",
    "headers": "The header fields, in order.",
    "WholeMessage.text": "The text, at most 1,048,576 characters; from the HTML if the message has no text.",
    "FoundMessage.text": "The text, at most 1,048,576 characters; from the HTML if the message has no text.",
    "html": "The HTML as it was sent, raw and unsafe to show: `GET /api/messages/{message_id}/html` has it sanitized.",
    "envelope": "The SMTP envelope.",
    "tls": "The version and the cipher of TLS that the message came over; null without TLS.",
    "remote_images": "The number of images from other hosts that `/html` leaves out; null for older mail.",
    "authentication": "The check of the sender, after the message was stored.",
    "NewAddress.authentication": "Whether the senders of messages are checked.",
    "Authentication.status": "Whether the check has ended, and whether there was one.",
    "Authentication.reason": "Why the message is not checked, else null.",
    "spf": "Whether the domain of the envelope lets this client send (RFC 7208).",
    "dkim": "The first five signatures, in the order of the header (RFC 6376).",
    "arc": "The chain of forwarders (RFC 8617).",
    "dmarc": "Whether SPF or DKIM confirms the domain in From, and what its owner asks for otherwise (RFC 9989).",
    "Authentication.tls": "Whether the message came over TLS.",
    "reverse_dns": "Whether the name of the client has its address.",
    "unsubscribe": "Whether one request unsubscribes the reader (RFC 8058).",
    "header": "What makes other servers refuse or distrust the message, at most 20 findings.",
    "result": "The result, in the words of RFC 8601.",
    "reason": "Why, in a sentence for people; it may change.",
    "domain": "The domain that the result is about; null without one.",
    "records": "The DNS records that the result rests on, at most 10.",
    "selector": "The selector of the key; null when it cannot be read.",
    "algorithm": "The algorithm of the signature; null when it cannot be read.",
    "policy": "What the domain asks receivers to do with mail that fails; null without a DMARC record.",
    "organizational_domain": "The domain of the organization, found by the tree walk.",
    "HeaderFinding.fault": "The kind of the finding.",
    "DnsRecord.name": "The name of the record.",
    "DnsRecord.type": "The type of the record.",
    "DnsRecord.value": "The value, at most 512 characters of it; characters other than ASCII are `?`.",
    "recipient": "The address of RCPT.",
    "client_address": "The IP address of the sending host.",
    "host_name": "The name that the sending host gave in EHLO.",
    "protocol": "The protocol, as in the field Received: `SMTP`, `ESMTP` or `ESMTPS`.",
    "Address.name": "The name beside the address; may be empty.",
    "Address.address": "The address.",
    "HeaderField.name": "The name of the field, as written.",
    "HeaderField.value": "The value, unfolded and decoded, at most 16 KiB of it.",
    "Attachment.name": "The file name; for a file that has none, a name by its position and type.",
    "Attachment.type": "The media type that the message gives it.",
    "size": "The size after decoding, in bytes.",
    "content_id": "The Content-ID, by which HTML names an image; null without one.",
    "inline": "Whether the message shows it within its text, as an image of its HTML.",
    "part": "The IMAP section of the part, as in `2.1`.",
    "Code.value": "The code as a person would type it.",
    "confidence": "How certain it is that this is a code, from 0 to 1.",
    "evidence": "The line that shows the code.",
    "Code.source": "Where the code stands.",
    "Link.url": "The URL.",
    "Link.text": "The text of the link; may be empty.",
    "Link.target": "The URL inside of `url`, which a service wrapped to count clicks; null when there is none.",
    "kind": "What the link is for.",
    # Waiting
    "near_misses": "The last 20 messages that did not match, oldest first.",
    "failed": "The clauses that the message fails.",
    "matched": "The number of messages that matched, when the call waited for more; absent when none did.",
    "UnexpectedMessage.message": "The message that matched.",
    # Problems
    "title": "The status in words.",
    "Problem.status": "The status of the response.",
    "detail": "The problem in a sentence, for people; it may change.",
    "code": "The kind of the problem, for programs; it never changes.",
    "error": "The same as `detail`, for clients of the first fake-email.",
    "field": "The parameter, header field or body member that is wrong, if one is.",
    # Streams
    "StreamEvents.message": "The data of `event: message`: a message that arrived.",
    "StreamEvents.seen": "The data of `event: seen`: a message that was marked, or no longer is.",
    "CheckedEvent.status": "The `status` of `authentication`.",
    "StreamEvents.checked": "The data of `event: checked`: a message whose sender was checked.",
    "StreamEvents.deleted": "The data of `event: deleted`: a message that was deleted.",
    "StreamEvents.attempt": "The data of `event: attempt`: an attempt to deliver that was not stored.",
    "StreamEvents.expired": "The data of `event: expired`, the last event: the ticket of the stream expired.",
    "StreamEvents.gone": "The data of `event: gone`, the last event: the mailbox expired or was deleted.",
}
FORMATS: Mapping[str, OpenAPIFormat] = {
    "id": _ID,
    "message_id": _ID,
    "temp_email_addr": _EMAIL,
    **dict.fromkeys(("expires_at", "created_at", "received_at", "last_received_at", "date", "attempted_at"), _TIME),
}


def describe(schemas: dict[str, Schema]) -> set[str]:
    """Describe the properties of all schemas in place, and return the entries of DESCRIPTIONS that have a property."""
    used = set()
    for name, schema in schemas.items():
        described = {}
        for property_name, found in (schema.properties or {}).items():
            entries = (f"{name}.{property_name}", _shared_status(name, property_name), property_name)
            entry = next((each for each in entries if each in DESCRIPTIONS), "")
            used.add(entry)
            described[property_name] = _described(found, DESCRIPTIONS.get(entry), FORMATS.get(property_name))
        if described:
            schemas[name] = replace(schema, properties=described)
    return used


def _shared_status(schema: str, name: str) -> str:
    """The entry of the status of each problem, also of one that has members of its own."""
    return "Problem.status" if name == "status" and schema != "Health" else ""


def _described(
    found: Schema | Reference, description: str | None, value_format: OpenAPIFormat | None
) -> Schema | Reference:
    if isinstance(found, Reference):
        return replace(found, description=description)
    variants = found.one_of or ()
    if len(variants) == 1 and isinstance(variants[0], Schema):
        found, variants = variants[0], ()
    # A client sends the field or leaves it out; with a default here, generated types would require it.
    found = replace(found, description=description, default=None)
    if value_format and variants:
        return replace(found, one_of=[_formatted(each, value_format) for each in variants])
    return _formatted(found, value_format) if value_format else found


def _formatted(schema: Schema | Reference, value_format: OpenAPIFormat) -> Schema | Reference:
    if isinstance(schema, Schema) and schema.type == OpenAPIType.STRING:
        return replace(schema, format=value_format)
    return schema
