"""How tests decide where the daemon's reads begin and end in what a client says."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

from support.harness import SmtpClient


async def send_in_packets(
    send: Callable[[bytes], Awaitable[None]], packets: Iterable[bytes], beside: SmtpClient
) -> None:
    """Send each once the daemon has read the one before; `beside` is another session with it."""
    for packet in packets:
        await send(packet)
        # One thread reads in the order of arrival: when it answers `beside`, it has read the packet.
        await beside.converse(("NOOP", 250))


def cuts(before: bytes, octets: bytes, after: bytes) -> Iterator[list[bytes]]:
    """The three one behind the other: in two packets, cut at each octet of the middle one, and that one in octets."""
    for place in range(len(octets) + 1):
        yield [before + octets[:place], octets[place:] + after]
    yield [before, *(octets[place : place + 1] for place in range(len(octets))), after]


def stuff(content: bytes) -> bytes:
    """`content` as DATA carries it, its dots doubled (RFC 5321 §4.5.2), without the end."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
