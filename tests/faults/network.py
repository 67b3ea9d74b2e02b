"""Hosts with a network between them, whose links can be made to lose, delay and cut."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from faults.host import Host
from faults.program import Program
from faults.router import Condition, Impossible, Laid, Lay
from faults.trial import Unsupported


class Network:
    """A host at each address, and what their links do."""

    def __init__(self, router: Program, hosts: Mapping[str, Host]) -> None:
        self._router = router
        self.hosts = hosts

    def set(self, condition: Condition) -> None:
        """Return when it is so."""
        self._router.tell(condition)

    @contextmanager
    def under(self, condition: Condition) -> Iterator[None]:
        """It is so during the block, and well again after it."""
        self.set(condition)
        try:
            yield
        finally:
            self.set(Condition(address=condition.address))


@contextmanager
def connected(*addresses: str) -> Iterator[Network]:
    """Hosts at these addresses, gone after the block; raises Unsupported."""
    router = Program("faults.router")
    try:
        laid = msgspec.json.decode(router.tell(Lay(addresses=addresses)), type=Laid | Impossible)
        if isinstance(laid, Impossible):
            raise Unsupported(f"hosts with a network cannot be had here: {laid.reason}")
        yield Network(
            router, {address: Host(address=address, network=Path(each)) for address, each in laid.namespaces.items()}
        )
    finally:
        router.end()
