"""Only the end of the content ends the content: no second message is smuggled inside the first."""

from collections.abc import AsyncIterator, Iterator

import pytest
from support.content import message, stuff
from support.database import make_mailbox, stored
from support.harness import Pair, running_smtp
from support.packets import cuts, send_in_packets
from support.smtp_client import SmtpClient

LIMIT = 65_536
END = b"\r\n.\r\n"

# The octets between two lines, and the octets kept: a dot that begins a line is removed (RFC 5321 §4.5.2).
FALSE_ENDS = {
    "LF . LF": (b"\n.\n", b"\n.\n"),
    "LF . CR": (b"\n.\r", b"\n.\r"),
    "LF . CRLF": (b"\n.\r\n", b"\n.\r\n"),
    "CR . LF": (b"\r.\n", b"\r.\n"),
    "CR . CR": (b"\r.\r", b"\r.\r"),
    "CR . CRLF": (b"\r.\r\n", b"\r.\r\n"),
    "CRLF . LF": (b"\r\n.\n", b"\r\n\n"),
    "CRLF . CR": (b"\r\n.\r", b"\r\n\r"),
    "CRLF . CR CRLF": (b"\r\n.\r\r\n", b"\r\n\r\r\n"),
    "CRLF . . CRLF": (b"\r\n..\r\n", b"\r\n.\r\n"),
    "CRLF . NUL CRLF": (b"\r\n.\0\r\n", b"\r\n\0\r\n"),
    "CRLF . CR NUL LF": (b"\r\n.\r\0\n", b"\r\n\r\0\n"),
    "CRLF NUL . CRLF": (b"\r\n\0.\r\n", b"\r\n\0.\r\n"),
    "CR NUL LF . CRLF": (b"\r\0\n.\r\n", b"\r\0\n.\r\n"),
}


@pytest.fixture
async def beside(pair: Pair) -> AsyncIterator[SmtpClient]:
    """A second session with the daemon of `smtp`."""
    async with SmtpClient.connect(pair.smtp_port) as client:
        yield client


