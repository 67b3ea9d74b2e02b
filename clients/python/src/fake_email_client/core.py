"""The methods of both kinds of mailboxes, without I/O: the calls of each, and the cursor of `wait`."""

from threading import Lock
from typing import Literal
from urllib.parse import quote

import msgspec

from fake_email_client.attempts import Timeline
from fake_email_client.calls import Call, Steps, T, fetch, insist
from fake_email_client.clauses import Clauses, LinkKind, Parameters, with_has
from fake_email_client.errors import NoMail, Problem, Unexpected, is_for_the_caller
from fake_email_client.schemas import (
    Deleted,
    DomainList,
    MailboxInfo,
    Marked,
    Message,
    MessageList,
    NearMiss,
    SomeMessage,
    SummarizedMessage,
    TemporaryAddress,
    Ticket,
)
from fake_email_client.search import search
from fake_email_client.stream import Boxes, Place

AnyMessage = SomeMessage | NearMiss | str
Order = Literal["newest", "oldest"]
_CONTENT_SECONDS = 300.0
_PAGE_MESSAGES = 100
__tracebackhide__ = is_for_the_caller


def create(
    patience: float,
    *,
    name: str | None,
    domain: str | None,
    private: bool | None,
    exact: bool | None,
    ttl: int | None,
    authentication: bool | None,
) -> Steps[TemporaryAddress]:
    """Make a mailbox."""
    given = {
        "username": name,
        "domain": domain,
        "private": private,
        "exact": exact,
        "ttl_seconds": ttl,
        "authentication": authentication,
    }
    body = {field: value for field, value in given.items() if value is not None}
    call = Call(method="POST", path="temporary-address", body=body)
    # After a cut, an exact name may be given out already, and its token is lost.
    return fetch(call, patience, TemporaryAddress, is_repeatable=not exact)


def domains(patience: float) -> Steps[DomainList]:
    return fetch(Call(path="domains"), patience, DomainList)


def place(boxes: Boxes, patience: float, since: int | Literal["now"], *, uses_ticket: bool = False) -> Steps[Place]:
    """The beginning of a stream."""
    if since != "now":
        return Place(boxes, patience, str(since), uses_ticket=uses_ticket)
    # Seqs and a time, unlike "now", stay the same moment when the stream connects again.
    seqs, times = {}, []
    for address, token in boxes.items():
        call = Call(path="inbox", query={"address": address}, token=token)
        info = yield from fetch(call, patience, MailboxInfo)
        seqs[info.temp_email_addr] = info.last_seq
        times.append(info.last_received_at or info.created_at)
    begin = min(times).isoformat(timespec="microseconds") if times else "0"
    return Place(boxes, patience, begin, uses_ticket=uses_ticket, seqs=seqs)


