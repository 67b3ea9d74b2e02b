"""What all sessions of the daemon share."""

from concurrent.futures import Executor

import msgspec

from fake_email.settings import Settings
from smtp_ingest.clients import Clients
from smtp_ingest.commit import Committer
from smtp_ingest.load import Load
from smtp_ingest.recipients import Recipients
from smtp_ingest.room import Room
from smtp_ingest.sessions import Sessions
from smtp_ingest.tls import Certificate


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the daemon; `parser` runs what would hold up the event loop, `certificate` may be none."""

    settings: Settings
    certificate: Certificate | None
    clients: Clients
    sessions: Sessions
    room: Room
    load: Load
    recipients: Recipients
    committer: Committer
    parser: Executor
