"""What clients know of the pair from outside: what they sent and were told, what they read."""

import msgspec


class Sent(msgspec.Struct, kw_only=True):
    """A message that was begun to be sent to all of `addresses`; `reply` is the one that settled it, 0 for none yet.

    `acknowledged_at` is a time of time.monotonic, in the process of the clients.
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
    """A message as a reader was shown it; `number` is what its subject says, -1 when it says nothing of ours."""

    seq: int
    id: str
    number: int
    at: float


class Reading(msgspec.Struct, kw_only=True):
    """All that one reader was shown of a mailbox, in that order; `interruptions`: how often it had to ask again."""

    address: str
    way: str
    shown: list[Shown] = msgspec.field(default_factory=list)
    interruptions: int = 0


class Ledger(msgspec.Struct, kw_only=True):
    """What all clients know at the end.

    `sources` has for each message id the hash of what its source shows behind the trace lines. `late` says who was not
    well in time after a fault, `replies` and `statuses` how often each code came, 0 for a connection that was cut.
    """

    sent: list[Sent] = msgspec.field(default_factory=list)
    readings: list[Reading] = msgspec.field(default_factory=list)
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    late: list[str] = msgspec.field(default_factory=list)
    replies: dict[int, int] = msgspec.field(default_factory=dict)
    statuses: dict[int, int] = msgspec.field(default_factory=dict)
