"""What all sessions of the daemon share."""

import msgspec

from fake_email.settings import Settings
from smtp_ingest.certificate import Certificate
from smtp_ingest.client_limits import Clients
from smtp_ingest.group_commit import Committer
from smtp_ingest.live_sessions import Sessions
from smtp_ingest.memory_budget import Room
from smtp_ingest.overload import Load
from smtp_ingest.parsing import Parsers
from smtp_ingest.read_turns import Turns
from smtp_ingest.recipients import Recipients


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
