"""The corpus as the pair reads it, beside postal-mime, mailparser and Python's `email`: `make test-readers`."""

import asyncio
import smtplib
import sys
from pathlib import Path

import httpx
import pytest
from readers import compare
from readers.compare import Read
from support import corpus
from support.harness import Pair


def on_the_wire(path: Path) -> bytes:
    """The file's content with CRLF line ends, as SMTP carries it."""
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def deliver(port: int, addresses: list[str], contents: list[bytes]) -> None:
    for address, content in zip(addresses, contents, strict=True):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as session:
            session.sendmail("writer@client.test", [address], content)


async def as_shown(pair: Pair, contents: list[bytes]) -> list[Read]:
    """Each message as the API shows it, each from a mailbox of its own."""
    async with httpx.AsyncClient(base_url=pair.http_url, timeout=20) as http:
        made = [(await http.post("/api/temporary-address")).json()["temp_email_addr"] for _ in contents]
        await asyncio.to_thread(deliver, pair.smtp_port, made, contents)
        polled = [(await http.get("/api/inbox/poll", params={"address": address})).json() for address in made]
    shown = [each["messages"][0] for each in polled]
    return [
        {
            "subject": each["subject"],
            "from": each["from"][0]["address"] if each["from"] else "",
            "date": each["date"],
            "text": each["body_text"],
            "html": each["has_html"],
            "files": [[file["name"], file["size"]] for file in each["attachments"]],
        }
        for each in shown
    ]


@pytest.mark.timeout(600)
@corpus.is_needed
async def test_every_difference_from_other_readers_is_explained(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = [on_the_wire(path) for path in corpus.FILES]
    sent = [tmp_path / path.name for path in corpus.FILES]
    for path, content in zip(sent, contents, strict=True):
        path.write_bytes(content)
    pair = Pair(database_url, tmp_path)
    try:
        pair.start_smtp()
        pair.start_http()
        shown = await as_shown(pair, contents)
    finally:
        pair.end()

    known = compare.explanations()
    table: list[str] = []
    unexplained: list[str] = []
    for path, content, ours, read in zip(sent, contents, shown, compare.with_node(sent), strict=True):
        for reader, theirs in (read | {"email": compare.with_python(content)}).items():
            for field in compare.differences(ours, theirs):
                reason = next((each.reason for each in known if each.covers(path.stem, field, reader)), "")
                table.append(f"{path.stem:44.44} {field:8} {reader:12} {reason or 'NOT EXPLAINED'}")
                if not reason:
                    values = f"{ours.get(field)!r:.300} | {theirs.get(field, theirs)!r:.300}"
                    unexplained.append(f"{path.stem} | {field} | {reader}: {values}")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *table, ""]))
    assert not unexplained, "\n".join(unexplained)
