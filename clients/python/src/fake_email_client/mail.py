"""A fake-email server and its mailboxes, for programs without asyncio."""

import time
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from typing import Literal, Self, Unpack

import httpx2

from fake_email_client.calls import Call, Cut, Steps, T, checked, fetch
from fake_email_client.core import Core
from fake_email_client.errors import Problem, is_for_the_caller
from fake_email_client.new_mailbox import NewMailbox, create
from fake_email_client.requests import LIMITS, checked_url, request, trusts_environment
from fake_email_client.schemas import DomainList, ListedMessage
from fake_email_client.stream import MAX_EVENT_OCTETS, Position

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

    def mailbox(self, **options: Unpack[NewMailbox]) -> "Mailbox":
        """Make a mailbox that lives for `ttl` seconds.

        The address begins with `name`; with `exact`, the address is this name. A private mailbox can be read with its
        token only. With `authentication=False`, the senders of its messages are not checked.
        """
        made = self.run(create(self.patience, options))
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
        return self.listen(Position(tokens, self.patience, since, uses_ticket=True))

    def domains(self) -> DomainList:
        """The domains of addresses, and the SMTP server that takes mail for them."""
        return self.run(fetch(Call(path="domains"), self.patience, DomainList))

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

    def listen(self, at: Position) -> Generator[ListedMessage, None, None]:
        """Yield the messages of a stream, connection after connection."""
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


class Mailbox(Core):
    """One mailbox; a `with` block deletes the mailbox at its end."""

    def __init__(self, mail: Mail, address: str, token: str | None) -> None:
        super().__init__(address, token, mail.url, mail.patience)
        self._mail = mail

    def _run(self, steps: Steps[T]) -> T:
        return self._mail.run(steps)

    def stream(self, *, since: int | Literal["now"] = 0) -> Generator[ListedMessage, None, None]:
        """Each message that is there, then each new one as it arrives, until the mailbox is over.

        With `since`, only messages after this seq, or those that arrive from the beginning of the loop on. The stream
        goes on by itself after a restart or a lost connection. When the API is away for longer than the patience, the
        error is raised.
        """
        return self._mail.listen(Position({self.address: self.token}, self._mail.patience, since))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        # The error of the block tells more than that of the clean-up.
        with suppress(*(() if error is None else (*Cut, Problem))):
            self.close()
