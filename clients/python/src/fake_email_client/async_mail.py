"""A fake-email server and its mailboxes, for asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, closing, suppress
from typing import Literal, Self, Unpack

import httpx2

from fake_email_client.calls import Call, Cut, Steps, T, checked, fetch
from fake_email_client.core import Core
from fake_email_client.errors import Problem, is_for_the_caller
from fake_email_client.new_mailbox import NewMailbox, create
from fake_email_client.requests import LIMITS, checked_url, request, trusts_environment
from fake_email_client.schemas import DomainList, ListedMessage, TemporaryAddress
from fake_email_client.stream import MAX_EVENT_OCTETS, Position

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

    def mailbox(self, **options: Unpack[NewMailbox]) -> "Making":
        """Make a mailbox that lives for `ttl` seconds, by `async with` or by `await`.

        The address begins with `name`; with `exact`, the address is this name. A private mailbox can be read with its
        token only. With `authentication=False`, the senders of its messages are not checked.
        """
        return Making(self, create(self.patience, options))

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
        return self.listen(Position(tokens, self.patience, since, uses_ticket=True))

    async def domains(self) -> DomainList:
        """The domains of addresses, and the SMTP server that takes mail for them."""
        return await self.run(fetch(Call(path="domains"), self.patience, DomainList))

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

    async def listen(self, at: Position) -> AsyncGenerator[ListedMessage, None]:
        """Yield the messages of a stream, connection after connection."""
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


class AsyncMailbox(Core):
    """One mailbox; an `async with` block deletes the mailbox at its end."""

    def __init__(self, mail: AsyncMail, address: str, token: str | None) -> None:
        super().__init__(address, token, mail.url, mail.patience)
        self._mail = mail

    async def _run(self, steps: Steps[T]) -> T:
        return await self._mail.run(steps)

    def stream(self, *, since: int | Literal["now"] = 0) -> AsyncGenerator[ListedMessage, None]:
        """Each message that is there, then each new one as it arrives, until the mailbox is over.

        With `since`, only messages after this seq, or those that arrive from the beginning of the loop on. The stream
        goes on by itself after a restart or a lost connection. When the API is away for longer than the patience, the
        error is raised.
        """
        return self._mail.listen(Position({self.address: self.token}, self._mail.patience, since))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        # The error of the block tells more than that of the clean-up.
        with suppress(*(() if error is None else (*Cut, Problem))):
            await self.close()


class Making:
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
