"""What the daemon says: reply code, enhanced status code (RFC 3463, RFC 5248), text."""

from fake_email.errors import DatabaseAway, ServiceError
from smtp_ingest.commit import NotStored
from smtp_ingest.gather import QueueFull, WorkFailed

OK = "250 2.0.0 OK"
COMMITTED = "250 2.6.0 Committed"
REVERSE_PATH_OK = "250 2.1.0 OK"
RECIPIENT_OK = "250 2.1.5 OK"
GOODBYE = "221 2.0.0 Goodbye"
SEND_CONTENT = "354 End with <CRLF>.<CRLF>"
CANNOT_VERIFY = "252 2.5.0 Send mail there and see"
HELP = "214 2.0.0 RFC 5321: EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, VRFY, QUIT"

SHUTTING_DOWN = "421 4.3.2 Shutting down, try again in a moment"
IDLE_TOO_LONG = "421 4.4.2 Idle for too long"
LINE_WITHOUT_END = "421 4.5.0 A command line has an end; this one had none"

LINE_TOO_LONG = "500 5.5.6 Command line too long"
NOT_UTF8 = "500 5.5.2 Command line is not UTF-8"
UNKNOWN_COMMAND = "500 5.5.2 Unknown command"
NOT_IMPLEMENTED = "502 5.5.1 Not implemented"
NO_ARGUMENT_TAKEN = "501 5.5.4 This command takes no argument"
NAME_WANTED = "501 5.5.4 Say your host name after EHLO or HELO"
GREETING_WANTED = "503 5.5.1 Say EHLO first"
MAIL_WANTED = "503 5.5.1 MAIL FROM first"
RECIPIENT_WANTED = "503 5.5.1 RCPT TO first"
NESTED_MAIL = "503 5.5.1 One MAIL at a time; RSET ends this one"

BAD_REVERSE_PATH = "501 5.1.7 Not a reverse-path: MAIL FROM:<local@domain> or MAIL FROM:<>"
BAD_RECIPIENT = "501 5.1.3 Not a forward-path: RCPT TO:<local@domain>"
BAD_PARAMETER_VALUE = "501 5.5.4 The value of a parameter is wrong"
UNKNOWN_PARAMETER = "555 5.5.4 A parameter is not known here"
TOO_LARGE = "552 5.3.4 Message larger than {octets} octets"
NOT_OURS = "550 5.7.1 Not a domain of ours; this host relays nothing"
NO_SUCH_MAILBOX = "550 5.1.1 No such mailbox"
MAILBOX_FULL = "452 4.2.2 Mailbox full"

TRY_LATER = "451 4.3.0 Cannot store mail at the moment, try again later"

FOR_ERROR: dict[type[ServiceError], str] = {
    DatabaseAway: TRY_LATER,
    NotStored: TRY_LATER,
    WorkFailed: TRY_LATER,
    QueueFull: "452 4.3.1 Too much mail waits to be stored, try again later",
}