class Core:
    """One mailbox; each method returns the steps that the method of the same name takes."""

    def __init__(self, address: str, token: str | None, patience: float) -> None:
        self.address = address
        self.token = token
        self.patience = patience
        # The seqs that `wait` has returned: all up to the floor, and these.
        self._floor = 0
        self._returned: set[int] = set()
        self._lock = Lock()

    def wait(self, timeout: float, clauses: Clauses, kind: LinkKind | None = None) -> Steps[Message]:
        """With a kind, the message also has a link of this kind."""

        def refuse(message: Message) -> str | None:
            if kind and message.link_of(kind) is None:
                return f"link={kind}"
            return None if self._take(message.seq) else "returned before"

        return search(self.address, self.token, self._floor, timeout, clauses, refuse)

    def code(self, timeout: float, clauses: Clauses) -> Steps[str]:
        message = yield from self.wait(timeout, with_has(clauses, "code"))
        return message.codes[0].value

    def link(self, kind: LinkKind | None, timeout: float, clauses: Clauses) -> Steps[str]:
        message = yield from self.wait(timeout, with_has(clauses, "link"), kind)
        return (message.link_of(kind) if kind else message.link) or message.links[0].url

    def expect_none(self, within: float, clauses: Clauses) -> Steps[None]:
        try:
            message = yield from self.wait(within, clauses)
        except NoMail as error:
            if error.cause:  # the API could not be asked at the end
                raise error.cause from None
        else:
            raise Unexpected(self.address, clauses, message)

    def messages(self, query: str | None, order: Order) -> Steps[list[SummarizedMessage]]:
        found: list[SummarizedMessage] = []
        options = {"order": order, "limit": str(_PAGE_MESSAGES)}
        while True:
            page = yield from self._fetch(MessageList, Call(path="inbox/messages", query=self._about(query, options)))
            found += page.messages
            if page.next_cursor is None:
                return found
            options["cursor"] = page.next_cursor

    def info(self) -> Steps[MailboxInfo]:
        return self._fetch(MailboxInfo, Call(path="inbox", query=self._about()))

    def timeline(self) -> Steps[Timeline]:
        return self._fetch(Timeline, Call(path="inbox/timeline", query=self._about()))

    def extend(self, ttl: int) -> Steps[MailboxInfo]:
        call = Call(method="PATCH", path="inbox", query=self._about(), body={"ttl_seconds": ttl})
        return self._fetch(MailboxInfo, call)

    def read(self, message: AnyMessage) -> Steps[Message]:
        return self._fetch(Message, Call(path=_path(message)))

    def source(self, message: AnyMessage) -> Steps[bytes]:
        return self._content(f"{_path(message)}/source")

    def html(self, message: AnyMessage) -> Steps[str]:
        page = yield from self._content(f"{_path(message)}/html")
        return page.decode()

    def html_path(self, message: AnyMessage, remote: bool) -> Steps[str]:
        """The path of the page, with a ticket, which lives for an hour at most."""
        body = {"mailboxes": [{"address": self.address, "token": self.token}]}
        ticket = (yield from self._fetch(Ticket, Call(method="POST", path="tickets", body=body))).ticket
        return f"/api/{_path(message)}/html?ticket={ticket}{'&remote=true' if remote else ''}"

    def attachment(self, message: AnyMessage, position: int) -> Steps[bytes]:
        return self._content(f"{_path(message)}/attachments/{position}")

    def mark(self, message: AnyMessage, seen: bool) -> Steps[None]:
        yield from self._insist(Call(method="PATCH", path=_path(message), body={"seen": seen}))

    def mark_all(self, query: str | None, seen: bool) -> Steps[int]:
        call = Call(method="PATCH", path="inbox/messages", query=self._about(query), body={"seen": seen})
        return (yield from self._fetch(Marked, call)).changed

    def delete(self, message: AnyMessage) -> Steps[None]:
        return self._delete(Call(method="DELETE", path=_path(message)), "message_not_found")

    def clear(self, query: str | None) -> Steps[int]:
        call = Call(method="DELETE", path="inbox/messages", query=self._about(query))
        return (yield from self._fetch(Deleted, call)).deleted

    def close(self) -> Steps[None]:
        return self._delete(Call(method="DELETE", path="inbox", query=self._about()), "mailbox_not_found")

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
        return {"address": self.address, **({"query": query} if query else {}), **(more or {})}

    def _insist(self, call: Call) -> Steps[bytes]:
        response = yield from insist(msgspec.structs.replace(call, token=self.token), self.patience)
        return response.content

    def _fetch(self, shape: type[T], call: Call) -> Steps[T]:
        return fetch(msgspec.structs.replace(call, token=self.token), self.patience, shape)

    def _content(self, path: str) -> Steps[bytes]:
        return self._insist(Call(path=path, seconds=_CONTENT_SECONDS))

    def _delete(self, call: Call, code: str) -> Steps[None]:
        try:
            yield from self._insist(call)
        except Problem as error:
            # The response to an earlier attempt may be lost.
            if error.code != code:
                raise


def _path(message: AnyMessage) -> str:
    return f"messages/{quote(message if isinstance(message, str) else message.id, safe='')}"
