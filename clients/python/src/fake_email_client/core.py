"""The methods of both kinds of mailboxes, without I/O: the calls of each, and the cursor of `wait`."""

import math
from collections.abc import Coroutine
from threading import Lock
from typing import Literal, Unpack, get_args
from urllib.parse import quote

import msgspec

from fake_email_client.attempts import Timeline
from fake_email_client.calls import Call, Steps, T, fetch, insist
from fake_email_client.clauses import Clauses, LinkKind, Parameters, with_has
from fake_email_client.errors import RETURNED, NoMail, Problem, Unexpected, is_for_the_caller
from fake_email_client.method import Method
from fake_email_client.schemas import (
    Deleted,
    MailboxInfo,
    Marked,
    Message,
    MessageList,
    NearMiss,
    SomeMessage,
    SummarizedMessage,
    Ticket,
)
from fake_email_client.search import CALL_SECONDS, search

AnyMessage = SomeMessage | NearMiss | str
Order = Literal["newest", "oldest"]
_CONTENT_SECONDS = 300.0
_PAGE_MESSAGES = 100
__tracebackhide__ = is_for_the_caller


class Core:
    """One mailbox. A method returns the result of its steps; with asyncio, a coroutine for it."""

    def __init__(self, address: str, token: str | None, url: str, patience: float) -> None:
        self.address = address
        self.token = token
        self._url = url
        self._patience = patience
        # The seqs that `wait` has returned: all up to the floor, and these.
        self._floor = 0
        self._returned: set[int] = set()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"

    def _run(self, steps: Steps[T]) -> T | Coroutine[None, None, T]:
        raise NotImplementedError

    @Method
    def wait(self, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> Steps[Message]:
        """The oldest message that meets all clauses and that no call of this object has returned.

        Mail that is there already counts. Raises NoMail after `timeout` seconds.
        """
        return self._search(timeout, clauses)

    @Method
    def code(self, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]) -> Steps[str]:
        """The most probable code of the next message that has one."""
        message = yield from self._search(timeout, with_has(clauses, "code"))
        return message.codes[0].value

    @Method
    def link(
        self, kind: LinkKind | None = None, *, timeout: float = CALL_SECONDS, **clauses: Unpack[Clauses]
    ) -> Steps[str]:
        """The URL of the next message that has a link of this kind; without a kind, of its best link."""
        if kind not in (None, *get_args(LinkKind)):
            raise ValueError(f"no such kind of link: {kind}; there are {', '.join(get_args(LinkKind))}")
        message = yield from self._search(timeout, with_has(clauses, "link"), kind)
        return (message.link_of(kind) if kind else message.link) or message.links[0].url

    @Method
    def expect_none(self, *, within: float = 5.0, **clauses: Unpack[Clauses]) -> Steps[None]:
        """Wait for `within` seconds; raises Unexpected when such a message comes, or is there already."""
        try:
            message = yield from self._search(within, clauses)
        except NoMail as error:
            if error.cause:  # the API could not be asked at the end
                raise error.cause from None
        else:
            raise Unexpected(self.address, clauses, message)

    @Method
    def messages(self, query: str | None = None, *, order: Order = "newest") -> Steps[list[SummarizedMessage]]:
        """All messages, or those that the search `query` finds, without their texts."""
        found: list[SummarizedMessage] = []
        options = {"order": order, "limit": str(_PAGE_MESSAGES)}
        while True:
            page = yield from self._fetch(MessageList, Call(path="inbox/messages", query=self._about(query, options)))
            found += page.messages
            if page.next_cursor is None:
                return found
            options["cursor"] = page.next_cursor

    @Method
    def info(self) -> Steps[MailboxInfo]:
        """The mailbox itself: its end, its quota, the number of its messages."""
        return self._fetch(MailboxInfo, Call(path="inbox", query=self._about()))

    @Method
    def timeline(self) -> Steps[Timeline]:
        """Each attempt to deliver to the mailbox, stored or not, with its SMTP reply."""
        return self._fetch(Timeline, Call(path="inbox/timeline", query=self._about()))

    @Method
    def extend(self, ttl: int) -> Steps[MailboxInfo]:
        """Make the mailbox expire in `ttl` seconds from now."""
        call = Call(method="PATCH", path="inbox", query=self._about(), body={"ttl_seconds": ttl})
        return self._fetch(MailboxInfo, call)

    @Method
    def read(self, message: AnyMessage) -> Steps[Message]:
        """The whole message, of a message or an id."""
        return self._fetch(Message, Call(path=_path(message)))

    @Method
    def source(self, message: AnyMessage) -> Steps[bytes]:
        """The message as it was received, with its header fields."""
        return self._content(f"{_path(message)}/source")

    @Method
    def html(self, message: AnyMessage) -> Steps[str]:
        """The HTML of the message as a page that is safe to show; `message.html` is as the sender wrote it."""
        page = yield from self._content(f"{_path(message)}/html")
        return page.decode()

    @Method
    def html_url(self, message: AnyMessage, *, remote: bool = False) -> Steps[str]:
        """A URL for a browser: the HTML of the message as a page that is safe to show, with a ticket and no token.

        With `remote`, the page loads images from other servers. The ticket lives for an hour at most.
        """
        body = {"mailboxes": [{"address": self.address, "token": self.token}]}
        ticket = (yield from self._fetch(Ticket, Call(method="POST", path="tickets", body=body))).ticket
        return f"{self._url}/api/{_path(message)}/html?ticket={ticket}{'&remote=true' if remote else ''}"

    @Method
    def attachment(self, message: AnyMessage, position: int = 0) -> Steps[bytes]:
        """The attachment at this position of `message.attachments`; 0 is the first."""
        return self._content(f"{_path(message)}/attachments/{position}")

    @Method
    def mark(self, message: AnyMessage, *, seen: bool = True) -> Steps[None]:
        """Mark the message as seen or unseen."""
        yield from self._insist(Call(method="PATCH", path=_path(message), body={"seen": seen}))

    @Method
    def mark_all(self, query: str | None = None, *, seen: bool = True) -> Steps[int]:
        """Mark all messages, or those that `query` finds, and return the number of those that changed."""
        call = Call(method="PATCH", path="inbox/messages", query=self._about(query), body={"seen": seen})
        return (yield from self._fetch(Marked, call)).changed

    @Method
    def delete(self, message: AnyMessage) -> Steps[None]:
        """Delete a message; one that is gone already is fine."""
        return self._delete(Call(method="DELETE", path=_path(message)), "message_not_found")

    @Method
    def clear(self, query: str | None = None) -> Steps[int]:
        """Delete all messages, or those that `query` finds, and return their number; the mailbox stays.

        When a response was lost, the number is of those that the next attempt found.
        """
        call = Call(method="DELETE", path="inbox/messages", query=self._about(query))
        return (yield from self._fetch(Deleted, call)).deleted

    @Method
    def close(self) -> Steps[None]:
        """Delete the mailbox; one that is over already is fine."""
        return self._delete(Call(method="DELETE", path="inbox", query=self._about()), "mailbox_not_found")

    def _search(self, timeout: float, clauses: Clauses, kind: LinkKind | None = None) -> Steps[Message]:
        def refuse(message: Message) -> str | None:
            return None if self._take(message.seq) else RETURNED

        return search(self.address, self.token, self._floor, _seconds(timeout), clauses, refuse, kind)

    def _take(self, seq: int) -> bool:
        """True for the first call with this seq; threads may wait at the same time."""
        with self._lock:
            if seq <= self._floor or seq in self._returned:
                return False
            self._returned.add(seq)
            while self._floor + 1 in self._returned:
                self._floor += 1
                self._returned.remove(self._floor)
            return True

    def _about(self, query: str | None = None, more: Parameters | None = None) -> Parameters:
        return {"address": self.address, **({} if query is None else {"query": query}), **(more or {})}

    def _insist(self, call: Call) -> Steps[bytes]:
        response = yield from insist(msgspec.structs.replace(call, token=self.token), self._patience)
        return response.content

    def _fetch(self, shape: type[T], call: Call) -> Steps[T]:
        return fetch(msgspec.structs.replace(call, token=self.token), self._patience, shape)

    def _content(self, path: str) -> Steps[bytes]:
        return self._insist(Call(path=path, seconds=_CONTENT_SECONDS))

    def _delete(self, call: Call, code: str) -> Steps[None]:
        try:
            yield from self._insist(call)
        except Problem as error:
            # The response to an earlier attempt may be lost.
            if error.code != code:
                raise


def _seconds(timeout: object) -> float:
    """The timeout of a caller who may have no type checker; raises TypeError."""
    if isinstance(timeout, int | float) and not math.isnan(timeout):
        return timeout
    raise TypeError(f"the time to wait is a number of seconds, not {timeout!r}")


def _path(message: AnyMessage) -> str:
    return f"messages/{quote(message if isinstance(message, str) else message.id, safe='')}"
