"""POST /api/temporary-address: a new mailbox, whose address nobody can guess."""

import base64
import hashlib
import secrets
import unicodedata
from typing import Annotated

import msgspec
from litestar import post
from litestar.params import Body

from fake_email import mailboxes
from fake_email.errors import AddressTaken
from fake_email.settings import MAX_TTL_SECONDS, MIN_TTL_SECONDS
from http_api.api import Api
from http_api.parameters import rfc3339
from http_api.problems import AnyRequest, BadInput, described, on_unreadable_body

_NAME_CHARACTERS = 20
# 8 characters of base 32 are 40 bits: among a million mailboxes a guess hits once in a million.
_TAIL_OCTETS = 5
_TOKEN_OCTETS = 24
_TRIES = 3


class NewAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of mailbox is wanted; everything may be left out."""

    username: str | None = None
    domain: str | None = None
    private: bool = False
    ttl_seconds: Annotated[int, msgspec.Meta(ge=MIN_TTL_SECONDS, le=MAX_TTL_SECONDS)] | None = None


class TemporaryAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new mailbox; `token` is there for a private one, and never shown again."""

    temp_email_addr: str
    expires_at: str
    token: str | None = None


@post(
    "/api/temporary-address",
    status_code=200,
    responses=described(400, 409, 413, 503),
    # msgspec's, which Litestar lets through: of octets that are no UTF-8, and of brackets nested too deep.
    exception_handlers={UnicodeDecodeError: on_unreadable_body, RecursionError: on_unreadable_body},
)
async def create_temporary_address(
    api: Api, request: AnyRequest, data: Annotated[NewAddress | None, Body(description="May be left out.")] = None
) -> TemporaryAddress:
    """Make a mailbox."""
    wanted = _strictly(await request.json()) if data else NewAddress()
    domain = _domain(wanted.domain, api.settings.domain)
    token = secrets.token_urlsafe(_TOKEN_OCTETS) if wanted.private else None
    ttl_seconds = api.settings.mailbox_ttl_seconds if wanted.ttl_seconds is None else wanted.ttl_seconds
    for _ in range(_TRIES):
        address = f"{_local_part(wanted.username)}@{domain}"
        try:
            expires_at = await api.database.run(
                lambda connection: mailboxes.create(
                    connection,
                    address=address,  # noqa: B023  # run is awaited before the next turn
                    ttl_seconds=ttl_seconds,
                    token_sha256=hashlib.sha256(token.encode()).digest() if token else None,
                )
            )
        except AddressTaken:
            continue
        return TemporaryAddress(temp_email_addr=address, expires_at=rfc3339(expires_at), token=token)
    raise AddressTaken(str(AddressTaken.__doc__))


def _strictly(body: object) -> NewAddress:
    """The same once more: Litestar takes "60" for 60, and 1 for true."""
    try:
        return msgspec.convert(body, NewAddress)
    except msgspec.ValidationError as error:
        complaint, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`") or "body"
        raise BadInput(field, f"{field}: {complaint.replace('`', '')}.") from None


def _domain(wanted: str | None, domains: tuple[str, ...]) -> str:
    if wanted is None:
        return domains[0]
    if wanted.lower() not in domains:
        raise BadInput("domain", f"domain: mail is taken for {', '.join(domains)}, not for {wanted[:100]!r}.")
    return wanted.lower()


def _local_part(username: str | None) -> str:
    """Up to 20 letters or digits of `username`, and a random tail."""
    plain = unicodedata.normalize("NFKD", username or "").encode("ascii", "ignore").decode().lower()
    name = "".join(character for character in plain if character.isalnum())[:_NAME_CHARACTERS]
    tail = base64.b32encode(secrets.token_bytes(_TAIL_OCTETS if name else 2 * _TAIL_OCTETS)).decode().lower()
    return name + tail
