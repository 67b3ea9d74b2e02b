"""The check of one message: look up what its methods need, then compute each result."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ParamSpec, TypeVar

import msgspec

from fake_email import mailbox_address
from fake_email.authentication import Authentication, MethodResult, Verdict
from fake_email.mime import headers as mime_headers
from smtp_ingest.authentication import (
    arc_check,
    dkim_check,
    dmarc_check,
    header_lint,
    results_field,
    reverse_dns,
    signatures,
    spf_check,
    tree_walk,
    unsubscribe,
)
from smtp_ingest.authentication.job import Job
from smtp_ingest.authentication.lookups import MAX_LOOKUPS, LooksUp, Lookups

_Parameters = ParamSpec("_Parameters")
_Value = TypeVar("_Value")

# The verdict is stored beside the message, and strangers have chosen the records and the names in it.
MAX_VERDICT_OCTETS = 32_768
# Above this size, hashing takes longer than handing the content to a thread.
_INLINE_OCTETS = 32_768
_UTF8 = "UTF8SMTP"


async def check(job: Job, resolver: LooksUp, own_names: Sequence[str]) -> Verdict | None:
    """The verdict, or None when the resolver does not answer.

    The first of `own_names` is the one that our field Authentication-Results has.
    """
    lookups = Lookups(resolver)
    header = signatures.read_header(job.content)
    domains = from_domains(job.content)
    pointer = reverse_dns.pointer(job.client_address)
    await lookups.ask(
        [
            *dkim_check.questions(header),
            *(tree_walk.questions(domains[0]) if len(domains) == 1 else ()),
            *([pointer] if pointer else ()),
            *arc_check.questions(header),
        ]
    )
    if lookups.are_silent and not await resolver.is_there():
        return None
    await lookups.ask(reverse_dns.addresses(lookups.answers, job.client_address))
    spf = await _spf(lookups, job)
    compute = _in_thread if len(job.content) > _INLINE_OCTETS else _here
    dkim = await compute(dkim_check.check, lookups.answers, header, job.content)
    arc = await compute(arc_check.check, lookups.answers, header, job.content)
    if len(domains) == 1:
        for _ in range(2):  # the second question is about domains that the first answers name
            await lookups.ask(dmarc_check.questions(lookups.answers, domains[0], spf, dkim))
    authentication = Authentication(
        status="checked",
        spf=spf,
        dkim=dkim,
        arc=arc,
        dmarc=dmarc_check.check(lookups.answers, domains, spf, dkim),
        tls=_tls(job.tls),
        reverse_dns=reverse_dns.check(lookups.answers, job.client_address),
        unsubscribe=unsubscribe.check(header.fields, dkim),
        header=await compute(
            lambda: header_lint.find(job.content, is_utf8=job.protocol.startswith(_UTF8), own_names=own_names)
        ),
    )
    field = results_field.value(
        authentication, own_name=own_names[0], client_address=job.client_address, is_bounce=not job.reverse_path
    )
    return bounded(Verdict(authentication=authentication, results_field=field))


def from_domains(content: bytes) -> list[str]:
    """The domains of the addresses in From, each once."""
    section = signatures.header_section(content)
    fields, _ = mime_headers.read(section, 0, len(section))
    senders = mime_headers.addresses(fields.get(b"from", b""))
    return [*dict.fromkeys(mailbox_address.a_labels(each.address.rpartition("@")[2]).rstrip(".") for each in senders)]


def bounded(verdict: Verdict) -> Verdict:
    """The verdict, without its records if these make it too large."""
    if len(msgspec.json.encode(verdict)) <= MAX_VERDICT_OCTETS:
        return verdict
    found = verdict.authentication
    results = {
        name: msgspec.structs.replace(each, records=())
        for name in ("spf", "arc", "dmarc", "tls", "reverse_dns", "unsubscribe")
        if isinstance(each := getattr(found, name), MethodResult)
    }
    dkim = tuple(msgspec.structs.replace(each, records=()) for each in found.dkim)
    return msgspec.structs.replace(verdict, authentication=msgspec.structs.replace(found, dkim=dkim, **results))


async def _spf(lookups: Lookups, job: Job) -> MethodResult:
    for _ in range(MAX_LOOKUPS + 1):
        found = spf_check.evaluate(
            lookups.answers, client_address=job.client_address, host_name=job.host_name, reverse_path=job.reverse_path
        )
        if isinstance(found, MethodResult):
            return found
        await lookups.ask([found])
    return MethodResult(result="permerror", reason="the record needs too many look-ups")


def _tls(tls: str) -> MethodResult:
    return (
        MethodResult(result="pass", reason=tls)
        if tls
        else MethodResult(result="none", reason="the client did not use STARTTLS")
    )


async def _here(
    function: Callable[_Parameters, _Value], *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> _Value:
    return function(*args, **kwargs)


def _in_thread(
    function: Callable[_Parameters, _Value], *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> Awaitable[_Value]:
    return asyncio.to_thread(function, *args, **kwargs)
