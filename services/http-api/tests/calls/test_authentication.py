"""The check of a message's sender as the calls show it: while it is pending, when it has ended, and without one."""

import uuid

import httpx
import psycopg
import pytest
from msgspec.structs import replace
from support.content import message
from support.database import CHECKED, end_check, incoming_message, make_mailbox
from support.harness import Pair

from fake_email.authentication import PENDING_SECONDS, NotChecked
from fake_email.storage import mailboxes, store


async def stored(pair: Pair, *, check_skipped: NotChecked | None = None, address: str | None = None) -> str:
    """The id of a new message, in a mailbox of its own."""
    async with await psycopg.AsyncConnection.connect(pair.database_url, autocommit=True) as connection:
        mailbox = await mailboxes.fetch(
            connection, address=address or make_mailbox(pair.database_url), token_sha256=None
        )
        incoming = replace(incoming_message(message(), mailbox.id), check_skipped=check_skipped)
        await store.store_messages(connection, [incoming])
    return str(incoming.deliveries[0].id)


def make_old(pair: Pair, message_id: str) -> None:
    """Let the message have been received so long ago that a check would have ended."""
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE message SET received_at = received_at - make_interval(secs => %s) WHERE id = %s",
            [PENDING_SECONDS + 1, message_id],
        )


async def found(http: httpx.AsyncClient, message_id: str) -> tuple[str, str | None]:
    """The status of the check, and why there is none."""
    authentication = (await http.get(f"/api/messages/{message_id}")).json()["authentication"]
    return authentication["status"], authentication["reason"]


async def test_a_message_is_pending_until_its_check_has_ended(pair: Pair, http: httpx.AsyncClient) -> None:
    message_id = await stored(pair)
    before = await found(http, message_id)

    assert await end_check(pair.database_url, message_id)

    authentication = (await http.get(f"/api/messages/{message_id}")).json()["authentication"]
    assert before == ("pending", None)
    assert (authentication["status"], authentication["spf"]["result"]) == ("checked", "pass")


@pytest.mark.parametrize("reason", ["off", "busy", "no_resolver"])
async def test_a_message_that_no_check_follows_says_why(
    pair: Pair, http: httpx.AsyncClient, reason: NotChecked
) -> None:
    message_id = await stored(pair, check_skipped=reason)

    assert await found(http, message_id) == ("not_checked", reason)
    assert not await end_check(pair.database_url, message_id)


async def test_a_check_that_was_lost_ends_by_itself_and_stays_so(pair: Pair, http: httpx.AsyncClient) -> None:
    message_id = await stored(pair)
    make_old(pair, message_id)

    assert await found(http, message_id) == ("not_checked", "unfinished")
    assert not await end_check(pair.database_url, message_id)


async def test_a_mailbox_may_leave_its_messages_unchecked(pair: Pair, http: httpx.AsyncClient) -> None:
    made = await http.post("/api/temporary-address", json={"authentication": False})
    message_id = await stored(pair, address=made.json()["temp_email_addr"])

    assert await found(http, message_id) == ("not_checked", "mailbox")
    assert not await end_check(pair.database_url, message_id)


@pytest.mark.parametrize("path", ["", "/source"])
@pytest.mark.parametrize("is_lost", [True, False])
async def test_the_end_of_a_check_changes_the_tag(
    pair: Pair, http: httpx.AsyncClient, path: str, is_lost: bool
) -> None:
    message_id = await stored(pair)
    url = f"/api/messages/{message_id}{path}"
    before = (await http.get(url)).headers["ETag"]
    assert (await http.get(url, headers={"If-None-Match": before})).status_code == 304

    if is_lost:
        make_old(pair, message_id)
    else:
        await end_check(pair.database_url, message_id)

    answer = await http.get(url, headers={"If-None-Match": before})
    assert (answer.status_code, answer.headers["ETag"] == before) == (200, False)


async def test_our_results_stand_in_front_of_the_source_above_received(pair: Pair, http: httpx.AsyncClient) -> None:
    message_id = await stored(pair)
    before = (await http.get(f"/api/messages/{message_id}/source")).content

    await end_check(pair.database_url, message_id)

    after = (await http.get(f"/api/messages/{message_id}/source")).content
    return_path, rest = before.split(b"\r\n", 1)
    line = f"Authentication-Results: {CHECKED.results_field}\r\n".encode()
    assert after == return_path + b"\r\n" + line + rest
    assert rest.startswith(b"Received: ")
    assert after.endswith(message())


async def test_a_verdict_of_a_later_release_reads_as_unfinished(pair: Pair, http: httpx.AsyncClient) -> None:
    message_id = await stored(pair)
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        connection.execute(
            """UPDATE message SET verdict = '{"authentication": {"status": "new"}}' WHERE id = %s""",
            [uuid.UUID(message_id)],
        )

    assert await found(http, message_id) == ("not_checked", "unfinished")
