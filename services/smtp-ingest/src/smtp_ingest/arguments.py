"""The arguments of MAIL, RCPT and BDAT (RFC 5321 §4.1.2, RFC 3030). Pure."""

import re
from collections.abc import Mapping

import msgspec

from fake_email import mailbox_address as mailbox_addresses
from smtp_ingest import replies


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """A path as given, without brackets and source route; `local_part` is unquoted, `domain` is in lower case.

    All three are empty in the null reverse-path.
    """

    given: str
    local_part: str
    domain: str


class PathArgument(msgspec.Struct, frozen=True, kw_only=True):
    """The argument of MAIL FROM: or RCPT TO:, with the parameters by their keywords in upper case.

    The value of a parameter without one is None. `parameters` is None when the parameters are malformed.
    """

    path: Path
    parameters: dict[str, str | None] | None


class MailParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of MAIL that matter here; `octets` is 0 when the client gives no SIZE."""

    octets: int
    is_utf8: bool


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """The argument of BDAT."""

    octets: int
    is_last: bool


# RFC 5321 allows no space after the colon, but some clients send one.
_PATH = re.compile(
    r"[ ]*<(?:@[^:<>]*:)?"
    r"(?P<given>(?P<local>[^\s\x00-\x1f\x7f\"<>@]+|\"(?:[^\"\\\x00-\x1f\x7f]|\\[ -~])*\")"
    r"(?:@(?P<domain>[^\s\x00-\x1f\x7f\"<>@]+))?)"
    r">(?P<parameters>(?:[ ].*)?)",
)
_NULL_PATH = re.compile(r"[ ]*<>(?P<parameters>(?:[ ].*)?)")
_PARAMETER = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[^\s=]+))?")
_QUOTED_PAIR = re.compile(r"\\(.)")
_MAX_PATH_OCTETS = 256
_SIZE = re.compile(r"[0-9]{1,4000}")  # A size of more than the 20 digits of RFC 1870 is too large, not malformed.
_CHUNK = re.compile(r"(?P<octets>[0-9]{1,20})(?P<last>[ ]+LAST)?", re.IGNORECASE)


def parse_path(text: str) -> PathArgument | None:
    """The argument of MAIL or RCPT, from `text` after the colon; None when `text` is malformed."""
    matched = _PATH.fullmatch(text)
    if matched:
        given, local_part, domain = matched["given"], matched["local"], matched["domain"] or ""
        if len(given.encode(errors="surrogateescape")) > _MAX_PATH_OCTETS:  # RFC 5321 §4.5.3.1.3
            return None
        if local_part.startswith('"'):
            local_part = _QUOTED_PAIR.sub(r"\1", local_part[1:-1])
        path = Path(given=given, local_part=local_part, domain=domain.lower())
    else:
        matched = _NULL_PATH.fullmatch(text)
        if not matched:
            return None
        path = Path(given="", local_part="", domain="")
    return PathArgument(path=path, parameters=_split_parameters(matched["parameters"]))


def _split_parameters(text: str) -> dict[str, str | None] | None:
    parameters: dict[str, str | None] = {}
    for word in text.split():
        matched = _PARAMETER.fullmatch(word)
        if not matched or matched["keyword"].upper() in parameters:
            return None
        parameters[matched["keyword"].upper()] = matched["value"]
    return parameters


def mailbox_address(path: Path, default_domain: str) -> str:
    """The address of the mailbox of a forward-path, in its canonical form.

    `postmaster` needs no domain (RFC 5321 §4.5.1). Any other path without a domain belongs to no mailbox.
    """
    is_postmaster = path.local_part.lower().partition("+")[0] == "postmaster"
    domain = path.domain or (default_domain if is_postmaster else "")
    return mailbox_addresses.canonical(path.local_part, domain)


def check_mail_parameters(parameters: Mapping[str, str | None] | None) -> MailParameters | str:
    """The parameters of MAIL (RFC 1870, RFC 4954, RFC 6152, RFC 6531), or the reply to the first invalid one."""
    if parameters is None:
        return replies.BAD_PARAMETER
    octets = 0
    for keyword, value in parameters.items():
        match keyword:
            case "SIZE":
                if value is None or not _SIZE.fullmatch(value):
                    return replies.BAD_PARAMETER
                octets = int(value)
            case "BODY":
                if value is None or value.upper() not in {"7BIT", "8BITMIME"}:
                    return replies.BAD_PARAMETER
            case "SMTPUTF8":
                if value is not None:
                    return replies.BAD_PARAMETER
            case "AUTH" if value is not None:
                pass  # A server without AUTH may ignore the value (RFC 4954 §5).
            case _:
                return replies.UNKNOWN_PARAMETER
    return MailParameters(octets=octets, is_utf8="SMTPUTF8" in parameters)


def parse_chunk(text: str) -> Chunk | None:
    """The argument of BDAT; None when `text` is malformed."""
    matched = _CHUNK.fullmatch(text)
    return Chunk(octets=int(matched["octets"]), is_last=matched["last"] is not None) if matched else None
