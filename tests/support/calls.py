"""Every call of the API, from its OpenAPI document, with a valid request for each made from the document's examples.

Tests that have to try all calls take them from here, so that a new call is tried without being listed anywhere.
"""

import hashlib
import secrets
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import httpx
import msgspec
import psycopg
from support import api_document
from support.api_document import PROBLEM_JSON, Operation, Parameter
from support.content import message
from support.database import incoming_message
from support.harness import DOMAINS

from fake_email.storage import store

# The parameters whose examples name nothing that is there: a test puts in a mailbox, or a message, of its own.
_PLACES = {"address": "{address}", "message_id": "{message_id}"}
CONTENT = (
    message("123456 is your code").replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", 1)
    + b"--b\r\nContent-Type: text/html\r\n\r\n<p>Your code is <b>123456</b></p>\r\n"
    + b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    + b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
)


_MAKE_MAILBOXES = """
    INSERT INTO mailbox (address, token_sha256, expires_at)
    SELECT address, token_sha256, now() + interval '1 hour'
    FROM unnest(%s::text[], %s::bytea[]) AS made (address, token_sha256)
    RETURNING id, address
"""


class Known(msgspec.Struct, frozen=True):
    """A mailbox with mail in it; `token` is "" for an open one."""

    address: str
    token: str
    message_ids: tuple[str, ...]


class Call(msgspec.Struct, frozen=True):
    """A request; `path` has `{address}` or `{message_id}` in it until `about` puts a real one there.

    `template` is the path in the document, `status` that of the answer when all goes well. The other fields are what
    the document says of the call.
    """

    method: str
    path: str
    template: str = ""
    status: int = 200
    body: object = None
    parameters: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    takes_body: bool = False
    media_types: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + ("" if self.body is None else f" {self.body}")

    @property
    def bare_path(self) -> str:
        """The path, without the query."""
        return self.path.partition("?")[0]

    @property
    def is_stream(self) -> bool:
        return "text/event-stream" in self.media_types

    @property
    def is_about_a_mailbox(self) -> bool:
        return "{address}" in self.path

    @property
    def is_about_a_message(self) -> bool:
        return "{message_id}" in self.path

    def about(self, address: str = "", message_id: str = "") -> "Call":
        """Return the call about this mailbox, or this message; a call about neither stays as it is."""
        path = self.path.replace("{address}", quote(address)).replace("{message_id}", quote(message_id))
        return msgspec.structs.replace(self, path=path, body=_about(self.body, address))

    def about_known(self, known: Known) -> "Call":
        """Return the call about this mailbox, or the newest message in it."""
        return self.about(known.address, known.message_ids[-1])

    def with_query(self, more: str) -> "Call":
        return msgspec.structs.replace(self, path=f"{self.path}{'&' if '?' in self.path else '?'}{more}")


def heads(calls: Iterable[Call]) -> list[Call]:
    """Return a HEAD for each GET of `calls`."""
    return [msgspec.structs.replace(call, method="HEAD") for call in calls if call.method == "GET"]


async def answer(http: httpx.AsyncClient, call: Call, **headers: str) -> httpx.Response:
    """Return the answer to the call; of a stream, which has no end, the head alone."""
    async with http.stream(call.method, call.path, json=call.body, headers=headers) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            await answer.aread()
        return answer


async def make_known(database_url: str, *, is_private: bool = False) -> Known:
    """Return a mailbox that no other test has, with two messages, the newer of which has HTML and an attachment."""
    stock = _stocks[database_url, is_private]
    if not stock:
        stock += await _make_known(database_url, number=20, is_private=is_private)
    return stock.pop()


# Twenty take hardly longer than one, most of whose time goes into a new connection to Postgres.
_stocks: defaultdict[tuple[str, bool], list[Known]] = defaultdict(list)


async def _make_known(database_url: str, *, number: int, is_private: bool) -> list[Known]:
    tokens = {
        f"{uuid.uuid4().hex}@{DOMAINS[0]}": secrets.token_urlsafe(24) if is_private else "" for _ in range(number)
    }
    digests = [hashlib.sha256(token.encode()).digest() if token else None for token in tokens.values()]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        made = await (await connection.execute(_MAKE_MAILBOXES, [[*tokens], digests])).fetchall()
        ids = [mailbox_id for mailbox_id, _ in made]
        messages = [incoming_message(content, *ids) for content in (message("Hello"), CONTENT)]
        for each in messages:
            await store.store_messages(connection, [each])
    return [
        Known(address, tokens[address], tuple(str(each.deliveries[at].id) for each in messages))
        for at, (_, address) in enumerate(made)
    ]


def _calls() -> Iterator[Call]:
    document = api_document.read()
    for template, methods in document.paths.items():
        for method, operation in methods.items():
            parameters = document.parameters(operation)
            yield _call(method.upper(), template, operation, parameters)


def _call(method: str, template: str, operation: Operation, parameters: list[Parameter]) -> Call:
    name = f"{method} {template}"
    # A stream can do without an address, when it has a ticket.
    values = {each.name: _value(name, each) for each in parameters if each.required or each.name in _PLACES}
    query = [f"{each.name}={values[each.name]}" for each in parameters if each.name in values and each.place == "query"]
    success = min(status for status in operation.responses if status.startswith("2"))
    return Call(
        method,
        template.format_map(values) + ("?" + "&".join(query) if query else ""),
        template=template,
        status=int(success),
        body=_body(name, operation),
        parameters=frozenset(each.name for each in parameters),
        codes=frozenset(_codes(operation)),
        takes_body=bool(operation.request_body.content),
        media_types=frozenset(operation.responses[success].content),
    )


def _value(name: str, parameter: Parameter) -> str:
    """Return what stands in the path or the query for a parameter that must be there."""
    if parameter.name in _PLACES:
        return _PLACES[parameter.name]
    if not parameter.examples:
        raise AssertionError(f"{name}: give the parameter {parameter.name} an example, where the call declares it")
    return quote(str(next(iter(parameter.examples.values())).value), safe="")


def _body(name: str, operation: Operation) -> object:
    """Return the body of a call that cannot be made without one, else None."""
    if not operation.request_body.required:
        return None
    examples = operation.request_body.content["application/json"].examples
    if not examples:
        raise AssertionError(f"{name}: give the body an example, where the call declares it")
    return next(iter(examples.values())).value


def _about(body: object, address: str) -> object:
    """Return a body that names mailboxes as one that names this mailbox alone; any other body stays as it is."""
    return {"mailboxes": [{"address": address}]} if isinstance(body, dict) and "mailboxes" in body else body


def _codes(operation: Operation) -> Iterator[str]:
    """Return the `code` of each problem that the call names."""
    for body in operation.responses.values():
        examples = body.content[PROBLEM_JSON].examples if PROBLEM_JSON in body.content else {}
        yield from (str(each.value["code"]) for each in examples.values() if isinstance(each.value, dict))


CALLS = list(_calls())
MAILBOX_CALLS = [call for call in CALLS if call.is_about_a_mailbox]
MESSAGE_CALLS = [call for call in CALLS if call.is_about_a_message]
