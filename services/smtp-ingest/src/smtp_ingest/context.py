"""What all sessions of the daemon share."""

import msgspec

from fake_email.settings import Settings
from smtp_ingest.admission import Admission
from smtp_ingest.certificate import Certificate
from smtp_ingest.group_commit import GroupCommit
from smtp_ingest.live_sessions import LiveSessions
from smtp_ingest.memory_budget import MemoryBudget
from smtp_ingest.overload import Overload
from smtp_ingest.parsing import Parsers
from smtp_ingest.read_turns import ReadTurns
from smtp_ingest.recipients import Recipients


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the daemon; `certificate` may be none."""

    settings: Settings
    certificate: Certificate | None
    sessions: LiveSessions
    admission: Admission
    room: MemoryBudget
    load: Overload
    recipients: Recipients
    committer: GroupCommit
    parsers: Parsers
    turns: ReadTurns
