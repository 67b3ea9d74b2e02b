"""Invariants for any octets from a client, cut into packets anywhere."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TextIO

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.content import stuff
from support.harness import Pair, running_smtp
from support.packets import send_in_packets
from support.smtp_client import SmtpClient
from support.waiting import DEADLINE_SECONDS

LIMIT = 65_536
EHLO = b"EHLO client.test\r\n"
MAIL = b"MAIL FROM:<writer@client.test>\r\n"
RCPT = b"RCPT TO:<reader@any-octets.test>\r\n"
DATA = b"DATA\r\n"

# The packets that a client may have sent before.
PREFIXES: dict[str, list[bytes]] = {
    "nothing": [],
    "EHLO": [EHLO],
    "MAIL": [EHLO, MAIL],
    "RCPT": [EHLO, MAIL, RCPT],
    "DATA": [EHLO, MAIL, RCPT, DATA],
    "part of a message": [EHLO, MAIL, RCPT, DATA, b"Subject: part\r\n\r\nbo"],
    "too large a message": [EHLO, MAIL, RCPT, DATA, b"x" * LIMIT + b"\r\n"],
    "a message": [EHLO, MAIL, RCPT, DATA, b"Subject: whole\r\n\r\nbody\r\n.\r\n"],
    "half a chunk": [EHLO, MAIL, RCPT, b"BDAT 40\r\nSubject: half\r\n\r\n"],
    "a chunk": [EHLO, MAIL, RCPT, b"BDAT 15\r\nSubject: one\r\n\r\n"],
    "too large a chunk": [EHLO, MAIL, RCPT, b"BDAT 65537\r\n" + b"x" * (LIMIT + 1)],
    "a last chunk": [EHLO, MAIL, RCPT, b"BDAT 4 LAST\r\nbody"],
}
COMMANDS = [
    EHLO,
    b"HELO client.test\r\n",
    MAIL,
    b"MAIL FROM:<> SIZE=100 BODY=8BITMIME SMTPUTF8\r\n",
    RCPT,
    b"RCPT TO:<nobody@any-octets.test>\r\n",
    DATA,
    b"BDAT 20\r\n",
    b"BDAT 5 LAST\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT 99999999999999999999\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY reader\r\n",
    b"HELP\r\n",
    b"AUTH PLAIN\r\n",
    b"QUIT\r\n",
    b"NOOP ".ljust(2_100, b"x") + b"\r\n",
    MAIL + RCPT + DATA,
    MAIL + RCPT + DATA + b"Subject: data\r\n\r\n.\r\n",
    MAIL + RCPT + b"BDAT 6 LAST\r\nbdat\r\n",
]
PARTS = [
    b"EHLO ",
    b"MAIL FROM:<",
    b"> SMTPUTF8\r\n",
    b"RCPT TO:<reader+",
    b"@any-octets.test>\r\n",
    b"BDAT ",
    b" LAST\r\n",
]

# Any octets; octets with a meaning come more often than by chance.
octets = st.binary(max_size=10) | st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"\0", b"\xff", b"\r\n.", b"\r\n.\r\n"])
contents = st.lists(octets, max_size=20).map(b"".join)
words = st.text('ab1=@"\\\0\x85\u00b2\u00e9\u2028\U0001f600', max_size=10).map(str.encode) | st.sampled_from(PARTS)
commands = st.lists(octets | words | st.sampled_from(COMMANDS), max_size=12).map(b"".join)
# The sizes of the first pieces; the rest is one piece.
sizes = st.lists(st.integers(1, 50), max_size=10)


class Daemon:
    """A daemon, its only mailbox, and its log."""

    def __init__(self, port: int, database: psycopg.Connection, log: TextIO) -> None:
        self.port = port
        self._database = database
        self._log = log
        self._unfinished = ""

    def begin(self) -> None:
        """Empty the mailbox, and skip the events logged until now."""
        self.new_events()
        # The mailbox stays: the daemon remembers it for seconds, and no address is given out twice.
        self._database.execute(
            """
            INSERT INTO mailbox (address, expires_at)
            VALUES ('reader@any-octets.test', now() + interval '1 hour')
            ON CONFLICT (address) DO UPDATE SET message_count = 0, stored_octets = 0
            """
        )
        self._database.execute(
            "DELETE FROM message USING mailbox WHERE mailbox_id = mailbox.id AND address = 'reader@any-octets.test'"
        )

    def stored(self) -> list[bytes]:
        """The content of each message, oldest first."""
        query = """
            SELECT content
            FROM message
            JOIN mailbox ON mailbox.id = message.mailbox_id
            WHERE mailbox.address = 'reader@any-octets.test'
            ORDER BY seq
        """
        return [bytes(content) for (content,) in self._database.execute(query)]

    def new_events(self) -> list[dict[str, object]]:
        """The events since the last call."""
        *lines, self._unfinished = (self._unfinished + self._log.read()).split("\n")
        return [json.loads(line) for line in lines]

    async def replies_to(self, packets: list[bytes]) -> list[str]:
        """The codes of all replies to these packets, followed by the end of the stream."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_SECONDS), SmtpClient.connect(self.port) as beside:
            # Not an asyncio stream, which drops unread replies when a write fails.
            with socket.create_connection(("127.0.0.1", self.port)) as client:
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                received = await loop.sock_recv(client, LIMIT)
                with suppress(OSError):  # The daemon has already closed the connection.
                    await send_in_packets(partial(loop.sock_sendall, client), packets, beside)
                    client.shutdown(socket.SHUT_WR)
                with suppress(ConnectionResetError):  # The daemon has not read all packets.
                    while more := await loop.sock_recv(client, LIMIT):
                        received += more
        return codes(received)


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon for this file, with a small message limit and without the delay of refusals."""
    settings = {
        "DOMAIN": "any-octets.test",
        "MAX_MESSAGE_OCTETS": str(LIMIT),
        "SMTP_REFUSAL_DELAY_SECONDS": "0",
    }
    with (
        running_smtp(pair.database_url, tmp_path_factory.mktemp("any-octets"), **settings) as (own, service),
        psycopg.connect(pair.database_url, autocommit=True) as database,
        service.log.open() as log,
    ):
        yield Daemon(own.smtp_port, database, log)


def cut(octets: bytes, sizes: list[int]) -> list[bytes]:
    """Pieces of these sizes, and a last piece with the rest."""
    pieces = []
    for size in sizes:
        pieces.append(octets[:size])
        octets = octets[size:]
    return [*pieces, octets]


def codes(received: bytes) -> list[str]:
    """The codes of the replies, each well-formed by RFC 5321 §4.2 and RFC 2034 §4."""
    replies = re.findall(r"(?:\d{3}-[\t -~]*\r\n)*\d{3} [\t -~]*\r\n", received.decode("ascii"))
    assert "".join(replies).encode() == received
    return [code(reply.splitlines()) for reply in replies]


def code(lines: list[str]) -> str:
    [basic] = {line[:3] for line in lines}
    is_greeting = lines[0] in {"220 any-octets.test ESMTP fake-email", "250 any-octets.test", "250-any-octets.test"}
    if is_greeting or basic == "354":
        return basic
    [enhanced] = {line[4:].split(" ")[0] for line in lines}
    assert re.fullmatch(rf"{basic[0]}\.\d{{1,3}}\.\d{{1,3}}", enhanced)
    return f"{basic} {enhanced}"


# Any octets


@given(prefix=st.sampled_from(list(PREFIXES)), sent=commands, sizes=sizes)
async def test_any_octets_get_replies_and_only_acknowledged_messages_are_stored(
    daemon: Daemon, prefix: str, sent: bytes, sizes: list[int]
) -> None:
    daemon.begin()

    received = await daemon.replies_to([*PREFIXES[prefix], *cut(sent, sizes)])

    events = daemon.new_events()
    errors = [event for event in events if event["level"] not in {"info", "warning"}]
    kept = [event["stored"] for event in events if event["event"] == "message_stored"]
    assert errors == []
    assert received.count("250 2.6.0") == len(kept)
    assert len(daemon.stored()) == kept.count(1)


@given(prefix=st.sampled_from(list(PREFIXES)), sent=commands, sizes=sizes)
async def test_the_outcome_does_not_depend_on_where_the_octets_are_cut(
    daemon: Daemon, prefix: str, sent: bytes, sizes: list[int]
) -> None:
    outcomes = []

    for packets in ([sent], cut(sent, sizes)):
        daemon.begin()
        received = await daemon.replies_to([*PREFIXES[prefix], *packets])
        outcomes.append((received, daemon.stored()))

    assert outcomes[0] == outcomes[1]


# Any message, sent as the RFCs require


@given(
    contents=st.lists(contents.map(lambda content: content and content + b"\r\n"), min_size=1, max_size=3), sizes=sizes
)
async def test_content_sent_by_data_is_kept_octet_for_octet(
    daemon: Daemon, contents: list[bytes], sizes: list[int]
) -> None:
    daemon.begin()

    async with SmtpClient.connect(daemon.port) as smtp, SmtpClient.connect(daemon.port) as beside:
        await smtp.converse(("EHLO client.test", 250))
        await smtp.send(MAIL + RCPT + DATA)
        for content in contents:
            assert [(await smtp.reply()).code for _ in range(3)] == [250, 250, 354]
            packets = cut(stuff(content) + b".\r\n" + MAIL + RCPT + DATA, sizes)
            await send_in_packets(smtp.send, packets, beside)
            assert (await smtp.reply()).code == 250

    assert daemon.stored() == list(dict.fromkeys(contents))


@given(contents=st.lists(contents, min_size=1, max_size=3), chunks=sizes, sizes=sizes)
async def test_content_sent_by_bdat_is_kept_octet_for_octet(
    daemon: Daemon, contents: list[bytes], chunks: list[int], sizes: list[int]
) -> None:
    daemon.begin()

    async with SmtpClient.connect(daemon.port) as smtp, SmtpClient.connect(daemon.port) as beside:
        await smtp.converse(("EHLO client.test", 250))
        for content in contents:
            *first, last = cut(content, chunks)
            wire = MAIL + RCPT + b"".join(b"BDAT %d\r\n%b" % (len(chunk), chunk) for chunk in first)
            wire += b"BDAT %d LAST\r\n%b" % (len(last), last)
            await send_in_packets(smtp.send, cut(wire, sizes), beside)
            assert {(await smtp.reply()).code for _ in range(3 + len(first))} == {250}

    assert daemon.stored() == list(dict.fromkeys(contents))