@pytest.fixture(scope="module")
def small(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A daemon with a small message limit and a high error limit."""
    settings = {"MAX_MESSAGE_OCTETS": str(LIMIT), "SMTP_MAX_ERRORS": "1000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("small"), **settings) as (small, _):
        yield small


@pytest.fixture
def address(pair: Pair) -> str:
    """The address of a new mailbox."""
    return make_mailbox(pair.database_url)


def begin(address: str) -> bytes:
    """The commands of a smuggled transaction up to its content."""
    return f"MAIL FROM:<evil@client.test>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode()


def envelope(address: str) -> bytes:
    """The commands of a transaction up to its BDAT."""
    return f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\n".encode()


def chunk(octets: bytes, *, last: bool = False) -> bytes:
    """The BDAT command for these octets."""
    return b"BDAT %d%b\r\n" % (len(octets), b" LAST" if last else b"")


async def replies(smtp: SmtpClient, count: int = 1) -> list[str]:
    """The next `count` replies and the reply to NOOP; a surplus reply would stand in place of NOOP's."""
    received = [await smtp.reply() for _ in range(count)]
    received.append(await smtp.command("NOOP"))
    return [f"{reply.code} {reply.text[:5]}".rstrip() for reply in received]


# The end of DATA


@pytest.mark.parametrize(("false_end", "kept"), FALSE_ENDS.values(), ids=FALSE_ENDS)
async def test_only_crlf_dot_crlf_ends_data(
    smtp: SmtpClient, beside: SmtpClient, pair: Pair, address: str, false_end: bytes, kept: bytes
) -> None:
    smuggled = begin(address) + message("two")
    outcomes = set()

    for packets in cuts(message("one") + b"one", false_end, smuggled + END):
        await smtp.begin(address)
        await send_in_packets(smtp.send, packets, beside)
        outcomes.add(tuple(await replies(smtp)))

    assert outcomes == {("250 2.6.0", "250 2.0.0")}
    assert stored(pair.database_url, address) == [message("one") + b"one" + kept + smuggled + b"\r\n"]


@pytest.mark.parametrize("false_end", [each for each, _ in FALSE_ENDS.values()], ids=FALSE_ENDS)
async def test_only_crlf_dot_crlf_ends_content_that_is_too_large(small: Pair, address: str, false_end: bytes) -> None:
    outcomes = set()

    async with SmtpClient.connect(small.smtp_port) as smtp, SmtpClient.connect(small.smtp_port) as beside:
        for packets in cuts(b"x" * LIMIT + b"one", false_end, begin(address) + message("two") + END):
            await smtp.begin(address)
            await send_in_packets(smtp.send, packets, beside)
            outcomes.add(tuple(await replies(smtp)))

    assert outcomes == {("552 5.3.4", "250 2.0.0")}
    assert stored(small.database_url, address) == []


@pytest.mark.parametrize(
    ("octets", "kept"),
    [(b".\n", b"\n"), (b".\r", b"\r"), (b".\r\r\n", b"\r\r\n"), (b".\0\r\n", b"\0\r\n"), (b"\n.\r\n", b"\n.\r\n")],
    ids=[". LF", ". CR", ". CR CRLF", ". NUL CRLF", "LF . CRLF"],
)
async def test_only_dot_crlf_ends_data_at_its_first_line(
    smtp: SmtpClient, beside: SmtpClient, pair: Pair, address: str, octets: bytes, kept: bytes
) -> None:
    smuggled = begin(address) + message("two")
    outcomes = set()

    for packets in cuts(b"", octets, smuggled + END):
        await smtp.begin(address)
        await send_in_packets(smtp.send, packets, beside)
        outcomes.add(tuple(await replies(smtp)))

    assert outcomes == {("250 2.6.0", "250 2.0.0")}
    assert stored(pair.database_url, address) == [kept + smuggled + b"\r\n"]


@pytest.mark.parametrize("content", [b"", b"\r\n", b".\r\n", b"one\r\n", b"one\r\r\n", b"one\n\r\n"])
async def test_crlf_dot_crlf_ends_data_and_the_next_transaction_begins(
    smtp: SmtpClient, beside: SmtpClient, pair: Pair, address: str, content: bytes
) -> None:
    outcomes = set()

    for packets in cuts(b"", stuff(content) + b".\r\n", begin(address)):
        await smtp.begin(address)
        await send_in_packets(smtp.send, packets, beside)
        outcomes.add(tuple([(await smtp.reply()).code for _ in range(4)]))
        await smtp.converse((".", 250))

    assert outcomes == {(250, 250, 250, 354)}
    assert stored(pair.database_url, address) == list(dict.fromkeys([content, b""]))


async def test_crlf_dot_crlf_ends_content_that_is_too_large_and_the_next_transaction_begins(
    small: Pair, address: str
) -> None:
    outcomes = set()

    async with SmtpClient.connect(small.smtp_port) as smtp, SmtpClient.connect(small.smtp_port) as beside:
        for packets in cuts(b"x" * LIMIT, END, begin(address)):
            await smtp.begin(address)
            await send_in_packets(smtp.send, packets, beside)
            outcomes.add(tuple([(await smtp.reply()).code for _ in range(4)]))
            await smtp.converse((".", 250))

    assert outcomes == {(552, 250, 250, 354)}
    assert stored(small.database_url, address) == [b""]


# Dot-stuffing (RFC 5321 §4.5.2)


@pytest.mark.parametrize(
    "dots", [b".", b"..", b".\r\n.", b".\r\n..\r\n"], ids=[".", "..", ". CRLF .", ". CRLF .. CRLF"]
)
async def test_dots_are_kept_at_every_position(
    smtp: SmtpClient, beside: SmtpClient, pair: Pair, address: str, dots: bytes
) -> None:
    plain = b"a\r\n\r\nb\r\n"
    contents = [plain[:position] + dots + plain[position:] for position in range(len(plain) - 1)]

    for content in contents:
        for packets in cuts(b"", stuff(content), b".\r\n"):
            await smtp.begin(address)
            await send_in_packets(smtp.send, packets, beside)
            await smtp.reply()

    assert stored(pair.database_url, address) == list(dict.fromkeys(contents))


# Chunks (RFC 3030)


async def test_a_chunk_is_content_whatever_its_octets(
    smtp: SmtpClient, beside: SmtpClient, pair: Pair, address: str
) -> None:
    content = b"one\r\n..\r\n.\r\nRSET\r\nBDAT 3 LAST\r\n" + begin(address) + b"two" + END
    outcomes = set()

    await smtp.converse(("EHLO client.test", 250))
    for packets in cuts(envelope(address) + chunk(content, last=True), content, b""):
        await send_in_packets(smtp.send, packets, beside)
        outcomes.add(tuple(await replies(smtp, 3)))

    assert outcomes == {("250 2.1.0", "250 2.1.5", "250 2.6.0", "250 2.0.0")}
    assert stored(pair.database_url, address) == [content]


async def test_chunks_make_one_message_wherever_they_are_cut(smtp: SmtpClient, pair: Pair, address: str) -> None:
    content = b"one" + END + begin(address) + b"two" + END
    outcomes = set()

    await smtp.converse(("EHLO client.test", 250))
    for position in range(len(content) + 1):
        one, two = content[:position], content[position:]
        await smtp.send(envelope(address) + chunk(one) + one + chunk(two, last=True) + two)
        outcomes.add(tuple(await replies(smtp, 4)))

    assert outcomes == {("250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.6.0", "250 2.0.0")}
    assert stored(pair.database_url, address) == [content]


@pytest.mark.parametrize(
    "before",
    [[], ["EHLO client.test"], ["EHLO client.test", "MAIL FROM:<>"]],
    ids=["before EHLO", "before MAIL", "before RCPT"],
)
@pytest.mark.parametrize("last", [False, True], ids=["BDAT", "BDAT LAST"])
async def test_the_octets_of_an_unexpected_chunk_are_not_executed_as_commands(
    small: Pair, address: str, before: list[str], *, last: bool
) -> None:
    smuggled = b"EHLO client.test\r\n" + begin(address) + b"two" + END
    outcomes = set()

    async with SmtpClient.connect(small.smtp_port) as smtp, SmtpClient.connect(small.smtp_port) as beside:
        for packets in cuts(chunk(smuggled, last=last), smuggled, b""):
            await smtp.converse(("RSET", 250), *((line, 250) for line in before))
            await send_in_packets(smtp.send, packets, beside)
            outcomes.add(tuple(await replies(smtp)))

    assert outcomes == {("503 5.5.1", "250 2.0.0")}
    assert stored(small.database_url, address) == []


async def test_the_octets_of_a_chunk_that_is_too_large_and_of_later_chunks_are_not_executed_as_commands(
    small: Pair, address: str
) -> None:
    smuggled = begin(address) + b"two" + END
    large = b"x" * LIMIT + END + smuggled
    outcomes = set()

    async with SmtpClient.connect(small.smtp_port) as smtp, SmtpClient.connect(small.smtp_port) as beside:
        await smtp.converse(("EHLO client.test", 250))
        before = envelope(address) + chunk(large) + large + chunk(smuggled, last=True)
        for packets in cuts(before, smuggled, b"RSET\r\n"):
            await send_in_packets(smtp.send, packets, beside)
            outcomes.add(tuple(await replies(smtp, 5)))

    assert outcomes == {("250 2.1.0", "250 2.1.5", "552 5.3.4", "503 5.5.1", "250 2.0.0", "250 2.0.0")}
    assert stored(small.database_url, address) == []
