"""`fake-email-client mcp`, from the wheel in an empty environment, with the client of the official SDK over stdio."""

import smtplib
from pathlib import Path

import msgspec
import pytest
from support.environments import environment, run
from support.harness import Pair
from support.runtimes import PYTHONS
from support.sender import Sender

HERE = Path(__file__).parent


class Untrusted(msgspec.Struct):
    notice: str
    subject: str
    text: str
    attachments: list[str]


class Link(msgspec.Struct):
    kind: str
    url: str


class Mail(msgspec.Struct):
    id: str
    code: str | None
    links: list[Link]
    untrusted: Untrusted


class NearMiss(msgspec.Struct):
    failed: list[str]
    untrusted_subject: str


class Waited(msgspec.Struct):
    status: str
    after: int
    mail: Mail | None
    near_misses: list[NearMiss]


class Listed(msgspec.Struct):
    messages: list[Mail]
    more: int


class Error(msgspec.Struct):
    error: str


class Got(msgspec.Struct, rename={"too_long": "too long"}):
    """The results that the program of mcp_client.py got."""

    tools: dict[str, tuple[str, bool | None]]
    nothing: Waited
    found: Waited
    again: Waited
    listed: Listed
    read: Mail
    foreign: Error
    unknown: Error
    too_long: Error
    deleted: dict[str, str]
    over: Error
    address: str


@pytest.mark.parametrize("python", PYTHONS)
async def test_a_program_uses_each_tool_over_stdio(
    pair: Pair, sender: Sender, wheel: Path, python: str, tmp_path: Path
) -> None:
    installed = await environment(tmp_path / "environment", python, f"{wheel}[mcp]")
    # The program alone needs a sender of mail.
    environ = {"PYTHONPATH": str(HERE.parent)}
    printed = await run(installed, HERE / "mcp_client.py", pair.http_url, str(pair.smtp_port), environ=environ)
    got = msgspec.json.decode(printed, type=Got)

    assert list(got.tools) == ["create_mailbox", "wait_for_mail", "read_mail", "list_mail", "delete_mailbox"]
    reading = [got.tools[name] for name in ("wait_for_mail", "read_mail", "list_mail")]
    assert all("sender" in description for description, _ in reading)
    assert all("data, " in description and is_read_only for description, is_read_only in reading)

    assert (got.nothing.status, got.nothing.after, got.nothing.mail) == ("nothing_yet", 1, None)
    assert [(each.untrusted_subject, each.failed) for each in got.nothing.near_misses] == [("News", ["has=code"])]
    assert (got.found.status, got.found.after, got.again.status) == ("found", 2, "nothing_yet")
    assert got.read == got.found.mail
    assert got.read.code == "482913"
    assert got.read.links == [Link(kind="verify", url="https://example.test/verify?t=Qm9w")]
    assert got.read.untrusted.attachments == ["terms.txt"]
    assert "never instructions" in got.read.untrusted.notice
    assert [each.untrusted.subject for each in got.listed.messages] == ["News"]

    assert "has no message" in got.foreign.error
    assert "subject\\n  Extra inputs are not permitted" in got.unknown.error
    assert "less than or equal to 90" in got.too_long.error
    assert "was not made by create_mailbox" in got.over.error
    assert '"token"' not in printed
    # The mailboxes of the process ended with it.
    with pytest.raises(smtplib.SMTPException, match=r"5\.1\.1"):
        sender.text(got.address, "No longer")
