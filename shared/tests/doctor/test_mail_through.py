"""A message sent through real services, and servers of the test that lose it at one of the steps."""

import json

import pytest
from support.harness import Pair
from support.stand_ins import http_server, smtp_server

from fake_email.doctor import mail_through
from fake_email.doctor.finding import Finding
from fake_email.doctor.http_call import Site
from fake_email.doctor.target import Target

MADE = json.dumps({"temp_email_addr": "a@mx.test", "token": "t"})
WELL = {
    "POST /api/temporary-address": (200, MADE),
    "GET /api/inbox/stream?address=a%40mx.test": (200, ": nothing yet\n\n"),
    "DELETE /api/inbox?address=a%40mx.test": (204, ""),
}
TAKES = {
    "": "220 hello",
    "EHLO": "250 mx.test",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go",
    ".": "250 ok",
    "QUIT": "221 bye",
}


async def sent(http_port: int, smtp_port: int) -> list[Finding]:
    site = Site(url=f"http://127.0.0.1:{http_port}")
    return await mail_through.check(
        Target(domains=("mx.test",), mail_host="mail.mx.test", api=site, http=site, smtp=("127.0.0.1", smtp_port))
    )


async def test_a_message_goes_through_the_services_and_its_mailbox_is_deleted(pair: Pair) -> None:
    [finding] = await sent(int(pair.environ["HTTP_PORT"]), pair.smtp_port)

    assert finding.id == "passed"
    assert finding.what.startswith("accepted by SMTP and seen on the stream, in ")


@pytest.mark.parametrize(
    ("responses", "replies", "expected"),
    [
        ({"POST /api/temporary-address": (503, "")}, TAKES, ["mail_no_mailbox"]),
        ({"POST /api/temporary-address": (200, "<html>")}, TAKES, ["mail_no_mailbox"]),
        ({}, TAKES | {"RCPT": "550 5.1.1 no"}, ["mail_refused"]),
        ({}, TAKES | {"": "554 5.3.2 no"}, ["mail_refused"]),
        ({}, TAKES, ["mail_not_seen"]),
        ({"GET /api/inbox/stream?address=a%40mx.test": (404, "")}, TAKES, ["mail_not_seen"]),
        ({"DELETE /api/inbox?address=a%40mx.test": (500, "")}, TAKES, ["mail_not_seen", "mailbox_not_deleted"]),
    ],
)
async def test_the_step_that_fails_is_named(
    responses: dict[str, tuple[int, str]], replies: dict[str, str], expected: list[str]
) -> None:
    with http_server(WELL | responses) as http, smtp_server(replies) as smtp:
        findings = await sent(http, smtp)

    assert [finding.id for finding in findings] == expected
