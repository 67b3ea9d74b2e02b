"""The commands of a session and their replies."""

import asyncio

import httpx
import pytest
from support.content import message
from support.database import make_mailbox, stored
from support.harness import Pair
from support.smtp_client import Reply, SmtpClient

EXTENDED = ("EHLO client.test", 250)
BEGUN = (EXTENDED, ("MAIL FROM:<writer@client.test>", 250))
ADDRESSED = (*BEGUN, ("RCPT TO:<postmaster>", 250))
STATES = {
    "at first": (),
    "after EHLO": (EXTENDED,),
    "after MAIL": BEGUN,
    "after RCPT": ADDRESSED,
    "between chunks": (*ADDRESSED, ("BDAT 0", 250)),
}


@pytest.fixture
def address(pair: Pair) -> str:
    """The address of a new mailbox, created in the database."""
    return make_mailbox(pair.database_url)


async def send_lines(smtp: SmtpClient, *lines: str) -> list[Reply]:
    """Send the lines one after the other; returns the reply to each."""
    return [await smtp.command(line) for line in lines]


async def replies(smtp: SmtpClient) -> list[int]:
    """The codes of all replies until the server closes the connection."""
    codes: list[int] = []
    try:
        while True:
            codes.append((await smtp.reply()).code)
    except EOFError:
        return codes


# The greeting


async def test_the_greeting_names_the_first_domain(pair: Pair) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", pair.smtp_port)

    greeting = await SmtpClient(reader, writer).reply()

    writer.close()
    assert greeting == Reply(220, ("mx.test ESMTP fake-email",))


async def test_ehlo_names_the_extensions(smtp: SmtpClient) -> None:
    reply = await smtp.command("EHLO client.test")

    assert reply.code == 250
    assert reply.lines[0] == "mx.test"
    assert set(reply.lines[1:]) == {
        "SIZE 26214400",
        "8BITMIME",
        "SMTPUTF8",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "HELP",
    }


async def test_helo_names_no_extension(smtp: SmtpClient) -> None:
    assert await smtp.command("HELO client.test") == Reply(250, ("mx.test",))


@pytest.mark.parametrize("line", ["EHLO", "HELO", "EHLO  "])
async def test_an_ehlo_without_a_name_is_refused(smtp: SmtpClient, line: str) -> None:
    reply = await smtp.command(line)

    assert (reply.code, reply.text[:5]) == (501, "5.5.4")


async def test_a_client_may_deliver_after_helo(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    await smtp.converse(("HELO client.test", 250), ("MAIL FROM:<>", 250), (f"RCPT TO:<{address}>", 250), ("DATA", 354))

    await smtp.send(message() + b".\r\n")

    assert (await smtp.reply()).code == 250
    assert stored(pair.database_url, address) == [message()]


# Order


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ((), "MAIL FROM:<writer@client.test>"),
        ((EXTENDED,), "RCPT TO:<reader@mx.test>"),
        ((EXTENDED,), "DATA"),
        (BEGUN, "DATA"),
        (BEGUN, "MAIL FROM:<writer@client.test>"),
    ],
    ids=["MAIL before EHLO", "RCPT before MAIL", "DATA before MAIL", "DATA before RCPT", "MAIL in MAIL"],
)
async def test_a_command_out_of_order_is_refused(
    smtp: SmtpClient, before: tuple[tuple[str, int], ...], line: str
) -> None:
    for exchange in before:
        await smtp.converse(exchange)

    reply = await smtp.command(line)

    assert (reply.code, reply.text[:5]) == (503, "5.5.1")


async def test_a_transaction_goes_on_after_a_nested_mail(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)

    await smtp.converse(
        *BEGUN, (f"RCPT TO:<{address}>", 250), ("MAIL FROM:<other@client.test>", 503), ("DATA", 354), (".", 250)
    )

    assert len(stored(pair.database_url, address)) == 1


async def test_data_without_an_accepted_recipient_is_refused(smtp: SmtpClient) -> None:
    await smtp.converse(*BEGUN, ("RCPT TO:<nobody@mx.test>", 550), ("DATA", 503))


