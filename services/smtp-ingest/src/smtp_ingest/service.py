"""What all sessions of the daemon share."""

import msgspec

from fake_email.settings import Settings
from smtp_ingest.arrival import Parsers
from smtp_ingest.clients import Clients
from smtp_ingest.commit import Committer
from smtp_ingest.load import Load
from smtp_ingest.recipients import Recipients
from smtp_ingest.room import Room
from smtp_ingest.sessions import Sessions
from smtp_ingest.tls import Certificate
from smtp_ingest.turns import Turns


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the daemon; `certificate` may be none."""

    settings: Settings
    certificate: Certificate | None
    clients: Clients
    sessions: Sessions
    room: Room
    load: Load
    recipients: Recipients
    committer: Committer
    parsers: Parsers
    turns: Turns
