"""The edge between a command and its session: an error of the command becomes a reply, and the session goes on."""

from collections import Counter
from collections.abc import Callable, Coroutine

import structlog

from fake_email.errors import ServiceError
from smtp_ingest import replies, reply_tables
from smtp_ingest.dialogue import Rest, Step
from smtp_ingest.session_limits import LimitReached


class Guard:
    """Runs the commands of one session, and counts their errors; `end_transaction` follows one that nobody expected."""

    def __init__(
        self,
        session_log: structlog.stdlib.BoundLogger,
        errors: Counter[str],
        *,
        reply: Callable[[str], None],
        end_transaction: Callable[[], None],
    ) -> None:
        self._log = session_log
        self._errors = errors
        self._reply = reply
        self._end_transaction = end_transaction

    def run(self, command: Step) -> Rest:
        """Run `command`; returns its rest, which has the same guard. Raises LimitReached."""
        try:
            rest = command()
        except LimitReached:
            raise
        except Exception as error:  # noqa: BLE001  # the client retries
            self._recover(error)
            return None
        return None if rest is None else self._finish(rest)

    async def _finish(self, rest: Coroutine[object, object, None]) -> None:
        try:
            await rest
        except (ConnectionError, LimitReached):
            raise
        except Exception as error:  # noqa: BLE001  # as in run
            self._recover(error)

    def _recover(self, error: Exception) -> None:
        if isinstance(error, ServiceError):
            self._log.warning("command_deferred", error=type(error).__name__)
            self._errors[type(error).__name__] += 1
            self._reply(reply_tables.FOR_ERROR[type(error)])
            return
        self._log.error("command_failed", exc_info=error)
        self._errors["unexpected"] += 1
        self._end_transaction()
        self._reply(replies.TRY_LATER)
