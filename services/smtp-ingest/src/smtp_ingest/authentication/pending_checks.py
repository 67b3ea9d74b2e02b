"""The messages whose check has not ended, within bounds: in number, in bytes and for each client. Pure."""

import uuid
from collections import Counter
from collections.abc import Iterator

import msgspec

from smtp_ingest.authentication.job import Job

MAX_CHECKS = 100
# Of one client, so that a slow zone of DNS keeps no other client's mail from being checked.
MAX_CLIENT_CHECKS = 20
MAX_OCTETS = 33_554_432


class PendingCheck(msgspec.Struct, kw_only=True):
    """A message under check, and the ids that it has in its mailboxes; the job is dropped when the process has it."""

    ids: tuple[uuid.UUID, ...]
    network: int | None
    octets: int
    began_at: float
    job: Job | None


class PendingChecks:
    """Slots for messages; a slot is taken before the commit, and filled after it."""

    def __init__(self) -> None:
        self._slots: Counter[int | None] = Counter()
        self._taken = 0
        self._octets = 0
        self._checks: dict[int, PendingCheck] = {}

    def __len__(self) -> int:
        return len(self._checks)

    def take_slot(self, network: int | None, octets: int) -> bool:
        """False when no slot is free for a message of that size; without other checks, one is always free."""
        is_full = self._taken >= MAX_CHECKS or self._slots[network] >= MAX_CLIENT_CHECKS
        if is_full or (self._taken and self._octets + octets > MAX_OCTETS):
            return False
        self._taken += 1
        self._octets += octets
        self._slots[network] += 1
        return True

    def release_slot(self, network: int | None, octets: int) -> None:
        """Release a slot."""
        self._taken -= 1
        self._octets -= octets
        self._slots[network] -= 1
        if not self._slots[network]:
            del self._slots[network]

    def add(self, number: int, check: PendingCheck) -> None:
        """Fill the slot that was taken for the message."""
        self._checks[number] = check

    def get(self, number: int) -> PendingCheck | None:
        """The check of that number, unless it has ended."""
        return self._checks.get(number)

    def end(self, number: int) -> PendingCheck | None:
        """End the check, and release its slot; None when it has ended before."""
        check = self._checks.pop(number, None)
        if check:
            self.release_slot(check.network, check.octets)
        return check

    def begun_before(self, moment: float) -> Iterator[tuple[int, PendingCheck]]:
        """The numbers of the checks that began before, oldest first, and the checks."""
        for number, check in [*self._checks.items()]:
            if check.began_at >= moment:
                return
            yield number, check
