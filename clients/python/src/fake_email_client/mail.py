"""A fake-email server and its mailboxes, for programs without asyncio."""

import time
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from typing import Literal, Self, Unpack

import httpx2

from fake_email_client.attempts import Timeline
from fake_email_client.calls import Cut, Steps, T, checked
from fake_email_client.clauses import Clauses, LinkKind
from fake_email_client.core import AnyMessage, Core, Order, create, domains, place
from fake_email_client.errors import Problem, is_for_the_caller
from fake_email_client.requests import LIMITS, checked_url, request, trusts_environment
from fake_email_client.schemas import DomainList, ListedMessage, MailboxInfo, Message, SummarizedMessage
from fake_email_client.search import CALL_SECONDS
from fake_email_client.stream import MAX_EVENT_OCTETS, Place

__tracebackhide__ = is_for_the_caller


class Mail:
    """A server; `url` is the address of its API, as http://localhost:3001.

    A call is made again for `patience` seconds while the API is away, restarts or asks to wait. With `http`, the calls
    go through that client, which the caller closes.
    """

    def __init__(self, url: str, *, patience: float = 30.0, http: httpx2.Client | None = None) -> None:
        self.url = checked_url(url)
        self.patience = patience
        self._is_own = http is None
        self._http = httpx2.Client(limits=LIMITS, trust_env=trusts_environment(url)) if http is None else http

    def mailbox(
        self,
        *,
        name: str | None = None,
        domain: str | None = None,
        private: bool | None = None,
        exact: bool | None = None,
        ttl: int | None = None,
        authentication: bool | None = None,
    ) -> "Mailbox":
        """Make a mailbox that lives for `ttl` seconds.

        The address begins with `name`; with `exact`, the address is this name. A private mailbox can be read with its
        token only. With `authentication=False`, the senders of its messages are not checked.
        """
        made = self.run(
            create(
                self.patience,
                name=name,
                domain=domain,
                private=private,
                exact=exact,
                ttl=ttl,
                authentication=authentication,
            )
        )
        return self.open(made.temp_email_addr, made.token)

    def open(self, address: str, token: str | None = None) -> "Mailbox":
        """A mailbox that is there already; nothing is asked of the server."""
        return Mailbox(self, address, token)

    def stream(
        self, boxes: Iterable["Mailbox"], *, since: Literal[0, "now"] = 0
    ) -> Generator[ListedMessage, None, None]:
        """Each message of up to 50 mailboxes, as the stream of one mailbox, until the last mailbox is over.

        `message.temp_email_addr` is the address of its mailbox.
        """
        tokens = {box.address: box.token for box in boxes}
        return self.listen(place(tokens, self.patience, since, uses_ticket=True))

    def domains(self) -> DomainList:
        """The domains of addresses, and the SMTP server that takes mail for them."""
        return self.run(domains(self.patience))

    def close(self) -> None:
        """Close the connections; the mailboxes stay."""
        if self._is_own:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def run(self, steps: Steps[T]) -> T:
        """Take the steps and return their result."""
        with closing(steps):
            try:
                call = next(steps)
                while True:
                    time.sleep(call.after)
                    try:
                        response = self._http.send(request(self._http, self.url, call))
                    except Cut as error:
                        call = steps.throw(error)
                    else:
                        call = steps.send(response)
            except StopIteration as end:
                result: T = end.value
                return result

    def listen(self, start: Steps[Place]) -> Generator[ListedMessage, None, None]:
        """Yield the messages of a stream, connection after connection."""
        at = self.run(start)
        while not at.is_over:
            try:
                call = self.run(at.connect())
                with closing(self._http.send(request(self._http, self.url, call), stream=True)) as response:
                    if not response.is_success:
                        response.read()
                    checked(response)
                    at.opened()
                    for event in httpx2.EventSource(response, max_event_size=MAX_EVENT_OCTETS):
                        if message := at.take(event):
                            yield message
                pause = at.pause()
            except (*Cut, Problem) as error:
                pause = at.pause(error)
            time.sleep(pause)


