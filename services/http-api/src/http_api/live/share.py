"""A share: the units of a resource that one client holds."""

from collections.abc import Callable
from typing import Protocol

from http_api.protocol.client_address import Client


class Lender(Protocol):
    """The resource of a share."""

    def give_back(self, share: "Share", units: int) -> None:
        """Take `units` of the share back."""

    def make_revocable(self, share: "Share") -> None:
        """From now on, revoke the share when it has been stalled for long while others wait."""


class Share:
    """The units that a client holds of a resource, until `release`."""

    __slots__ = ("_shares", "client", "stalled_since", "units", "when_revoked")

    def __init__(self, shares: Lender, client: Client, units: int) -> None:
        self._shares = shares
        self.client = client
        self.units = units
        # Since when the share waits for its client alone, by the clock of the event loop.
        self.stalled_since: float | None = None
        self.when_revoked: Callable[[], object] | None = None

    def stalled_seconds(self, now: float) -> float:
        return 0.0 if self.stalled_since is None else now - self.stalled_since

    def shrink(self, units: int) -> None:
        """Give back what is more than `units`."""
        if units < self.units:
            self._shares.give_back(self, self.units - units)

    def allow_revoking(self, when_revoked: Callable[[], object]) -> None:
        """From now on, the share may be revoked when it has been stalled for long while others wait."""
        self.when_revoked = when_revoked
        self._shares.make_revocable(self)

    def release(self) -> None:
        """Give back all units; a second release does nothing."""
        if self.units:
            self._shares.give_back(self, self.units)
