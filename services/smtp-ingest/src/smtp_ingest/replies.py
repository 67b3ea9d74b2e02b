"""What the daemon says: reply code, enhanced status code (RFC 3463, RFC 5248), text."""

from fake_email.batching import QueueFull, WorkFailed
from fake_email.errors import DatabaseAway, DatabaseFull, ServiceError
from smtp_ingest.content import Fault
from smtp_ingest.group_commit import NotStored
from smtp_ingest.overload import Reason

# Of a client that is past a limit; RFC 3463 §3.8: X.7.0, a matter of policy.
_PAST = "421 4.7.0"

OK = "250 2.0.0 OK"
COMMITTED = "250 2.6.0 Committed"
REVERSE_PATH_OK = "250 2.1.0 OK"
RECIPIENT_OK = "250 2.1.5 OK"
GOODBYE = "221 2.0.0 Goodbye"
SEND_CONTENT = "354 End with <CRLF>.<CRLF>"
CHUNK_OK = "250 2.0.0 {octets} octets received"
READY_FOR_TLS = "220 2.0.0 Ready to start TLS"
CANNOT_VERIFY = "252 2.5.0 Send mail there and see"
HELP = "214 2.0.0 RFC 5321: EHLO, HELO, MAIL, RCPT, DATA, BDAT, RSET, NOOP, VRFY, STARTTLS, QUIT"

SHUTTING_DOWN = "421 4.3.2 Shutting down, try again in a moment"
LINE_WITHOUT_END = "421 4.5.0 A command line has an end; this one had none"

LINE_TOO_LONG = "500 5.5.2 Command line too long"
NOT_UTF8 = "500 5.5.2 Command line is not UTF-8"
UNKNOWN_COMMAND = "500 5.5.2 Unknown command"
NOT_IMPLEMENTED = "502 5.5.1 Not implemented"
NO_ARGUMENT_TAKEN = "501 5.5.4 This command takes no argument"
NAME_WANTED = "501 5.5.4 Say your host name after EHLO or HELO"
GREETING_WANTED = "503 5.5.1 Say EHLO first"
MAIL_WANTED = "503 5.5.1 MAIL FROM first"
RECIPIENT_WANTED = "503 5.5.1 RCPT TO first"
RSET_WANTED = "503 5.5.1 A chunk of this message was refused; RSET, then begin again"
TLS_ALREADY = "503 5.5.1 TLS is active already"
NESTED_MAIL = "503 5.5.1 One MAIL at a time; RSET ends this one"

BAD_REVERSE_PATH = "501 5.1.7 Not a reverse-path: MAIL FROM:<local@domain> or MAIL FROM:<>"
BAD_RECIPIENT = "501 5.1.3 Not a forward-path: RCPT TO:<local@domain>"
BAD_PARAMETER_VALUE = "501 5.5.4 The value of a parameter is wrong"
UNKNOWN_PARAMETER = "555 5.5.4 A parameter is not known here"
BAD_CHUNK = "501 5.5.4 Not a chunk: BDAT octets, or BDAT octets LAST; goodbye"
SMTPUTF8_WANTED = "553 5.6.7 An address beyond ASCII needs SMTPUTF8 in MAIL"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients; send the rest in another transaction"
NOT_OURS = "550 5.7.1 Not a domain of ours; this host relays nothing"
NO_SUCH_MAILBOX = "550 5.1.1 No such mailbox"
MAILBOX_FULL = "452 4.2.2 Mailbox full"

TRY_LATER = "451 4.3.0 Cannot store mail at the moment, try again later"
STORAGE_FULL = "452 4.3.1 No room for more mail at the moment, try again later"
QUEUE_FULL = "452 4.3.1 Too much mail waits to be stored, try again later"

FOR_ERROR: dict[type[ServiceError], str] = {
    DatabaseAway: TRY_LATER,
    DatabaseFull: STORAGE_FULL,
    NotStored: TRY_LATER,
    WorkFailed: TRY_LATER,
    QueueFull: QUEUE_FULL,
}

FOR_LOAD: dict[Reason, str] = {
    "loop_lags": "451 4.3.2 Too busy at the moment, try again later",
    "database_slow": TRY_LATER,
    "queue_full": QUEUE_FULL,
    "no_room": QUEUE_FULL,
}

FOR_FAULT: dict[Fault, str] = {
    "too_large": "552 5.3.4 Message larger than {settings.max_message_octets} octets",
    "header_too_large": "552 5.3.4 Header section larger than {settings.max_header_octets} octets",
    "line_too_long": "552 5.3.4 A line longer than {settings.max_line_octets} octets",
    "too_many_hops": "554 5.4.6 More than 100 Received fields: this message goes in circles",
    "no_room": QUEUE_FULL,
}

FOR_LIMIT = {
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
