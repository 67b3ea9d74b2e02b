"""The middleware: rate limits for every call, security headers for every response, CORS and HEAD.

It is plain ASGI around the application, and adds a frame only to calls that need one, since every call pays for it.
"""

import re
import time
from collections.abc import Awaitable, Mapping
from functools import partial
from http import HTTPStatus

import structlog
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from litestar.utils import normalize_path

from fake_email.settings import Settings
from http_api.edge import cors
from http_api.edge.body_deadline import BodyDeadline
from http_api.edge.cors import Headers
from http_api.edge.edge_counts import EdgeCounts
from http_api.edge.origin_log import OriginLog
from http_api.edge.rate_limits import Count, Limit, LimitName, Windows, unlimited
from http_api.edge.response_headers import AddCorsHeaders, AddHeaders, HeadOnly
from http_api.protocol import problems, request_fields
from http_api.protocol.client_address import Client, ClientAddresses
from http_api.protocol.problems import ProblemType
from http_api.protocol.request import CLIENT, FAILED_TOKENS, NOTHING_FOUND

log = structlog.get_logger()

_WITH_BODY = frozenset({HttpMethod.POST, HttpMethod.PATCH})
_CREATION = "/api/temporary-address"
_TICKETS = "/api/tickets"
# A conflict counts as a creation, since it shows that a name was given out before.
_COUNTED_STATUSES = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT})
# Any letter of the name may be percent-encoded (RFC 3986 §2.1).
_SECRET_NAMES = b"|".join(
    b"".join(b"(?:%c|(?i:%%%02x))" % (letter, letter) for letter in name) for name in (b"access_token", b"ticket")
)
_SECRET_IN_QUERY = re.compile(rb"(?:^|&)(?:%b)=[^&]" % _SECRET_NAMES)
LIMITED: dict[LimitName, str] = {
    "creations_per_minute": "mailboxes",
    "failed_tokens_per_minute": "calls with a wrong token",
    "tickets_per_minute": "tickets",
    "calls_per_minute": "calls",
}


