"""Hosts with a network between them, whose links can lose packets, delay them and be cut."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from faults.host import Host
from faults.program import Program, running_program
from faults.router import Condition, CreateHosts, HostsCreated, HostsNotCreated
from faults.trial import Unsupported


class Network:
    """A host at each address, and control of their links."""

    def __init__(self, router: Program, hosts: Mapping[str, Host]) -> None:
        self._router = router
        self.hosts = hosts

    def set(self, condition: Condition) -> None:
        """Put a link into this condition."""
        self._router.request(condition)

    @contextmanager
    def with_condition(self, condition: Condition) -> Iterator[None]:
        """Put a link into this condition during the block, and repair it afterwards."""
        self.set(condition)
        try:
            yield
        finally:
            self.set(Condition(address=condition.address))


@contextmanager
def connected_hosts(*addresses: str) -> Iterator[Network]:
    """Make hosts at these addresses for the block; raises Unsupported."""
    with running_program("faults.router") as router:
        response = router.request(CreateHosts(addresses=addresses))
        created = msgspec.json.decode(response, type=HostsCreated | HostsNotCreated)
        if isinstance(created, HostsNotCreated):
            raise Unsupported(f"hosts with a network cannot be had here: {created.reason}")
        yield Network(
            router, {address: Host(address=address, network=Path(each)) for address, each in created.namespaces.items()}
        )
