"""POST /api/temporary-address: a new mailbox, with an address that nobody can guess."""

import base64
import hashlib
import secrets
import unicodedata
from typing import Annotated

import msgspec
from litestar import post
from litestar.openapi.spec import Example
from litestar.params import Body

from fake_email import mailbox_address
from fake_email.errors import AddressTaken, DatabaseFull
from fake_email.settings import MAX_TTL_SECONDS, MIN_TTL_SECONDS
from fake_email.storage import mailboxes
from http_api.calls.context import Context
from http_api.openapi.responses import error_responses, json_response
from http_api.protocol.error_handlers import UNREADABLE_BODY
from http_api.protocol.errors import AddressReserved, BadInput
from http_api.protocol.json_body import decode_strictly
from http_api.protocol.parameters import rfc3339
from http_api.protocol.problems import ProblemType, problem
from http_api.protocol.request import AnyRequest

_NAME_CHARACTERS = 20
# 8 characters of base 32 are 40 bits: with a million mailboxes, one guess in a million finds one.
_TAIL_OCTETS = 5
_TOKEN_OCTETS = 24
_TRIES = 3


class NewAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a new mailbox; every field may be left out.

    `private`: the mailbox can be read with its token only. `exact`: the name is `username` as it is, without a random
    tail, for a private mailbox only. An exact name is given out once and never again, any other name not for 90 days.
    `authentication`: false to leave the senders of its messages unchecked.
    """

    username: str | None = None
    domain: str | None = None
    private: bool | msgspec.UnsetType = msgspec.UNSET
    exact: bool = False
    ttl_seconds: Annotated[int, msgspec.Meta(ge=MIN_TTL_SECONDS, le=MAX_TTL_SECONDS)] | None = None
    authentication: bool = True


class TemporaryAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The new mailbox; a private one has a `token`, which is never shown again."""

    temp_email_addr: str
    expires_at: str
    token: str | None = None


_ASKED = [
    Example(id="any", value={}),
    Example(id="named", value={"username": "ann", "ttl_seconds": 3600}),
    Example(id="exact", value={"username": "ann.b", "private": True, "exact": True}),
]
_EXAMPLE = TemporaryAddress(
    temp_email_addr="annq7mfk2xd@mail.example.org",
    expires_at="2026-02-01T12:00:00.000000Z",
    token="kD3vB0pQ9yWm2fJx7sLz1aRt5uHc8nEo",  # noqa: S106  # an example
)


@post(
    "/api/temporary-address",
    operation_id="createMailbox",
    tags=["mailboxes"],
    summary="Create a mailbox",
    status_code=200,
    responses=json_response(_EXAMPLE)
    | error_responses(
        *(BadInput, AddressReserved, AddressTaken, DatabaseFull),
        has_body=True,
        more=(problem(ProblemType.ORIGIN_REFUSED, field="Origin"),),
    ),
    exception_handlers=UNREADABLE_BODY,
    security=[{}],
)
async def create_temporary_address(
    context: Context,
    request: AnyRequest,
    data: Annotated[
        NewAddress | None, Body(description="The options of the mailbox; the body may be left out.", examples=_ASKED)
    ] = None,
) -> TemporaryAddress:
    """Create a mailbox."""
    wanted = decode_strictly(await request.json(), NewAddress) if data else NewAddress()
    domain = _domain(wanted.domain, context.settings.domain)
    is_private = context.settings.inbox_access == "private" if wanted.private is msgspec.UNSET else wanted.private
    if wanted.exact and not is_private:
        raise BadInput("exact", "exact: only for a private mailbox; add private, or leave out exact.")
    exact = _exact(wanted.username) if wanted.exact else ""
    token = secrets.token_urlsafe(_TOKEN_OCTETS) if is_private else None
    ttl_seconds = context.settings.mailbox_ttl_seconds if wanted.ttl_seconds is None else wanted.ttl_seconds
    for _ in range(1 if exact else _TRIES):
        address = f"{exact or _local_part(wanted.username)}@{domain}"
        try:
            expires_at = await context.database.write(
                lambda connection: mailboxes.create(
                    connection,
                    address=address,  # noqa: B023  # write is awaited before the next iteration
                    ttl_seconds=ttl_seconds,
                    token_sha256=hashlib.sha256(token.encode()).digest() if token else None,
                    is_exact=bool(exact),
                    authentication=wanted.authentication,
                )
            )
        except AddressTaken:
            continue
        return TemporaryAddress(temp_email_addr=address, expires_at=rfc3339(expires_at), token=token)
    raise AddressTaken


def _exact(username: str | None) -> str:
    if username is None or not mailbox_address.is_exact_name(username):
        raise BadInput(
            "username",
            "username: an exact name is 3 to 64 of a-z, 0-9, '.', '_' and '-'; no dot is first, last or next to a dot.",
        )
    if mailbox_address.is_reserved(username):
        raise AddressReserved
    return username


def _domain(wanted: str | None, domains: tuple[str, ...]) -> str:
    if wanted is None:
        return domains[0]
    domain = mailbox_address.a_labels(wanted)
    if domain not in domains:
        raise BadInput("domain", f"domain: {wanted[:100]!r} is none of the domains here: {', '.join(domains)}.")
    return domain


def _local_part(username: str | None) -> str:
    """Up to 20 letters and digits of `username`, and a random tail."""
    plain = unicodedata.normalize("NFKD", username or "").encode("ascii", "ignore").decode().lower()
    name = "".join(character for character in plain if character.isalnum())[:_NAME_CHARACTERS]
    tail = base64.b32encode(secrets.token_bytes(_TAIL_OCTETS if name else 2 * _TAIL_OCTETS)).decode().lower()
    return name + tail
