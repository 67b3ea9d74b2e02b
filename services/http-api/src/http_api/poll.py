"""GET /api/inbox/poll: what is in a mailbox past a cursor, at once or as soon as there is something."""

import asyncio
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from fake_email import messages
from fake_email.mailboxes import Mailbox
from fake_email.messages import Listed
from http_api import parameters
from http_api.api import Api
from http_api.arrivals import Wake
from http_api.listing import ListedMessage, listed_message
from http_api.problems import described

MAX_LIMIT = 100
MAX_WAIT_SECONDS = 60


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, oldest first; `next_since` is the cursor behind the last of them."""

    temp_email_addr: str
    new_mail_count: int
    next_since: str | None
    messages: list[ListedMessage]


@get("/api/inbox/poll", responses=described(400, 404, 503))
async def poll(
    api: Api,
    address: str,
    since: str | None = None,
    wait: Annotated[float, Parameter(ge=0, le=MAX_WAIT_SECONDS)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
    authorization: Annotated[str | None, Parameter(header="Authorization")] = None,
) -> Page:
    """Up to `limit` messages past `since`; with `wait`, held for that many seconds until there is one."""
    mailbox_address = parameters.address(address)
    cursor = parameters.since(since)
    token_sha256 = parameters.token_sha256(authorization)

    async def look() -> tuple[Mailbox, list[Listed]]:
        return await api.database.run(
            lambda connection: messages.read(
                connection, address=mailbox_address, token_sha256=token_sha256, since=cursor, limit=limit
            )
        )

    mailbox, listed = await look()
    if not listed and wait > 0:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        wake = Wake()
        with api.arrivals.watch(mailbox.id, wake):
            while not listed and not api.arrivals.has_ended:
                wake.rest()
                _, listed = await look()
                if listed or not await wake.within(deadline - loop.time()):
                    break
    return Page(
        temp_email_addr=mailbox_address,
        new_mail_count=len(listed),
        next_since=parameters.rfc3339(listed[-1].received_at) if listed else since,
        messages=[listed_message(each) for each in listed],
    )