class Mailbox:
    """One mailbox; a `with` block deletes the mailbox at its end."""

    def __init__(self, mail: Mail, address: str, token: str | None) -> None:
        self._mail = mail
        self._core = Core(address, token, mail.patience)
        self.address = address
        self.token = token

    def wait(self, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> Message:
        """The oldest message that meets all clauses and that no call of this object has returned.

        Mail that is there already counts. Raises NoMail after `timeout` seconds.
        """
        return self._mail.run(self._core.wait(timeout, clauses))

    def code(self, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> str:
        """The most probable code of the next message that has one."""
        return self._mail.run(self._core.code(timeout, clauses))

    def link(self, kind: LinkKind | None = None, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> str:
        """The URL of the next message that has a link of this kind; without a kind, of its best link."""
        return self._mail.run(self._core.link(kind, timeout, clauses))

    def expect_none(self, *, within: float = 5.0, **clauses: Unpack[Clauses]) -> None:
        """Wait for `within` seconds; raises Unexpected when such a message comes, or is there already."""
        self._mail.run(self._core.expect_none(within, clauses))

    def messages(self, query: str | None = None, *, order: Order = "newest") -> list[SummarizedMessage]:
        """All messages, or those that the search `query` finds, without their texts."""
        return self._mail.run(self._core.messages(query, order))

    def stream(self, *, since: int | Literal["now"] = 0) -> Generator[ListedMessage, None, None]:
        """Each message that is there, then each new one as it arrives, until the mailbox is over.

        With `since`, only messages after this seq, or those that arrive from the beginning of the loop on. The stream
        goes on by itself after a restart or a lost connection. When the API is away for longer than the patience, the
        error is raised.
        """
        return self._mail.listen(place({self.address: self.token}, self._mail.patience, since))

    def read(self, message: AnyMessage) -> Message:
        """The whole message, of a message or an id."""
        return self._mail.run(self._core.read(message))

    def source(self, message: AnyMessage) -> bytes:
        """The message as it was received, with its header fields."""
        return self._mail.run(self._core.source(message))

    def html(self, message: AnyMessage) -> str:
        """The HTML of the message as a page that is safe to show; `message.html` is as the sender wrote it."""
        return self._mail.run(self._core.html(message))

    def html_url(self, message: AnyMessage, *, remote: bool = False) -> str:
        """A URL for a browser: the HTML of the message as a page that is safe to show, with a ticket and no token.

        With `remote`, the page loads images from other servers.
        """
        return self._mail.url + self._mail.run(self._core.html_path(message, remote))

    def attachment(self, message: AnyMessage, position: int = 0) -> bytes:
        """The attachment at this position of `message.attachments`; 0 is the first."""
        return self._mail.run(self._core.attachment(message, position))

    def mark(self, message: AnyMessage, *, seen: bool = True) -> None:
        """Mark the message as seen or unseen."""
        self._mail.run(self._core.mark(message, seen))

    def mark_all(self, query: str | None = None, *, seen: bool = True) -> int:
        """Mark all messages, or those that `query` finds, and return the number of those that changed."""
        return self._mail.run(self._core.mark_all(query, seen))

    def delete(self, message: AnyMessage) -> None:
        """Delete a message; one that is gone already is fine."""
        self._mail.run(self._core.delete(message))

    def clear(self, query: str | None = None) -> int:
        """Delete all messages, or those that `query` finds, and return their number; the mailbox stays."""
        return self._mail.run(self._core.clear(query))

    def info(self) -> MailboxInfo:
        """The mailbox itself: its end, its quota, the number of its messages."""
        return self._mail.run(self._core.info())

    def timeline(self) -> Timeline:
        """Each attempt to deliver to the mailbox, stored or not, with its SMTP reply."""
        return self._mail.run(self._core.timeline())

    def extend(self, ttl: int) -> MailboxInfo:
        """Make the mailbox expire in `ttl` seconds from now."""
        return self._mail.run(self._core.extend(ttl))

    def close(self) -> None:
        """Delete the mailbox; one that is over already is fine."""
        self._mail.run(self._core.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        # The error of the block tells more than that of the clean-up.
        with suppress(*(() if error is None else (*Cut, Problem))):
            self.close()

    def __repr__(self) -> str:
        return f"<Mailbox {self.address}>"
