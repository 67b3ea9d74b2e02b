"""The names of all limits, and the counters of one session. Pure."""

from typing import Literal

from fake_email.settings import Settings

# Each limit has the name of its setting; the two quotas of a mailbox are one limit.
Limit = Literal[
    "mailbox_quota",
    "max_stored_octets",
    "smtp_idle_seconds",
    "smtp_max_client_octets_per_day",
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

# The first refused recipients may be typing errors; a client with more of them is guessing addresses.
_UNDELAYED_REFUSALS = 3


class LimitReached(Exception):
    """The client has exceeded `limit`, and the session ends."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self.limit: Limit = limit


class SessionLimits:
    """The counters of one session; every `count_` method raises LimitReached past its limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lines = self._unknown_commands = self._errors = self._refused_recipients = 0

    def count_line(self) -> None:
        """Count a command line of any kind."""
        self._lines += 1
        if self._lines > self._settings.smtp_max_commands_without_message:
            raise LimitReached("smtp_max_commands_without_message")

    def uncount_line(self) -> None:
        """Undo the last `count_line`, since another limit applies to that line."""
        self._lines -= 1

    def reset_lines(self) -> None:
        """Count lines from zero again after a message has been committed."""
        self._lines = 0

    def count_unknown_command(self) -> None:
        """Count a command with an unknown verb."""
        self._unknown_commands += 1
        if self._unknown_commands > self._settings.smtp_max_unknown_commands:
            raise LimitReached("smtp_max_unknown_commands")

    def count_error(self) -> None:
        """Count a command that is rejected with a 5xx reply."""
        self._errors += 1
        if self._errors > self._settings.smtp_max_errors:
            raise LimitReached("smtp_max_errors")

    def count_refused_recipient(self) -> float:
        """Count a recipient that was refused for good; returns the seconds by which to delay the reply."""
        self._refused_recipients += 1
        if self._refused_recipients > self._settings.smtp_max_refused_recipients:
            raise LimitReached("smtp_max_refused_recipients")
        return self._settings.smtp_refusal_delay_seconds if self._refused_recipients > _UNDELAYED_REFUSALS else 0
