"""The record of each change by an operator: a log event on stderr, and a line in the log of the host."""

import getpass
import os
import syslog
from typing import Literal

import msgspec
import structlog

Act = Literal["mailboxes_deleted", "messages_deleted", "sender_blocked", "sender_unblocked"]

log = structlog.get_logger()


def operator() -> str:
    """The name of the person who gave the command, also through sudo."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in the password database, as in a container
        return str(os.getuid())


def record(act: Act, *, of: str, number: int) -> None:
    """Log an act on so many things of a sender or an address; `journalctl -t fake-email` shows it on a host."""
    by = operator()
    log.info("operator_acted", act=act, by=by, of=of, number=number)
    event = {"event": "operator_acted", "act": act, "by": by, "of": of, "number": number}
    syslog.openlog("fake-email", facility=syslog.LOG_DAEMON)
    syslog.syslog(syslog.LOG_NOTICE, msgspec.json.encode(event).decode())
