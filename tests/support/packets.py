"""Packets with chosen boundaries: the octets that the daemon reads at once."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

from support.smtp_client import SmtpClient


async def send_in_packets(
    send: Callable[[bytes], Awaitable[None]], packets: Iterable[bytes], beside: SmtpClient
) -> None:
    """Send each packet once the daemon has read the packet before; `beside` is another session."""
    for packet in packets:
        await send(packet)
        # One thread reads sockets in the order of their data: when it replies to `beside`, it has read the packet.
        await beside.converse(("NOOP", 250))


def cuts(before: bytes, octets: bytes, after: bytes) -> Iterator[list[bytes]]:
    """Yield the three joined as two packets, cut at each octet of `octets`; last, a packet for each of its octets."""
    for position in range(len(octets) + 1):
        yield [before + octets[:position], octets[position:] + after]
    yield [before, *(octets[position : position + 1] for position in range(len(octets))), after]
