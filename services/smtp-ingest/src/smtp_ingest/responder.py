"""The replies to the commands of one session, which are counted: for the metrics, and as the errors of the client."""

from smtp_ingest.counts import count
from smtp_ingest.dialogue import Dialogue
from smtp_ingest.session_limits import SessionLimits


class Responder:
    """Sends the replies to one command after the other."""

    def __init__(self, dialogue: Dialogue, limits: SessionLimits) -> None:
        self._dialogue = dialogue
        self._limits = limits
        # The counts of replies to the command in progress; None when its replies are not counted.
        self.counted: dict[str, int] | None = None

    def reply(self, reply: str) -> None:
        """Send `reply`; one that begins with 5 counts as an error of the client. Raises LimitReached."""
        if reply.startswith("5"):
            self._limits.count_error()
        self.send(reply)

    def send(self, reply: str) -> None:
        """Send a reply that counts as no error of the client."""
        if self.counted is not None:
            count(self.counted, reply)
        self._dialogue.reply(reply)
