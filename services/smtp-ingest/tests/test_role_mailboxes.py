"""Mail for the operator: postmaster and abuse, at every domain (RFC 2142)."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from support.content import message
from support.database import stored
from support.harness import DOMAINS, Pair, running_smtp
from support.smtp_client import SmtpClient

from fake_email.storage import role_mailboxes

ADDRESSES = [f"{name}@{domain}" for name in ("postmaster", "abuse") for domain in DOMAINS]


@pytest.fixture
async def token(pair: Pair) -> str:
    """A new token for the operator's mailboxes."""
    token = secrets.token_urlsafe()
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        await role_mailboxes.create(connection, DOMAINS)
        await role_mailboxes.set_token(connection, DOMAINS, token)
    return token


@pytest.fixture(scope="module")
def narrow(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A daemon with a mailbox quota of two messages and 1,000 octets."""
    quota = {"MAILBOX_QUOTA_MESSAGES": "2", "MAILBOX_QUOTA_OCTETS": "1000"}
    with running_smtp(pair.database_url, tmp_path_factory.mktemp("operators"), **quota) as (daemon, _):
        yield daemon


async def poll(http: httpx.AsyncClient, address: str, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await http.get("/api/inbox/poll", params={"address": address}, headers=headers)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_the_operator_reads_mail_with_the_operators_token(
    smtp: SmtpClient, http: httpx.AsyncClient, token: str, address: str
) -> None:
    await smtp.deliver(message(token), address)

    polled = (await poll(http, address, token)).json()

    newest = polled["messages"][-1]
    assert (newest["to_addr"], newest["subject"]) == (address, token)


@pytest.mark.parametrize("given", ["postmaster", "Postmaster", "POSTMASTER"])
async def test_postmaster_without_a_domain_is_the_postmaster_of_the_first_domain(
    smtp: SmtpClient, http: httpx.AsyncClient, token: str, given: str
) -> None:
    await smtp.deliver(message(given), given)

    polled = (await poll(http, "postmaster@mx.test", token)).json()

    assert polled["messages"][-1]["to_addr"] == given


@pytest.mark.parametrize("given", ["Postmaster@MX.test", "abuse+case17@other.test", '"abuse"@mx.test'])
async def test_a_role_address_may_have_another_case_a_tag_or_quotes(smtp: SmtpClient, given: str) -> None:
    assert (await smtp.deliver(message(), given)).code == 250


async def test_abuse_without_a_domain_is_refused(smtp: SmtpClient) -> None:
    await smtp.converse(("EHLO client.test", 250), ("MAIL FROM:<>", 250))

    reply = await smtp.command("RCPT TO:<abuse>")

    assert (reply.code, reply.text[:5]) == (550, "5.7.1")


@pytest.mark.parametrize("wrong", ["", "a guess"])
async def test_a_wrong_token_does_not_read_mail_for_the_operator(
    smtp: SmtpClient, http: httpx.AsyncClient, token: str, wrong: str
) -> None:
    await smtp.deliver(message(), ADDRESSES[0])

    assert (await poll(http, ADDRESSES[0], wrong)).status_code == 404


async def test_mail_for_the_operator_is_kept_before_there_is_a_token(database_url: str, tmp_path: Path) -> None:
    with running_smtp(database_url, tmp_path) as (daemon, _):
        async with SmtpClient.connect(daemon.smtp_port) as client:
            reply = await client.deliver(message(), "abuse@mx.test")

    assert reply.code == 250
    assert stored(database_url, "abuse@mx.test") == [message()]


@pytest.mark.parametrize(("address", "octets"), [("postmaster@other.test", 10), ("abuse@other.test", 400)])
async def test_a_role_mailbox_is_never_full_but_drops_its_oldest_messages(
    narrow: Pair, address: str, octets: int
) -> None:
    contents = [message(subject, subject * octets) for subject in "abc"]
    async with SmtpClient.connect(narrow.smtp_port) as client:
        codes = [(await client.deliver(content, address)).code for content in contents]

    assert codes == [250] * 3
    assert stored(narrow.database_url, address) == contents[1:]


async def test_a_message_larger_than_the_quota_is_kept_for_the_operator(narrow: Pair) -> None:
    content = message("large", "x" * 1_000)
    async with SmtpClient.connect(narrow.smtp_port) as client:
        await client.converse(
            ("EHLO client.test", 250), ("MAIL FROM:<> SIZE=1100", 250), ("RCPT TO:<abuse@mx.test>", 250), ("DATA", 354)
        )
        await client.send(content + b".\r\n")

        assert (await client.reply()).code == 250

    assert stored(narrow.database_url, "abuse@mx.test") == [content]


async def test_a_role_mailbox_does_not_expire(smtp: SmtpClient, pair: Pair, token: str) -> None:
    with psycopg.connect(pair.database_url) as connection:
        [lives] = connection.execute(
            "SELECT bool_and(expires_at > now() + interval '1000 years') FROM mailbox WHERE address = ANY (%s)",
            [ADDRESSES],
        ).fetchone() or [False]

    assert lives
