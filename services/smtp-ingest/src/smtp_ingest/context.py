"""The objects that all sessions of the daemon share."""

import msgspec

from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from smtp_ingest.attempt_log import AttemptLog
from smtp_ingest.authentication.checks import Checks
from smtp_ingest.blocked_senders import BlockedSenders
from smtp_ingest.counts import Counts
from smtp_ingest.group_commit import GroupCommit
from smtp_ingest.live_sessions import LiveSessions
from smtp_ingest.memory_budget import MemoryBudget
from smtp_ingest.overload import Overload
from smtp_ingest.parsing import ParserThreads
from smtp_ingest.read_turns import ReadTurns
from smtp_ingest.recipients import Recipients
from smtp_ingest.starttls import Certificate
from smtp_ingest.storage_limits import StorageLimits


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon makes one; without a `certificate` it does not offer STARTTLS."""

    settings: Settings
    certificate: Certificate | None
    database: Database
    counts: Counts
    sessions: LiveSessions
    memory: MemoryBudget
    overload: Overload
    recipients: Recipients
    blocked_senders: BlockedSenders
    group_commit: GroupCommit
    storage_limits: StorageLimits
    attempt_log: AttemptLog
    checks: Checks
    parser_threads: ParserThreads
    read_turns: ReadTurns
