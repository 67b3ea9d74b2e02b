"""A fake-email server and its mailboxes, for asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, closing, suppress
from typing import Literal, Self, Unpack

import httpx2

from fake_email_client.attempts import Timeline
from fake_email_client.calls import Cut, Steps, T, checked
from fake_email_client.clauses import Clauses, LinkKind
from fake_email_client.core import AnyMessage, Core, Order, create, domains, place
from fake_email_client.errors import Problem, is_for_the_caller
from fake_email_client.requests import LIMITS, checked_url, request, trusts_environment
from fake_email_client.schemas import (
    DomainList,
    ListedMessage,
    MailboxInfo,
    Message,
    SummarizedMessage,
    TemporaryAddress,
)
from fake_email_client.search import CALL_SECONDS
from fake_email_client.stream import MAX_EVENT_OCTETS, Place

__tracebackhide__ = is_for_the_caller


class AsyncMail:
    """A server; `url` is the address of its API, as http://localhost:3001.

    A call is made again for `patience` seconds while the API is away, restarts or asks to wait. With `http`, the calls
    go through that client, which the caller closes.
    """

    def __init__(self, url: str, *, patience: float = 30.0, http: httpx2.AsyncClient | None = None) -> None:
        self.url = checked_url(url)
        self.patience = patience
        self._is_own = http is None
        self._http = httpx2.AsyncClient(limits=LIMITS, trust_env=trusts_environment(url)) if http is None else http

    def mailbox(
        self,
        *,
        name: str | None = None,
        domain: str | None = None,
        private: bool | None = None,
        exact: bool | None = None,
        ttl: int | None = None,
        authentication: bool | None = None,
    ) -> "NewMailbox":
        """Make a mailbox that lives for `ttl` seconds, by `async with` or by `await`.

        The address begins with `name`; with `exact`, the address is this name. A private mailbox can be read with its
        token only. With `authentication=False`, the senders of its messages are not checked.
        """
        steps = create(
            self.patience,
            name=name,
            domain=domain,
            private=private,
            exact=exact,
            ttl=ttl,
            authentication=authentication,
        )
        return NewMailbox(self, steps)

    def open(self, address: str, token: str | None = None) -> "AsyncMailbox":
        """A mailbox that is there already; nothing is asked of the server."""
        return AsyncMailbox(self, address, token)

    def stream(
        self, boxes: Iterable["AsyncMailbox"], *, since: Literal[0, "now"] = 0
    ) -> AsyncGenerator[ListedMessage, None]:
        """Each message of up to 50 mailboxes, as the stream of one mailbox, until the last mailbox is over.

        `message.temp_email_addr` is the address of its mailbox.
        """
        tokens = {box.address: box.token for box in boxes}
        return self.listen(place(tokens, self.patience, since, uses_ticket=True))

    async def domains(self) -> DomainList:
        """The domains of addresses, and the SMTP server that takes mail for them."""
        return await self.run(domains(self.patience))

    async def close(self) -> None:
        """Close the connections; the mailboxes stay."""
        if self._is_own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def run(self, steps: Steps[T]) -> T:
        """Take the steps and return their result."""
        with closing(steps):
            try:
                call = next(steps)
                while True:
                    await asyncio.sleep(call.after)
                    try:
                        response = await self._http.send(request(self._http, self.url, call))
                    except Cut as error:
                        call = steps.throw(error)
                    else:
                        call = steps.send(response)
            except StopIteration as end:
                result: T = end.value
                return result

    async def listen(self, start: Steps[Place]) -> AsyncGenerator[ListedMessage, None]:
        """Yield the messages of a stream, connection after connection."""
        at = await self.run(start)
        while not at.is_over:
            try:
                call = await self.run(at.connect())
                response = await self._http.send(request(self._http, self.url, call), stream=True)
                async with aclosing(response):
                    if not response.is_success:
                        await response.aread()
                    checked(response)
                    at.opened()
                    async for event in httpx2.EventSource(response, max_event_size=MAX_EVENT_OCTETS):
                        if message := at.take(event):
                            yield message
                pause = at.pause()
            except (*Cut, Problem) as error:
                pause = at.pause(error)
            await asyncio.sleep(pause)


class AsyncMailbox:
    """One mailbox; an `async with` block deletes the mailbox at its end."""

    def __init__(self, mail: AsyncMail, address: str, token: str | None) -> None:
        self._mail = mail
        self._core = Core(address, token, mail.patience)
        self.address = address
        self.token = token

    async def wait(self, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> Message:
        """The oldest message that meets all clauses and that no call of this object has returned.

        Mail that is there already counts. Raises NoMail after `timeout` seconds.
        """
        return await self._mail.run(self._core.wait(timeout, clauses))

    async def code(self, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> str:
        """The most probable code of the next message that has one."""
        return await self._mail.run(self._core.code(timeout, clauses))

    async def link(
        self, kind: LinkKind | None = None, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]
    ) -> str:
        """The URL of the next message that has a link of this kind; without a kind, of its best link."""
        return await self._mail.run(self._core.link(kind, timeout, clauses))

    async def expect_none(self, *, within: float = 5.0, **clauses: Unpack[Clauses]) -> None:
        """Wait for `within` seconds; raises Unexpected when such a message comes, or is there already."""
        await self._mail.run(self._core.expect_none(within, clauses))

    async def messages(self, query: str | None = None, *, order: Order = "newest") -> list[SummarizedMessage]:
        """All messages, or those that the search `query` finds, without their texts."""
        return await self._mail.run(self._core.messages(query, order))

    def stream(self, *, since: int | Literal["now"] = 0) -> AsyncGenerator[ListedMessage, None]:
        """Each message that is there, then each new one as it arrives, until the mailbox is over.

        With `since`, only messages after this seq, or those that arrive from the beginning of the loop on. The stream
        goes on by itself after a restart or a lost connection. When the API is away for longer than the patience, the
        error is raised.
        """
        return self._mail.listen(place({self.address: self.token}, self._mail.patience, since))

    async def read(self, message: AnyMessage) -> Message:
        """The whole message, of a message or an id."""
        return await self._mail.run(self._core.read(message))

    async def source(self, message: AnyMessage) -> bytes:
        """The message as it was received, with its header fields."""
        return await self._mail.run(self._core.source(message))

    async def html(self, message: AnyMessage) -> str:
        """The HTML of the message as a page that is safe to show; `message.html` is as the sender wrote it."""
        return await self._mail.run(self._core.html(message))

    async def html_url(self, message: AnyMessage, *, remote: bool = False) -> str:
        """A URL for a browser: the HTML of the message as a page that is safe to show, with a ticket and no token.

        With `remote`, the page loads images from other servers.
        """
        return self._mail.url + await self._mail.run(self._core.html_path(message, remote))

    async def attachment(self, message: AnyMessage, position: int = 0) -> bytes:
        """The attachment at this position of `message.attachments`; 0 is the first."""
        return await self._mail.run(self._core.attachment(message, position))

    async def mark(self, message: AnyMessage, *, seen: bool = True) -> None:
        """Mark the message as seen or unseen."""
        await self._mail.run(self._core.mark(message, seen))

    async def mark_all(self, query: str | None = None, *, seen: bool = True) -> int:
        """Mark all messages, or those that `query` finds, and return the number of those that changed."""
        return await self._mail.run(self._core.mark_all(query, seen))

    async def delete(self, message: AnyMessage) -> None:
        """Delete a message; one that is gone already is fine."""
        await self._mail.run(self._core.delete(message))

    async def clear(self, query: str | None = None) -> int:
        """Delete all messages, or those that `query` finds, and return their number; the mailbox stays."""
        return await self._mail.run(self._core.clear(query))

    async def info(self) -> MailboxInfo:
        """The mailbox itself: its end, its quota, the number of its messages."""
        return await self._mail.run(self._core.info())

    async def timeline(self) -> Timeline:
        """Each attempt to deliver to the mailbox, stored or not, with its SMTP reply."""
        return await self._mail.run(self._core.timeline())

    async def extend(self, ttl: int) -> MailboxInfo:
        """Make the mailbox expire in `ttl` seconds from now."""
        return await self._mail.run(self._core.extend(ttl))

    async def close(self) -> None:
        """Delete the mailbox; one that is over already is fine."""
        await self._mail.run(self._core.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        # The error of the block tells more than that of the clean-up.
        with suppress(*(() if error is None else (*Cut, Problem))):
            await self.close()

    def __repr__(self) -> str:
        return f"<AsyncMailbox {self.address}>"


class NewMailbox:
    """A mailbox that `await` makes; `async with` also deletes the mailbox at its end."""

    def __init__(self, mail: AsyncMail, steps: Steps[TemporaryAddress]) -> None:
        self._mail = mail
        self._steps = steps
        self._made: AsyncMailbox | None = None

    def __await__(self) -> Generator[None, None, AsyncMailbox]:
        return self._make().__await__()

    async def _make(self) -> AsyncMailbox:
        made = await self._mail.run(self._steps)
        return self._mail.open(made.temp_email_addr, made.token)

    async def __aenter__(self) -> AsyncMailbox:
        self._made = await self._make()
        return self._made

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self._made:
            await self._made.__aexit__(kind, error, traceback)
