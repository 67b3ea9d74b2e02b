"""The reply to each error, each reason to defer mail, each fault of content and each limit."""

from fake_email.batching import QueueFull, WorkFailed
from fake_email.errors import DatabaseAway, DatabaseFull, ServiceError
from smtp_ingest import replies
from smtp_ingest.content import Fault
from smtp_ingest.group_commit import NotStored
from smtp_ingest.overload import Reason
from smtp_ingest.session_limits import Limit

# The session ends because of a limit; X.7.0 is a matter of policy (RFC 3463 §3.8).
_PAST = "421 4.7.0"

FOR_ERROR: dict[type[ServiceError], str] = {
    DatabaseAway: replies.TRY_LATER,
    DatabaseFull: replies.STORAGE_FULL,
    NotStored: replies.TRY_LATER,
    WorkFailed: replies.TRY_LATER,
    QueueFull: replies.QUEUE_FULL,
}

FOR_OVERLOAD: dict[Reason, str] = {
    "loop_lags": "451 4.3.2 The server is too busy, try again later",
    "database_slow": replies.TRY_LATER,
    "queue_full": replies.QUEUE_FULL,
    "no_room": replies.QUEUE_FULL,
}

FOR_FAULT: dict[Fault, str] = {
    "too_large": "552 5.3.4 The message is larger than {settings.max_message_octets} bytes",
    "header_too_large": "552 5.3.4 The header section is larger than {settings.max_header_octets} bytes",
    "line_too_long": "552 5.3.4 A line is longer than {settings.max_line_octets} bytes",
    "too_many_hops": "554 5.4.6 Mail loop: more than 100 Received fields",
    "no_room": replies.QUEUE_FULL,
}

# A 421 ends the session; after any other reply the session goes on.
FOR_LIMIT: dict[Limit, str] = {
    "mailbox_quota": "452 4.2.2 The mailbox is full",
    "max_stored_octets": replies.STORAGE_FULL,
    "smtp_max_client_octets_per_day": "452 4.3.1 Your network has sent too much mail today, try again later",
    "smtp_max_recipients": "452 4.5.3 Too many recipients; send the rest in another transaction",
    "smtp_max_command_octets": "500 5.5.2 The command line is too long",
    "smtp_max_sessions": f"{_PAST} Too many connections, try again later",
    "smtp_max_client_sessions": f"{_PAST} Too many connections from your network",
    "smtp_max_client_sessions_per_minute": f"{_PAST} Too many new connections from your network, wait a minute",
    "smtp_max_messages": f"{_PAST} Too many messages in one session, connect again",
    "smtp_max_refused_recipients": f"{_PAST} Too many recipients that do not exist",
    "smtp_max_unknown_commands": f"{_PAST} Too many unknown commands",
    "smtp_max_errors": f"{_PAST} Too many errors",
    "smtp_max_commands_without_message": f"{_PAST} Too many commands without a message",
    "smtp_idle_seconds": f"{_PAST} The client was idle for too long",
    "smtp_session_seconds": f"{_PAST} The session lasted too long, connect again",
    "smtp_min_octets_per_second": f"{_PAST} The message arrives too slowly",
}