async def test_data_takes_no_argument(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(*BEGUN, (f"RCPT TO:<{address}>", 250))

    reply = await smtp.command("DATA now")

    assert (reply.code, reply.text[:5]) == (501, "5.5.4")


@pytest.mark.parametrize("line", ["RSET", "EHLO client.test", "HELO client.test"])
async def test_a_transaction_is_aborted(smtp: SmtpClient, address: str, line: str) -> None:
    await smtp.converse(*BEGUN, (f"RCPT TO:<{address}>", 250), (line, 250))

    assert [reply.code for reply in await send_lines(smtp, "DATA", "MAIL FROM:<>")] == [503, 250]


async def test_the_next_transaction_begins_without_recipients(smtp: SmtpClient, address: str) -> None:
    await smtp.deliver(message(), address)

    assert [reply.code for reply in await send_lines(smtp, "MAIL FROM:<>", "DATA")] == [250, 503]


# Recipients


async def test_a_recipient_with_a_mailbox_is_accepted(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(*BEGUN)

    assert await smtp.command(f"RCPT TO:<{address}>") == Reply(250, ("2.1.5 OK",))


async def test_mail_for_an_unknown_mailbox_is_refused(smtp: SmtpClient) -> None:
    await smtp.converse(*BEGUN)

    reply = await smtp.command("RCPT TO:<nobody@mx.test>")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


async def test_a_mailbox_is_unknown_at_another_of_our_domains(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(*BEGUN)

    reply = await smtp.command(f"RCPT TO:<{address.replace('mx.test', 'other.test')}>")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


@pytest.mark.parametrize(
    "domain",
    [
        "elsewhere.test",
        "mx.test.elsewhere.test",
        "sub.mx.test",
        "test",
        "mx.test.",
        "[127.0.0.1]",
        "[IPv6:::1]",
        "bücher.test",
    ],
)
async def test_mail_for_a_domain_that_is_not_ours_is_refused(smtp: SmtpClient, domain: str) -> None:
    await smtp.converse(EXTENDED, ("MAIL FROM:<> SMTPUTF8", 250))

    reply = await smtp.command(f"RCPT TO:<reader@{domain}>")

    assert (reply.code, reply.text[:5]) == (550, "5.7.1")


async def test_an_expired_mailbox_is_unknown(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url, lives="-1 second")
    await smtp.converse(*BEGUN)

    reply = await smtp.command(f"RCPT TO:<{address}>")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


async def test_the_case_of_a_recipient_does_not_matter(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(*BEGUN, (f"RCPT TO:<{address.upper()}>", 250))


async def test_a_recipient_with_a_tag_reaches_the_mailbox_and_is_shown_as_given(
    smtp: SmtpClient, http: httpx.AsyncClient, address: str
) -> None:
    given = address.upper().replace("@", "+Shop.2@")
    await smtp.deliver(message(), given)

    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()

    assert [each["to_addr"] for each in polled["messages"]] == [given]


async def test_a_recipient_in_quotes_reaches_the_mailbox(smtp: SmtpClient, pair: Pair, address: str) -> None:
    local_part, _, domain = address.partition("@")

    await smtp.deliver(message(), f'"{local_part}"@{domain}')

    assert stored(pair.database_url, address) == [message()]


async def test_a_non_ascii_recipient_needs_smtputf8(smtp: SmtpClient) -> None:
    await smtp.converse(*BEGUN)

    reply = await smtp.command("RCPT TO:<grüße@mx.test>")

    assert (reply.code, reply.text[:5]) == (553, "5.6.7")


async def test_a_non_ascii_recipient_is_looked_up_after_smtputf8(smtp: SmtpClient) -> None:
    await smtp.converse(EXTENDED, ("MAIL FROM:<> SMTPUTF8", 250))

    reply = await smtp.command("RCPT TO:<grüße@mx.test>")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


async def test_a_recipient_with_a_non_ascii_tag_reaches_the_mailbox(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(EXTENDED, ("MAIL FROM:<> SMTPUTF8", 250), (f"RCPT TO:<{address.replace('@', '+grüße@')}>", 250))


async def test_a_source_route_is_ignored(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(*BEGUN, (f"RCPT TO:<@relay.test:{address}>", 250))


@pytest.mark.parametrize(
    "line",
    [
        "RCPT",
        "RCPT TO:",
        "RCPT TO:<>",
        "RCPT TO:reader@mx.test",
        "RCPT TO:<reader@mx.test",
        "RCPT FROM:<reader@mx.test>",
        "RCPT TO:<a b@mx.test>",
        "RCPT TO:<nul\0@mx.test>",
        f"RCPT TO:<{'x' * 300}@mx.test>",
    ],
)
async def test_a_malformed_forward_path_is_refused(smtp: SmtpClient, line: str) -> None:
    await smtp.converse(*BEGUN)

    reply = await smtp.command(line)

    assert (reply.code, reply.text[:5]) == (501, "5.1.3")


@pytest.mark.parametrize("parameter", ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;reader@mx.test", "SIZE=1", "X"])
async def test_rcpt_has_no_known_parameters(smtp: SmtpClient, address: str, parameter: str) -> None:
    await smtp.converse(*BEGUN)

    reply = await smtp.command(f"RCPT TO:<{address}> {parameter}")

    assert (reply.code, reply.text[:5]) == (555, "5.5.4")


async def test_a_malformed_parameter_of_rcpt_is_refused(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(*BEGUN)

    reply = await smtp.command(f"RCPT TO:<{address}> =NEVER")

    assert (reply.code, reply.text[:5]) == (501, "5.5.4")


# MAIL and its parameters


async def test_the_null_reverse_path_is_kept_as_such(smtp: SmtpClient, http: httpx.AsyncClient, address: str) -> None:
    await smtp.deliver(message(), address, reverse_path="")

    polled = (await http.get("/api/inbox/poll", params={"address": address})).json()

    assert [each["reverse_path"] for each in polled["messages"]] == [""]


@pytest.mark.parametrize(
    "line",
    [
        "MAIL FROM: <writer@client.test>",
        "mail from:<writer@client.test>",
        "MAIL FROM:<writer>",
        "MAIL FROM:<@relay.test:writer@client.test>",
        'MAIL FROM:<"two words"@client.test>',
        "MAIL FROM:<grüße@client.test> SMTPUTF8",
        "MAIL FROM:<> SIZE=26214400",
        "MAIL FROM:<> BODY=7BIT",
        "MAIL FROM:<> body=8bitmime",
        "MAIL FROM:<> AUTH=<>",
        "MAIL FROM:<> AUTH=writer@client.test",
        "MAIL FROM:<> SIZE=1 BODY=8BITMIME SMTPUTF8 AUTH=<>",
    ],
)
async def test_a_mail_command_is_accepted(smtp: SmtpClient, line: str) -> None:
    await smtp.converse(EXTENDED)

    assert await smtp.command(line) == Reply(250, ("2.1.0 OK",))


@pytest.mark.parametrize(
    ("line", "code", "enhanced"),
    [
        ("MAIL", 501, "5.1.7"),
        ("MAIL FROM:", 501, "5.1.7"),
        ("MAIL FROM:writer@client.test", 501, "5.1.7"),
        ("MAIL FROM:<writer@client.test", 501, "5.1.7"),
        ("MAIL TO:<writer@client.test>", 501, "5.1.7"),
        ("MAIL FROM:<nul\0@client.test>", 501, "5.1.7"),
        ("MAIL FROM:<> SIZE=26214401", 552, "5.3.4"),
        ("MAIL FROM:<> SIZE=" + "9" * 1_900, 552, "5.3.4"),
        ("MAIL FROM:<> SIZE", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=", 501, "5.5.4"),
        ("MAIL FROM:<grüße@client.test>", 553, "5.6.7"),
        ("MAIL FROM:<> ENVID=QQ314159", 555, "5.5.4"),
        ("MAIL FROM:<> SIZE=ten", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=-1", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=²", 501, "5.5.4"),
        ("MAIL FROM:<> BODY=BINARYMIME", 501, "5.5.4"),
        ("MAIL FROM:<> BODY", 501, "5.5.4"),
        ("MAIL FROM:<> SMTPUTF8=yes", 501, "5.5.4"),
        ("MAIL FROM:<> AUTH", 555, "5.5.4"),
        ("MAIL FROM:<> RET=FULL", 555, "5.5.4"),
    ],
)
async def test_a_mail_command_is_refused(smtp: SmtpClient, line: str, code: int, enhanced: str) -> None:
    await smtp.converse(EXTENDED)

    reply = await smtp.command(line)

    assert (reply.code, reply.text[:5]) == (code, enhanced)


async def test_a_refused_mail_command_opens_no_transaction(smtp: SmtpClient) -> None:
    await smtp.converse(EXTENDED, ("MAIL FROM:<> SIZE=26214401", 552))

    assert (await smtp.command("MAIL FROM:<>")).code == 250


# The other commands


@pytest.mark.parametrize("before", STATES.values(), ids=STATES)
@pytest.mark.parametrize(
    ("line", "code", "enhanced"),
    [
        ("NOOP", 250, "2.0.0"),
        ("NOOP and more", 250, "2.0.0"),
        ("RSET", 250, "2.0.0"),
        ("noop", 250, "2.0.0"),
        ("VRFY reader", 252, "2.5.0"),
        ("HELP", 214, "2.0.0"),
        ("EXPN list", 502, "5.5.1"),
        ("AUTH PLAIN AGEAYg==", 502, "5.5.1"),
        ("STARTTLS", 502, "5.5.1"),
        ("", 500, "5.5.2"),
        (" NOOP", 500, "5.5.2"),
        ("UNKNOWN", 500, "5.5.2"),
    ],
)
async def test_a_command_has_the_same_reply_in_every_state(
    smtp: SmtpClient, before: tuple[tuple[str, int], ...], line: str, code: int, enhanced: str
) -> None:
    for exchange in before:
        await smtp.converse(exchange)

    reply = await smtp.command(line)

    assert (reply.code, reply.text[:5]) == (code, enhanced)


@pytest.mark.parametrize("line", ["NOOP", "VRFY reader", "HELP", "EXPN list", "UNKNOWN", "x" * 3_000])
async def test_a_transaction_goes_on_after_an_unrelated_command(smtp: SmtpClient, address: str, line: str) -> None:
    await smtp.converse(*BEGUN, (f"RCPT TO:<{address}>", 250))

    assert [reply.code for reply in await send_lines(smtp, line, "DATA")][1] == 354


async def test_quit_closes_the_connection(smtp: SmtpClient) -> None:
    reply = await smtp.command("QUIT")

    assert (reply.code, reply.text[:5]) == (221, "2.0.0")
    assert await smtp.is_closed()


async def test_a_command_after_quit_is_not_answered(smtp: SmtpClient) -> None:
    await smtp.send(b"QUIT\r\nNOOP\r\n")

    assert await replies(smtp) == [221]


async def test_a_command_line_may_end_in_a_bare_lf(smtp: SmtpClient) -> None:
    await smtp.send(b"NOOP\n")

    assert (await smtp.reply()).code == 250


# Lines that are not commands


async def test_a_command_line_may_have_2048_octets(smtp: SmtpClient) -> None:
    assert (await smtp.command("NOOP ".ljust(2_046, "x"))).code == 250


async def test_a_longer_command_line_is_refused_and_the_session_goes_on(smtp: SmtpClient) -> None:
    reply = await smtp.command("NOOP ".ljust(2_047, "x"))

    assert (reply.code, reply.text[:5]) == (500, "5.5.2")
    assert (await smtp.command("NOOP")).code == 250


async def test_an_endless_command_line_ends_the_session(smtp: SmtpClient) -> None:
    await smtp.send(b"x" * 131_073)

    reply = await smtp.reply()

    assert (reply.code, reply.text[:5]) == (421, "4.5.0")
    assert await smtp.is_closed()


@pytest.mark.parametrize(
    "line", [b"MAIL FROM:<gr\xfc\xdfe@client.test>\r\n", b"\xff\xfe\r\n", b"NOOP \xed\xa0\x80\r\n"]
)
async def test_a_line_that_is_not_utf_8_is_refused_and_the_session_goes_on(smtp: SmtpClient, line: bytes) -> None:
    await smtp.send(line)

    reply = await smtp.reply()

    assert (reply.code, reply.text[:5]) == (500, "5.5.2")
    assert (await smtp.command("NOOP")).code == 250


# Pipelining (RFC 2920)


async def test_a_transaction_may_come_in_one_packet(smtp: SmtpClient, pair: Pair) -> None:
    one, two = make_mailbox(pair.database_url), make_mailbox(pair.database_url)
    await smtp.converse(EXTENDED)

    await smtp.send(f"MAIL FROM:<>\r\nRCPT TO:<{one}>\r\nRCPT TO:<{two}>\r\nDATA\r\n".encode())

    assert [(await smtp.reply()).code for _ in range(4)] == [250, 250, 250, 354]


async def test_recipients_in_one_packet_get_their_replies_in_order(smtp: SmtpClient, address: str) -> None:
    await smtp.converse(EXTENDED)

    await smtp.send(
        f"MAIL FROM:<>\r\nRCPT TO:<nobody@mx.test>\r\nRCPT TO:<{address}>\r\nRCPT TO:<reader@elsewhere.test>\r\n"
        "DATA\r\n".encode()
    )

    assert [(await smtp.reply()).code for _ in range(5)] == [250, 550, 250, 550, 354]


async def test_data_in_one_packet_with_refused_recipients_is_refused(smtp: SmtpClient) -> None:
    await smtp.converse(EXTENDED)

    await smtp.send(b"MAIL FROM:<>\r\nRCPT TO:<nobody@mx.test>\r\nDATA\r\nRSET\r\n")

    assert [(await smtp.reply()).code for _ in range(4)] == [250, 550, 503, 250]


async def test_the_next_transaction_may_follow_the_final_dot_in_one_packet(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    begin = f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode()
    await smtp.converse(EXTENDED)

    await smtp.send(begin + message("one") + b".\r\n" + begin + message("two") + b".\r\nNOOP\r\n")

    assert [(await smtp.reply()).code for _ in range(9)] == [250, 250, 354, 250] * 2 + [250]
    assert stored(pair.database_url, address) == [message("one"), message("two")]


async def test_a_client_that_closes_its_sending_side_gets_all_replies(smtp: SmtpClient, pair: Pair) -> None:
    address = make_mailbox(pair.database_url)
    transaction = f"MAIL FROM:<>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode() + message() + b".\r\n"

    await smtp.send(b"EHLO client.test\r\n" + transaction + b"NOOP\r\nRSET\r\n")
    smtp.writer.write_eof()

    assert await replies(smtp) == [250, 250, 250, 354, 250, 250, 250]
    assert stored(pair.database_url, address) == [message()]
