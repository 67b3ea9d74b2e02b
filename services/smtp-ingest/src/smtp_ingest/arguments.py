"""The arguments of MAIL and RCPT (RFC 5321 §4.1.2): a path in angle brackets, then parameters. Pure."""

import re

import msgspec


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """A path as given, without brackets and source route; `local_part` is unquoted, `domain` in lower case.

    The null reverse-path has all three empty.
    """

    given: str
    local_part: str
    domain: str


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """What followed the colon; parameters by their keyword in upper case, None where no value was given.

    `parameters` is None when they cannot be read.
    """

    path: Path
    parameters: dict[str, str | None] | None


# RFC 5321 allows no blank after the colon; senders put one there all the same.
_COMMON = re.compile(
    r"[ ]*<(?:@[^:<>]*:)?"
    r"(?P<given>(?P<local>[^\s\x00-\x1f\x7f\"<>@]+|\"(?:[^\"\\\x00-\x1f\x7f]|\\[ -~])*\")"
    r"(?:@(?P<domain>[^\s\x00-\x1f\x7f\"<>@]+))?)"
    r">(?P<parameters>(?:[ ].*)?)",
)
_NULL = re.compile(r"[ ]*<>(?P<parameters>(?:[ ].*)?)")
_PARAMETER = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[^\s=]+))?")
_QUOTED_PAIR = re.compile(r"\\(.)")
_MAX_OCTETS = 256


def parse(text: str) -> Argument | None:
    """The argument of MAIL FROM: or RCPT TO:, from after the colon; None when it is not one."""
    matched = _COMMON.fullmatch(text)
    if matched:
        given, local_part, domain = matched["given"], matched["local"], matched["domain"] or ""
        if len(given.encode(errors="surrogateescape")) > _MAX_OCTETS:  # RFC 5321 §4.5.3.1.3
            return None
        if local_part.startswith('"'):
            local_part = _QUOTED_PAIR.sub(r"\1", local_part[1:-1])
        path = Path(given=given, local_part=local_part, domain=domain.lower())
    else:
        matched = _NULL.fullmatch(text)
        if not matched:
            return None
        path = Path(given="", local_part="", domain="")
    return Argument(path=path, parameters=_parameters(matched["parameters"]))


def mailbox_address(path: Path, default_domain: str) -> str:
    """The address of the mailbox that a forward-path reaches: case does not matter, `local+tag@` is `local@`.

    `postmaster` needs no domain (RFC 5321 §4.5.1); what else has none is nobody's.
    """
    local_part = path.local_part.lower().partition("+")[0]
    domain = path.domain or (default_domain if local_part == "postmaster" else "")
    return f"{local_part}@{domain}"


def _parameters(text: str) -> dict[str, str | None] | None:
    parameters: dict[str, str | None] = {}
    for word in text.split():
        matched = _PARAMETER.fullmatch(word)
        if not matched or matched["keyword"].upper() in parameters:
            return None
        parameters[matched["keyword"].upper()] = matched["value"]
    return parameters
