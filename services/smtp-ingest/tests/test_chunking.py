"""Content in chunks (BDAT, RFC 3030): read by size, ended by LAST, stored or refused as a whole."""

from collections.abc import Iterator

import psycopg
import pytest
from support.content import message
from support.database import make_mailbox, stored
from support.harness import Pair, running_smtp
from support.smtp_client import Reply, SmtpClient

LIMIT = 65_536


@pytest.fixture(scope="module")
def daemon(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A daemon with a small message limit."""
    directory = tmp_path_factory.mktemp("chunking")
    with running_smtp(pair.database_url, directory, MAX_MESSAGE_OCTETS=str(LIMIT)) as (small, _):
        yield small


@pytest.fixture
def address(pair: Pair) -> str:
    return make_mailbox(pair.database_url)


async def begin(client: SmtpClient, *recipients: str) -> None:
    """Begin a transaction up to its content."""
    await client.converse(
        ("EHLO client.test", 250),
        ("MAIL FROM:<writer@client.test>", 250),
        *((f"RCPT TO:<{recipient}>", 250) for recipient in recipients),
    )


async def chunk(client: SmtpClient, octets: bytes, last: str = "") -> Reply:
    """Send a chunk; returns the reply. `last` is " LAST" for the last chunk."""
    await client.send(f"BDAT {len(octets)}{last}\r\n".encode() + octets)
    return await client.reply()


# Kept content


async def test_a_message_in_one_chunk_is_kept(smtp: SmtpClient, pair: Pair, address: str) -> None:
    await begin(smtp, address)

    reply = await chunk(smtp, message(), " LAST")

    assert (reply.code, reply.text[:5]) == (250, "2.6.0")
    assert stored(pair.database_url, address) == [message()]


@pytest.mark.parametrize("sizes", [[1, 1, 1], [1, 50_000, 2, 0, 20_000], [200_000, 1]], ids=str)
async def test_chunks_of_any_size_make_one_message(
    smtp: SmtpClient, pair: Pair, address: str, sizes: list[int]
) -> None:
    content = bytes(range(256)) * 1_024
    await begin(smtp, address)

    at = 0
    for size in sizes:
        await chunk(smtp, content[at : at + size])
        at += size
    await chunk(smtp, content[at:], " LAST")

    assert stored(pair.database_url, address) == [content]


async def test_a_message_may_come_in_many_chunks(smtp: SmtpClient, pair: Pair, address: str) -> None:
    await begin(smtp, address)

    await smtp.send(b"BDAT 1\r\nx" * 1_500 + b"BDAT 0 LAST\r\n")

    assert {(await smtp.reply()).code for _ in range(1_501)} == {250}
    assert stored(pair.database_url, address) == [b"x" * 1_500]


async def test_the_reply_to_a_chunk_names_its_size(smtp: SmtpClient, address: str) -> None:
    await begin(smtp, address)

    assert await chunk(smtp, b"12345") == Reply(250, ("2.0.0 5 bytes received",))


async def test_nothing_is_stored_before_the_last_chunk(smtp: SmtpClient, pair: Pair, address: str) -> None:
    await begin(smtp, address)

    await chunk(smtp, message())

    assert stored(pair.database_url, address) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no line end",
        b"one\r\n.\r\ntwo\r\n",
        b".a\r\n..b\r\n",
        b"QUIT\r\nRSET\r\n",
        b"bare LF\n and CR\r and NUL \0",
    ],
    ids=["empty", "no line end", "the end of DATA", "dots", "commands", "bare LF, CR and NUL"],
)
async def test_a_chunk_is_kept_octet_for_octet(smtp: SmtpClient, pair: Pair, address: str, content: bytes) -> None:
    await begin(smtp, address)

    await chunk(smtp, content, " LAST")

    assert stored(pair.database_url, address) == [content]


@pytest.mark.parametrize("line", ["bdat 3 last", "BDAT  3  LAST", "BDAT 003 LAST"])
async def test_last_may_be_in_lower_case_and_follow_several_spaces(
    smtp: SmtpClient, pair: Pair, address: str, line: str
) -> None:
    await begin(smtp, address)

    await smtp.send(f"{line}\r\na\r\n".encode())

    assert (await smtp.reply()).code == 250
    assert stored(pair.database_url, address) == [b"a\r\n"]


async def test_a_connection_that_is_lost_within_a_chunk_stores_nothing(
    smtp: SmtpClient, pair: Pair, address: str
) -> None:
    await begin(smtp, address)
    await smtp.send(b"BDAT 100 LAST\r\n" + message())

    smtp.writer.write_eof()

    assert await smtp.is_closed()
    assert stored(pair.database_url, address) == []


async def test_a_message_whose_mailbox_is_deleted_before_the_last_chunk_is_refused(
    smtp: SmtpClient, pair: Pair, address: str
) -> None:
    await begin(smtp, address)
    await chunk(smtp, message())
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM mailbox WHERE address = %s", [address])

    reply = await chunk(smtp, b"", " LAST")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


# Pipelining


async def test_whole_transactions_may_come_in_one_packet(smtp: SmtpClient, pair: Pair, address: str) -> None:
    commands = f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\n".encode()
    await smtp.converse(("EHLO client.test", 250))

    await smtp.send(commands + b"BDAT 4\r\none,BDAT 3 LAST\r\ntwo" + commands + b"BDAT 5 LAST\r\nthreeNOOP\r\n")

    assert [(await smtp.reply()).code for _ in range(8)] == [250] * 8
    assert stored(pair.database_url, address) == [b"one,two", b"three"]


async def test_a_chunk_after_refused_recipients_is_ignored(smtp: SmtpClient) -> None:
    await smtp.converse(("EHLO client.test", 250))

    await smtp.send(b"MAIL FROM:<>\r\nRCPT TO:<nobody@mx.test>\r\nBDAT 6 LAST\r\nNOOP\r\nMAIL FROM:<>\r\n")

    assert [(await smtp.reply()).code for _ in range(4)] == [250, 550, 503, 250]


# Order


@pytest.mark.parametrize(
    "before",
    [(), (("EHLO client.test", 250),), (("EHLO client.test", 250), ("MAIL FROM:<>", 250))],
    ids=["before EHLO", "before MAIL", "before RCPT"],
)
async def test_a_chunk_out_of_order_is_refused_and_its_octets_are_not_executed_as_commands(
    smtp: SmtpClient, before: tuple[tuple[str, int], ...]
) -> None:
    for exchange in before:
        await smtp.converse(exchange)

    reply = await chunk(smtp, b"QUIT\r\n")

    assert (reply.code, reply.text[:5]) == (503, "5.5.1")
    assert (await smtp.command("NOOP")).code == 250


@pytest.mark.parametrize("line", ["MAIL FROM:<>", "RCPT TO:<reader@mx.test>", "DATA"])
async def test_the_envelope_is_closed_between_chunks(smtp: SmtpClient, pair: Pair, address: str, line: str) -> None:
    await begin(smtp, address)
    await chunk(smtp, b"one,")

    reply = await smtp.command(line)

    assert (reply.code, reply.text[:5]) == (503, "5.5.1")
    await chunk(smtp, b"two", " LAST")
    assert stored(pair.database_url, address) == [b"one,two"]


@pytest.mark.parametrize("line", ["RSET", "EHLO client.test"])
async def test_a_transaction_may_be_aborted_between_chunks(
    smtp: SmtpClient, pair: Pair, address: str, line: str
) -> None:
    await begin(smtp, address)
    await chunk(smtp, b"aborted")
    await smtp.converse((line, 250))

    await begin(smtp, address)
    await chunk(smtp, b"kept", " LAST")

    assert stored(pair.database_url, address) == [b"kept"]


@pytest.mark.parametrize("argument", ["", " ", " -1", " x", " 0x10", " ²", " 6 FIRST", " 6LAST", " 6 LAST x", " LAST"])
async def test_a_malformed_bdat_ends_the_session_since_its_octets_would_be_executed_as_commands(
    smtp: SmtpClient, address: str, argument: str
) -> None:
    await begin(smtp, address)

    await smtp.send(f"BDAT{argument}\r\nNOOP\r\n".encode())

    reply = await smtp.reply()
    assert (reply.code, reply.text[:5]) == (501, "5.5.4")
    assert await smtp.is_closed()


# Size


async def test_chunks_with_a_total_of_exactly_the_limit_are_kept(daemon: Pair, address: str) -> None:
    async with SmtpClient.connect(daemon.smtp_port) as client:
        await begin(client, address)
        await chunk(client, b"x" * (LIMIT - 1))

        assert (await chunk(client, b"x", " LAST")).code == 250


@pytest.mark.parametrize("last", ["", " LAST"])
async def test_the_chunk_that_exceeds_the_limit_is_refused(daemon: Pair, address: str, last: str) -> None:
    async with SmtpClient.connect(daemon.smtp_port) as client:
        await begin(client, address)
        await chunk(client, b"x" * LIMIT)

        reply = await chunk(client, b"x", last)

    assert (reply.code, reply.text[:5]) == (552, "5.3.4")


async def test_chunks_after_a_refused_chunk_are_refused_until_rset(daemon: Pair, address: str) -> None:
    async with SmtpClient.connect(daemon.smtp_port) as client:
        await begin(client, address)
        await chunk(client, b"x" * (LIMIT + 1))

        replies = [await chunk(client, b"QUIT\r\n") for _ in range(2)]
        await client.converse(("RSET", 250))
        await begin(client, address)
        accepted = await chunk(client, b"kept", " LAST")

    assert [(reply.code, reply.text[:5]) for reply in replies] == [(503, "5.5.1")] * 2
    assert accepted.code == 250
    assert stored(daemon.database_url, address) == [b"kept"]


@pytest.mark.parametrize("sizes", [[LIMIT + 1], [LIMIT + 1, 6]], ids=["refused itself", "after a refused chunk"])
async def test_after_a_refused_last_chunk_the_session_accepts_the_next_message(
    daemon: Pair, address: str, sizes: list[int]
) -> None:
    async with SmtpClient.connect(daemon.smtp_port) as client:
        await begin(client, address)
        for size in sizes[:-1]:
            await chunk(client, b"x" * size)
        await chunk(client, b"x" * sizes[-1], " LAST")

        await client.converse(("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250))
        accepted = await chunk(client, b"kept", " LAST")

    assert accepted.code == 250
    assert stored(daemon.database_url, address) == [b"kept"]
