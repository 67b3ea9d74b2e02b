"""The notes on one transaction for the timelines of its mailboxes: the times of its stages, and its end."""

import time

from fake_email import mailbox_address
from fake_email.storage.attempts import Attempt, Repeated, Stage
from fake_email.storage.incoming_message import Trace, Transfer
from smtp_ingest.arguments import MailParameters
from smtp_ingest.attempt_log import AttemptLog


class TransferNotes:
    """The times of one transaction; `note` writes how it ended for a recipient."""

    def __init__(self, attempt_log: AttemptLog, *, reverse_path: str, parameters: MailParameters, trace: Trace) -> None:
        self._attempt_log = attempt_log
        self._sender_domain = reverse_path.rpartition("@")[2]
        self._parameters = parameters
        self._trace = trace
        # By time.monotonic(): the time of the event loop is that of its last wake-up.
        self._began_at = time.monotonic()
        self._content_began_at: float | None = None
        self._content_ended_at: float | None = None

    @property
    def has_whole_content(self) -> bool:
        return self._content_ended_at is not None

    def begin_content(self) -> None:
        self._content_began_at = time.monotonic()

    def end_content(self) -> None:
        self._content_ended_at = time.monotonic()

    def transfer(self) -> Transfer:
        """The seconds of each stage so far."""
        now = time.monotonic()
        content_began_at = self._content_began_at or now
        content_ended_at = self._content_ended_at or now
        return Transfer(
            declared_octets=self._parameters.octets,
            rcpt=round(content_began_at - self._began_at, 6),
            data=round(content_ended_at - content_began_at, 6),
            commit=round(now - content_ended_at, 6),
        )

    def note(
        self, address: str, stage: Stage, reply: str | None, *, octets: int, repeated: Repeated | None = None
    ) -> None:
        """Write that the attempt for this recipient has ended; `octets` were received."""
        name = address.rpartition("@")[0]
        self._attempt_log.add(
            Attempt(
                address=address,
                may_be_early=mailbox_address.is_exact_name(name) and not mailbox_address.is_reserved(name),
                stage=stage,
                reply=reply,
                sender_domain=self._sender_domain,
                client_address=self._trace.client_address,
                host_name=self._trace.host_name,
                tls=self._trace.tls,
                octets=octets,
                transfer=self.transfer(),
                repeated=repeated,
            )
        )
