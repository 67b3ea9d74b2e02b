"""The names of all limits, and the counters of one session. Pure."""

from collections import Counter
from typing import Literal

from fake_email.settings import Settings

# Each limit has the name of its setting; the two quotas of a mailbox are one limit.
Limit = Literal[
    "mailbox_quota",
    "smtp_idle_seconds",
    "smtp_max_client_sessions",
    "smtp_max_client_sessions_per_minute",
    "smtp_max_command_octets",
    "smtp_max_commands_without_message",
    "smtp_max_errors",
    "smtp_max_messages",
    "smtp_max_recipients",
    "smtp_max_refused_recipients",
    "smtp_max_sessions",
    "smtp_max_unknown_commands",
    "smtp_min_octets_per_second",
    "smtp_session_seconds",
]

# The first refused recipients are typing errors; a client that goes on is guessing names.
_PROMPT_REFUSALS = 3


class LimitReached(Exception):
    """The client is past `limit`; the session ends."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self.limit: Limit = limit


class SessionLimits:
    """Counts what one session does; every `count_` method raises LimitReached past the limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._counts: Counter[Limit] = Counter()

    def count_line(self) -> None:
        """Count a command line, whatever it says."""
        self._count("smtp_max_commands_without_message")

    def forgive_line(self) -> None:
        """Take back the last count: another limit bounds lines of that kind."""
        self._counts["smtp_max_commands_without_message"] -= 1

    def reset_lines(self) -> None:
        """Count lines from zero again, since a message was committed."""
        self._counts["smtp_max_commands_without_message"] = 0

    def count_command(self, verb: str | None) -> None:
        """Count a command by its verb, which is None for an unknown command."""
        if verb is None:
            self._count("smtp_max_unknown_commands")

    def count_error(self) -> None:
        """Count a command that earns a 5xx reply."""
        self._count("smtp_max_errors")

    def count_refused_recipient(self) -> float:
        """Count a recipient that does not exist; the seconds by which the reply to it is delayed."""
        self._count("smtp_max_refused_recipients")
        is_prompt = self._counts["smtp_max_refused_recipients"] <= _PROMPT_REFUSALS
        return 0 if is_prompt else self._settings.smtp_refusal_delay_seconds

    def _count(self, limit: Limit) -> None:
        self._counts[limit] += 1
        if self._counts[limit] > getattr(self._settings, limit):
            raise LimitReached(limit)
