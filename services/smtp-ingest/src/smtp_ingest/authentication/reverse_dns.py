"""Forward-confirmed reverse DNS of the client (RFC 8601 §3): whether its name has its address. Pure."""

import ipaddress

from fake_email import client_network
from fake_email.authentication import MethodResult
from smtp_ingest.authentication.questions import (
    Answer,
    Answers,
    Question,
    RecordType,
    is_askable,
    printable,
    question,
    shown,
)

_MAX_NAMES = 3
_IPV4 = 4
_UNKNOWN = Answer(failure="unknown")


def pointer(client_address: str) -> Question | None:
    """The question about the names of the client; None without an address."""
    address = client_network.parse_address(client_address)
    return question(client_network.unmap(address).reverse_pointer, "PTR") if address else None


def addresses(answers: Answers, client_address: str) -> list[Question]:
    """The questions about the addresses of these names."""
    address = client_network.parse_address(client_address)
    if address is None:
        return []
    record_type: RecordType = "A" if client_network.unmap(address).version == _IPV4 else "AAAA"
    return [question(each, record_type) for each in _names(answers, client_address) if is_askable(each.lower())]


def check(answers: Answers, client_address: str) -> MethodResult:
    """The result, from the answers to both."""
    asked = pointer(client_address)
    if asked is None:
        return MethodResult(result="none", reason="the client has no address")
    forward = addresses(answers, client_address)
    records = shown(answers, [asked, *forward])
    if failure := answers.get(asked, _UNKNOWN).failure:
        return MethodResult(result="temperror", reason=printable(f"{asked.name}: {failure}")[:300], records=records)
    if not forward:
        return MethodResult(result="permerror", reason=f"{client_address} has no name", records=records)
    for each in forward:
        if any(_is_same(value, client_address) for value in answers.get(each, _UNKNOWN).values):
            name = printable(each.name)
            return MethodResult(result="pass", reason=f"{client_address} is {name}", domain=name, records=records)
    name = printable(forward[0].name)
    if failures := [failure for each in forward if (failure := answers.get(each, _UNKNOWN).failure)]:
        return MethodResult(
            result="temperror", reason=printable(f"{name}: {failures[0]}")[:300], domain=name, records=records
        )
    reason = f"{client_address} is called {name}, which has other addresses"
    return MethodResult(result="fail", reason=reason, domain=name, records=records)


def _names(answers: Answers, client_address: str) -> tuple[str, ...]:
    asked = pointer(client_address)
    return answers.get(asked, _UNKNOWN).values[:_MAX_NAMES] if asked else ()


def _is_same(value: str, client_address: str) -> bool:
    address = client_network.parse_address(client_address)
    return address is not None and client_network.unmap(address) == ipaddress.ip_address(value)
