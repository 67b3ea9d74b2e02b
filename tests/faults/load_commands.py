"""What the process of the clients is told, a line of JSON each, and answers."""

import msgspec


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make mailboxes, every second one private, with a reader of each way at each, and send to all of them but to one
    more, which only takes what BeWell sends; answered with Done.
    """

    smtp_host: str
    smtp_port: int
    http_url: str
    seed: int
    mailboxes: int
    clients: int
    messages_per_second: float


class Await(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Have `acknowledged` more messages sent in haste, and a moment longer; answered with Done once they are."""

    acknowledged: int


class BeWell(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fault is over: see that each mailbox takes mail and each reader of it shows that, all of it `within_seconds`.

    Answered with Done once it is so, or after a minute; who took longer than `within_seconds` is late in the ledger.
    Where the fault was on the readers' own connections, which TCP goes on with in its own time, those that stand may
    take `standing_seconds` more, until they ask again, and somebody who never asked before shows it in time.
    """

    within_seconds: float
    standing_seconds: float


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Send no more, settle what was begun, have the readers read it; answered with the Ledger."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is so; `acknowledged` messages are by now."""

    acknowledged: int


Order = Begin | Await | BeWell | Finish
