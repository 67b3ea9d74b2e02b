"""The ledger: all that the clients of the pair sent, were told and read."""

from typing import Literal

import msgspec

Way = Literal["poll", "wait", "stream"]


class Sent(msgspec.Struct, kw_only=True):
    """A message that a client began to send to all of `addresses`; `reply` is the one that settled it, 0 for none yet.

    `acknowledged_at` is a time of time.monotonic in the load process.
    """

    number: int
    addresses: tuple[str, ...]
    content_sha256: str
    octets: int
    tries: int = 0
    reply: int = 0
    acknowledged_at: float = 0.0

    @property
    def is_acknowledged(self) -> bool:
        return self.reply == 250


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A message as a reader was shown it; `number` comes from its subject, -1 for a subject that we did not make."""

    seq: int
    id: str
    number: int
    at: float


class Reading(msgspec.Struct, kw_only=True):
    """The messages that one reader was shown, in this order; `interruptions` counts how often it had to ask again."""

    address: str
    way: Way
    shown: list[Shown] = msgspec.field(default_factory=list)
    interruptions: int = 0


class Ledger(msgspec.Struct, kw_only=True):
    """All that the clients know at the end.

    `sources` has the hash of each message's source without the trace lines, by message id. `late` lists what had not
    recovered in time after a fault. `replies` and `statuses` count each code, with 0 for a connection that was cut.
    """

    sent: list[Sent] = msgspec.field(default_factory=list)
    readings: list[Reading] = msgspec.field(default_factory=list)
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    late: list[str] = msgspec.field(default_factory=list)
    replies: dict[int, int] = msgspec.field(default_factory=dict)
    statuses: dict[int, int] = msgspec.field(default_factory=dict)