class Middleware:
    """`application` behind the rate limits, which all worker processes count in one `table`."""

    def __init__(self, application: ASGIApp, settings: Settings, table: int, edge: EdgeCounts) -> None:
        self._application = application
        self._edge = edge
        self._clients = ClientAddresses(settings.trusted_proxies, settings.http_exempt_networks)
        self._windows = Windows(table, is_shared=settings.http_workers > 1)
        self._origins = cors.AllowedOrigins(settings.cors_allowed_origins)
        self._origin_log = OriginLog()
        self._calls = Limit(name="calls_per_minute", number=settings.calls_per_minute)
        self._creations = Limit(name="creations_per_minute", number=settings.creations_per_minute)
        self._tickets = Limit(name="tickets_per_minute", number=settings.tickets_per_minute)
        self._failed_tokens = Limit(name="failed_tokens_per_minute", number=settings.failed_tokens_per_minute)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP:
            return self._application(scope, receive, send)
        if scope["method"] == HttpMethod.HEAD:
            # RFC 9110 §9.3.2: the response to GET, without the content; §14.2: a range is of GET alone.
            scope["method"] = "GET"
            scope["headers"] = [field for field in scope["headers"] if field[0] != b"range"]
            head = HeadOnly(receive, send)
            receive, send = head.receive, head.send
        elif scope["method"] in _WITH_BODY:
            receive = BodyDeadline(receive)
        client = scope["state"][CLIENT] = self._clients.of(scope)
        calls = self._take(self._calls, client)
        fields = [*scope["headers"]]
        headers = dict(fields)
        repeated = request_fields.repeated(fields) if len(headers) < len(fields) else None
        if scope["method"] == HttpMethod.OPTIONS and b"access-control-request-method" in headers:
            permission = self._origins.preflight_headers(fields)
            if permission and not repeated and not calls.is_refused:
                return _permit(AddHeaders(self._edge, send, calls), permission)
        elif b"origin" in headers:
            send = AddCorsHeaders(send, self._origins.response_headers(headers[b"origin"]))
        if b"origin" in headers and _is_of_another_origin(headers) and not self._origins.allows(headers[b"origin"]):
            self._origin_log.refused(headers[b"origin"], client)
        if calls.is_refused:
            return self._refuse(send, client, calls)
        if repeated:
            return _refuse_repeated(AddHeaders(self._edge, send, calls), repeated)
        pass_on = self._post if scope["method"] == HttpMethod.POST else self._pass_on
        return pass_on(scope, receive, send, client, calls)

    def _post(self, scope: HTTPScope, receive: Receive, send: Send, client: Client, calls: Count) -> Awaitable[None]:
        """Let a call through that may make a mailbox or a ticket."""
        make = {_CREATION: self._create, _TICKETS: self._make_ticket}.get(normalize_path(scope["path"]))
        if not make:
            return self._pass_on(scope, receive, send, client, calls)
        headers = dict(scope["headers"])
        if self._is_of_a_strangers_page(headers):
            return problems.send_problem(
                AddHeaders(self._edge, send, calls), problems.problem(ProblemType.ORIGIN_REFUSED, field="Origin")
            )
        return make(scope, receive, send, client, calls)

    def _take(self, limit: Limit, client: Client) -> Count:
        """Count one for the client, unless it is exempt."""
        now = time.monotonic_ns()
        return unlimited(limit, now) if client.is_exempt else self._windows.take(limit, client.network, now)

    def _pass_on(self, scope: HTTPScope, receive: Receive, send: Send, client: Client, calls: Count) -> Awaitable[None]:
        """Let any other call through, with or without a token."""
        headers = dict(scope["headers"])
        if _has_token(headers, scope["query_string"]):
            return self._try_token(scope, receive, send, client, calls)
        return self._application(scope, receive, AddHeaders(self._edge, send, calls))

    async def _create(self, scope: HTTPScope, receive: Receive, send: Send, client: Client, calls: Count) -> None:
        """Let a mailbox be created; the creation is not counted when none is."""
        taken = self._take(self._creations, client)
        if taken.is_refused:
            await self._refuse(send, client, taken)
            return
        is_settled = False

        def settle(status: int) -> Count:
            nonlocal is_settled
            is_settled = True
            if status in _COUNTED_STATUSES:
                return _nearest(taken, calls)
            return _nearest(self._windows.give_back(taken, client.network), calls)

        try:
            await self._application(scope, receive, AddHeaders(self._edge, send, taken, settle))
        finally:
            if not is_settled:
                self._windows.give_back(taken, client.network)

    def _make_ticket(
        self, scope: HTTPScope, receive: Receive, send: Send, client: Client, calls: Count
    ) -> Awaitable[None]:
        """Let a ticket be made, and count it, and each wrong token in it."""
        tokens = self._windows.peek(self._failed_tokens, client.network, time.monotonic_ns())
        counted = tokens if tokens.is_refused else self._take(self._tickets, client)
        if counted.is_refused:
            return self._refuse(send, client, counted)

        def settle(_status: int) -> Count:
            nearest = _nearest(counted, calls)
            for _ in range(scope["state"].get(FAILED_TOKENS, 0)):
                failed = self._windows.take(self._failed_tokens, client.network, time.monotonic_ns())
                nearest = failed if failed.is_refused else _nearest(failed, nearest)
            return nearest

        refuse = partial(self._refuse, send, client)
        return self._application(scope, receive, AddHeaders(self._edge, send, counted, settle, refuse))

    def _is_of_a_strangers_page(self, headers: Mapping[bytes, bytes]) -> bool:
        """True when a web page of an origin that is not allowed makes the call, and not a page of this very site.

        A POST of text needs no preflight, so any web page could use up what its visitors may create. A call to the
        page's own host, which may pass it on to the API, is not cross-site.
        """
        origin = headers.get(b"origin")
        is_cross_site = headers.get(b"sec-fetch-site") == b"cross-site"
        return origin is not None and is_cross_site and not self._origins.allows(origin)

    def _try_token(
        self, scope: HTTPScope, receive: Receive, send: Send, client: Client, calls: Count
    ) -> Awaitable[None]:
        """Let a token be tried, and count a failure, also where no mailbox exists: the count must not reveal that."""
        tokens = self._windows.peek(self._failed_tokens, client.network, time.monotonic_ns())
        if tokens.is_refused:
            return self._refuse(send, client, tokens)

        def settle(status: int) -> Count:
            if status != HTTPStatus.NOT_FOUND or NOTHING_FOUND not in scope["state"]:
                return _nearest(tokens, calls)
            # Other tokens may have failed meanwhile; past the limit this call is refused after all.
            failed = self._take(self._failed_tokens, client)
            return failed if failed.is_refused else _nearest(failed, calls)

        refuse = partial(self._refuse, send, client)
        return self._application(scope, receive, AddHeaders(self._edge, send, tokens, settle, refuse))

    async def _refuse(self, send: Send, client: Client, count: Count) -> None:
        self._edge.refused[count.limit.name] += 1
        name, number, seconds = count.limit.name, count.limit.number, count.seconds
        if count.is_first_refusal:
            log.warning("limit_reached", limit=name, client=client.address)
        problem = problems.problem(ProblemType.RATE_LIMITED, number=number, things=LIMITED[name], seconds=seconds)
        await problems.send_problem(AddHeaders(self._edge, send, count), problem, (b"retry-after", b"%d" % seconds))


def _nearest(particular: Count, general: Count) -> Count:
    """The count that is nearer to its limit."""
    return general if general.remaining < particular.remaining else particular


def _is_of_another_origin(headers: Mapping[bytes, bytes]) -> bool:
    """True when a browser says that the page is not of the API's own origin, as a page behind a rewrite is."""
    is_preflight = b"access-control-request-method" in headers
    return is_preflight or headers.get(b"sec-fetch-site") in {b"cross-site", b"same-site"}


def _has_token(headers: Mapping[bytes, bytes], query: bytes) -> bool:
    return headers.get(b"authorization", b"")[:7].lower() == b"bearer " or bool(_SECRET_IN_QUERY.search(query))


async def _refuse_repeated(send: Send, name: str) -> None:
    sentence = f"{name}: sent twice; send this field once."
    await problems.send_problem(send, problems.problem(ProblemType.BAD_INPUT, field=name, sentence=sentence))


async def _permit(send: Send, permission: Headers) -> None:
    await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": permission})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
