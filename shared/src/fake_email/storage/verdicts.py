"""The verdict on a message, which is stored after the message, and how it reads before that and without one."""

import uuid
from collections.abc import Mapping

import msgspec
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from fake_email.authentication import PENDING_SECONDS, Authentication, NotChecked, Verdict, not_checked
from fake_email.postgres.connection import Connection
from fake_email.postgres.notifications import Checked

# One row in a transaction of its own, so that no lock on the mailbox is needed: storing mail never waits for it. A
# message that already reads as not checked stays so.
_STORE = """
    WITH checked AS (
        UPDATE message
        SET verdict = %(verdict)s
        FROM mailbox
        WHERE message.id = %(id)s AND message.verdict IS NULL AND message.check_skipped IS NULL
            AND message.received_at > now() - make_interval(secs => %(pending_seconds)s)
            AND mailbox.id = message.mailbox_id AND mailbox.authentication AND mailbox.expires_at > now()
        RETURNING message.id, message.mailbox_id, message.seq
    )
    SELECT pg_notify(%(channel)s, mailbox_id || ':' || seq || ':' || id || ':' || %(is_checked)s::integer)
    FROM checked
"""

# The columns of a CheckState, of `message` beside its `mailbox`.
CHECK_STATE = """
    message.verdict, message.check_skipped, mailbox.authentication AS is_wanted,
        message.received_at < now() - make_interval(secs => %(pending_seconds)s) AS is_overdue
"""
CHECK_PARAMETERS: dict[str, object] = {"pending_seconds": PENDING_SECONDS}


class CheckState(msgspec.Struct, frozen=True, kw_only=True):
    """The check of a message as Postgres has it."""

    verdict: Verdict | None
    check_skipped: str | None
    is_wanted: bool
    is_overdue: bool

    @property
    def has_ended(self) -> bool:
        """True when nothing changes any more."""
        return not self.is_wanted or self.verdict is not None or self.check_skipped is not None or self.is_overdue

    @property
    def results_field(self) -> str:
        """The value of our field Authentication-Results, once there are results."""
        return self.verdict.results_field if self.verdict and self.is_wanted else ""

    def authentication(self) -> Authentication:
        """The results, or why there are none."""
        if not self.is_wanted:
            return not_checked("mailbox")
        if self.verdict is not None:
            return self.verdict.authentication
        if self.check_skipped is not None:
            return not_checked(_reason(self.check_skipped))
        return not_checked("unfinished") if self.is_overdue else Authentication(status="pending")


def check_state(row: Mapping[str, object]) -> CheckState:
    """The state in a row with the columns CHECK_STATE; a verdict that only a later release understands is left out."""
    try:
        return msgspec.convert(row, CheckState)
    except msgspec.ValidationError:
        return msgspec.convert({**row, "verdict": None, "check_skipped": "unfinished"}, CheckState)


def _reason(text: str) -> NotChecked:
    """The reason; one that only a later release knows becomes `unfinished`."""
    try:
        reason: NotChecked = msgspec.convert(text, NotChecked)
    except msgspec.ValidationError:
        return "unfinished"
    return reason


async def store(connection: Connection, message_id: uuid.UUID, verdict: Verdict) -> bool:
    """Store the verdict and notify of it; False when the message is gone, or reads as not checked already."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            _STORE,
            {
                "id": message_id,
                "verdict": Jsonb(msgspec.to_builtins(verdict)),
                "is_checked": verdict.authentication.status == "checked",
                "channel": Checked.CHANNEL,
                **CHECK_PARAMETERS,
            },
        )
        return await cursor.fetchone() is not None
