"""The checks run side by side: none holds up or hides another."""

import asyncio

from fake_email.doctor import examination
from fake_email.doctor.finding import Finding, passed
from fake_email.doctor.http_call import Site
from fake_email.doctor.target import Target

SITE = Site(url="http://127.0.0.1:1")
TARGET = Target(domains=("mx.test",), mail_host="mail.mx.test", api=SITE, http=SITE, smtp=("127.0.0.1", 1))


async def good(_: Target) -> list[Finding]:
    return [passed("thing", "there")]


async def nothing(_: Target) -> list[Finding]:
    return []


async def endless(_: Target) -> list[Finding]:
    await asyncio.Event().wait()
    return []


async def broken(_: Target) -> list[Finding]:
    raise LookupError("a bug")


async def test_a_check_that_hangs_and_one_that_breaks_are_findings_beside_the_others() -> None:
    results = await examination.examine(
        TARGET, ["settings", "dns", "lists"], {"settings": endless, "dns": broken, "lists": good}, seconds=0.01
    )

    assert [(each.group, each.findings[0].id) for each in results] == [
        ("settings", "check_too_slow"),
        ("dns", "check_failed"),
        ("lists", "passed"),
    ]
    assert results[1].findings[0].what == "LookupError: a bug"


async def test_a_group_that_does_not_apply_and_one_that_nobody_asked_for_are_left_out() -> None:
    results = await examination.examine(
        TARGET, ["settings", "lists"], {"settings": nothing, "dns": good, "lists": good}
    )

    assert [each.group for each in results] == ["lists"]
