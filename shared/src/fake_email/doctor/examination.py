"""Runs the checks of an installation, all at once, each with a time limit."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeAlias

import msgspec

from fake_email.doctor import (
    database,
    disposable,
    dns_records,
    host_check,
    http_check,
    mail_through,
    settings_check,
    smtp_check,
    web_check,
)
from fake_email.doctor.finding import Finding, Group, Problem
from fake_email.doctor.target import Target

Check: TypeAlias = Callable[[Target], Awaitable[list[Finding]]]

CHECKS: Mapping[Group, Check] = {
    "settings": settings_check.check,
    "database": database.check,
    "host": host_check.check,
    "http": http_check.check,
    "smtp": smtp_check.check,
    "web": web_check.check,
    "dns": dns_records.check,
    "lists": disposable.check,
    "mail": mail_through.check,
}
_SECONDS = 30.0

TOO_SLOW = Problem(
    id="check_too_slow",
    severity="error",
    why="Something that this check waits for does not answer, and its time-outs do not help.",
    mend="run `fake-email doctor --only {group}` again",
)
FAILED = Problem(
    id="check_failed",
    severity="error",
    why="The check itself has a fault, so nothing is known here.",
    mend="report the text above as a bug of fake-email",
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of one group."""

    group: str
    findings: list[Finding]


async def examine(
    target: Target, only: Collection[str], checks: Mapping[Group, Check] = CHECKS, *, seconds: float = _SECONDS
) -> list[Result]:
    """The results of the groups in `only`, in the order of `checks`, without those that do not apply here."""
    groups = [group for group in checks if group in only]
    found = await asyncio.gather(*(_run(group, checks[group], target, seconds) for group in groups))
    return [Result(group=group, findings=findings) for group, findings in zip(groups, found, strict=True) if findings]


async def _run(group: Group, check: Check, target: Target, seconds: float) -> list[Finding]:
    try:
        async with asyncio.timeout(seconds):
            return await check(target)
    except TimeoutError:
        return [TOO_SLOW.found(group, f"no result within {seconds:.0f} s", group=group)]
    except Exception as error:  # noqa: BLE001  # a fault in one check must not hide what the others found
        return [FAILED.found(group, f"{type(error).__name__}: {error}")]
