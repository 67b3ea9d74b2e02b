"""GET /api/status: the version, and where all messages went."""

import datetime
from pathlib import Path

from support.content import message
from support.database import make_mailbox, store
from support.harness import running_http
from support.http_client import client

NAMES = ["stored", "there", "expired", "deleted", "dropped"]


async def test_the_messages_that_were_stored_are_there_or_were_deleted(database_url: str, tmp_path: Path) -> None:
    address = make_mailbox(database_url)
    await store(database_url, address, message("one"), message("two"), message("three"))
    with running_http(database_url, tmp_path) as service:
        async with client(service.http_url) as http:
            await http.delete("/api/inbox/messages", params={"address": address, "query": "subject:two"})

            answer = await http.get("/api/status")
            version = (await http.get("/api/version")).json()

    assert answer.status_code == 200
    status = answer.json()
    assert {"version": status["version"]} == version
    assert [status["messages"][name] for name in NAMES] == [3, 2, 0, 1, 0]
    since, at = (datetime.datetime.fromisoformat(status[name]) for name in ("counted_since", "counted_at"))
    assert since < at
