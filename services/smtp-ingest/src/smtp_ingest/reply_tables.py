"""The reply to each error, each reason to defer mail, each fault of content and each limit."""

from fake_email.batching import QueueFull, WorkFailed
from fake_email.errors import DatabaseAway, DatabaseFull, ServiceError
from smtp_ingest import replies
from smtp_ingest.content import Fault
from smtp_ingest.group_commit import NotStored
from smtp_ingest.overload import Reason
from smtp_ingest.session_limits import Limit

# The session ends because of a limit; RFC 3463 §3.8: X.7.0, a matter of policy.
_PAST = "421 4.7.0"

FOR_ERROR: dict[type[ServiceError], str] = {
    DatabaseAway: replies.TRY_LATER,
    DatabaseFull: replies.STORAGE_FULL,
    NotStored: replies.TRY_LATER,
    WorkFailed: replies.TRY_LATER,
    QueueFull: replies.QUEUE_FULL,
}

FOR_LOAD: dict[Reason, str] = {
    "loop_lags": "451 4.3.2 Too busy at the moment, try again later",
    "database_slow": replies.TRY_LATER,
    "queue_full": replies.QUEUE_FULL,
    "no_room": replies.QUEUE_FULL,
}

FOR_FAULT: dict[Fault, str] = {
    "too_large": "552 5.3.4 Message larger than {settings.max_message_octets} octets",
    "header_too_large": "552 5.3.4 Header section larger than {settings.max_header_octets} octets",
    "line_too_long": "552 5.3.4 A line longer than {settings.max_line_octets} octets",
    "too_many_hops": "554 5.4.6 More than 100 Received fields: this message goes in circles",
    "no_room": replies.QUEUE_FULL,
}

# A session ends with a 421, and goes on after any other reply.
FOR_LIMIT: dict[Limit, str] = {
    "mailbox_quota": "452 4.2.2 Mailbox full",
    "smtp_max_recipients": "452 4.5.3 Too many recipients; send the rest in another transaction",
    "smtp_max_command_octets": "500 5.5.2 Command line too long",
    "smtp_max_sessions": f"{_PAST} Too many connections, try again later",
    "smtp_max_client_sessions": f"{_PAST} Too many connections from your address",
    "smtp_max_client_sessions_per_minute": f"{_PAST} Too many new connections from your address, wait a minute",
    "smtp_max_messages": f"{_PAST} Enough messages for one session, connect again",
    "smtp_max_refused_recipients": f"{_PAST} Too many recipients that do not exist",
    "smtp_max_unknown_commands": f"{_PAST} Too many unknown commands",
    "smtp_max_errors": f"{_PAST} Too many errors",
    "smtp_max_commands_without_message": f"{_PAST} Too many commands and no message",
    "smtp_idle_seconds": f"{_PAST} Idle for too long",
    "smtp_session_seconds": f"{_PAST} This session has lasted too long, connect again",
    "smtp_min_octets_per_second": f"{_PAST} The message comes too slowly",
}
