"""The commands to the load process and its responses, one line of JSON each."""

import msgspec


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make `mailboxes` and one more, every second one private, and read each by poll, wait and stream; response: Done.

    The SMTP clients send to all mailboxes but the last, which gets mail from CheckRecovery alone.
    """

    smtp_host: str
    smtp_port: int
    http_url: str
    seed: int
    mailboxes: int
    clients: int
    messages_per_second: float


class Await(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Send without pauses until `acknowledged` more messages are acknowledged, and a moment longer; response: Done."""

    acknowledged: int


class CheckRecovery(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fault is over: check that each mailbox accepts mail, and that each of its readers shows that mail.

    The response is Done, after a minute at the latest. The ledger lists as late all that took longer than
    `within_seconds`. A fault on the readers' own connections may leave these hanging until their reader asks again:
    then `stale_seconds` is how much longer such a reader may take, and a new reader has to show the mail in time.
    """

    within_seconds: float
    stale_seconds: float


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Send no new message, settle the messages that it began to send, wait until all are read; response: the Ledger."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The command is done; `acknowledged` messages are acknowledged so far."""

    acknowledged: int


Command = Begin | Await | CheckRecovery | Finish
