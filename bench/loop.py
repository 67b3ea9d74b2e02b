"""The longest hold of http-api's event loop by each call about heavy mail, in ms; none should pass 50.

CPU: of the event loop's own thread, whatever else the machine does. clock: by the clock, which counts the waits for a
CPU and for the interpreter as well.
"""

import asyncio
from collections.abc import Iterator, Sequence
from http import HTTPStatus

import msgspec
import uvloop
from support.content import message
from support.database import make_mailbox, store
from support.harness import Pair

from bench import calls
from bench.clocked import Held
from bench.figures import Lost, row

_EACH = 12
# 404: a search in vain, and a message without HTML or attachments.
_STATUSES = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
_CALL_SECONDS = 20.0
_STREAM_SECONDS = 3.0
_LINKS = "".join(f"<a href='https://example.com/{number}'>{number}</a>" for number in range(12_000))
_PARTS = "--b\r\nContent-Disposition: attachment; filename=a\r\n\r\n\r\n"
_ENCODED = "=?utf-8?q?=C3=A9?=" * 20
_NAMES = ", ".join(f'"{"n" * 900}{number}" <a{number}@example.com>' for number in range(100))


def _with(fields: str, body: str, number: int) -> bytes:
    return message(f"{number}", "").replace(b"\r\n\r\n", f"\r\n{fields}\r\n\r\n{body}".encode(), 1)


def _multipart(parts: str, number: int) -> bytes:
    return _with("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b", parts + "--b--\r\n", number)


def _html(html: str, number: int) -> bytes:
    return _with("Content-Type: text/html", html, number)


def _mail(number: int) -> dict[str, bytes]:
    """Heavy messages of each kind, by what is heavy in them."""
    return {
        "control characters": message(f"{number}", "\x01" * 1_000_000),
        "wide characters": message(f"{number}", "\U0001f600" * 1_000_000),
        "styled HTML": _html("<p style='color:red'>" * 45_000, number),
        "links": _html(_LINKS, number),
        "attachments": _multipart(_PARTS * 1_900, number),
        "addresses": _with(f"To: {_NAMES}\r\nCc: {_NAMES}", "hello", number),
        "header fields": _with("\r\n".join(f"X-{each}: {_ENCODED}" for each in range(700)), "", number),
        "an attachment": _multipart(
            "--b\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a\r\n\r\n"
            + ("QUJD" * 19 + "\r\n") * 60_000,
            number,
        ),
    }


def measure(pair: Pair) -> Iterator[str]:
    """A table of ms for each kind of mail and each call."""
    with calls.beside(pair, "bench.clocked") as clocked:
        for kind in _mail(0):
            address = make_mailbox(pair.database_url)
            uvloop.run(store(pair.database_url, address, *(_mail(number)[kind] for number in range(_EACH))))
            yield row(kind, "CPU", "clock")
            for label, request in uvloop.run(_requests(clocked.port, address)):
                held = uvloop.run(_held_by(clocked.port, request))
                yield row(label, held.cpu_seconds * 1_000, held.seconds * 1_000)


async def _requests(port: int, address: str) -> Sequence[tuple[str, str]]:
    """The label and the first line of each call."""
    listed = await _call(port, f"GET /api/inbox/messages?address={address}&limit=1")
    message_id = msgspec.json.decode(listed.partition(b"\r\n\r\n")[2])["messages"][0]["id"]
    opened = f"/api/messages/{message_id}"
    return [
        ("poll", f"GET /api/inbox/poll?address={address}"),
        ("HEAD of poll", f"HEAD /api/inbox/poll?address={address}"),
        ("poll backwards", f"GET /api/inbox/poll?address={address}&before=2099-01-01T00:00:00Z"),
        ("stream", f"GET /api/inbox/stream?address={address}"),
        ("list", f"GET /api/inbox/messages?address={address}"),
        ("search", f"GET /api/inbox/messages?address={address}&query=nowhere"),
        ("search for a pattern", f"GET /api/inbox/messages?address={address}&query=/nowhere|x$/"),
        ("wait", f"GET /api/inbox/wait?address={address}&since=0"),
        ("wait for many", f"GET /api/inbox/wait?address={address}&since=0&count={_EACH}"),
        ("wait in vain", f"GET /api/inbox/wait?address={address}&since=0&text=nowhere&timeout=1"),
        ("message", f"GET {opened}"),
        ("HEAD of message", f"HEAD {opened}"),
        ("HTML", f"GET {opened}/html"),
        ("source", f"GET {opened}/source"),
        ("attachment", f"GET {opened}/attachments/0"),
        ("take", f"POST /api/inbox/take?address={address}&since=0"),
        ("mark", f"PATCH /api/inbox/messages?address={address}"),
        ("delete", f"DELETE /api/inbox/messages?address={address}"),
    ]


async def _held_by(port: int, request: str) -> Held:
    await _call(port, "GET /held")
    answer = await _call(port, request)
    if int(answer[9:12]) not in _STATUSES:
        raise Lost(f"{request} was answered {answer[:200]!r}")
    return msgspec.json.decode((await _call(port, "GET /held")).partition(b"\r\n\r\n")[2], type=Held)


async def _call(port: int, request: str) -> bytes:
    """The whole response; what comes of a stream in some seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = '{"seen": true}' if request.startswith("PATCH") else ""
    fields = f"Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    writer.write(f"{request} HTTP/1.1\r\n{fields}\r\n\r\n{body}".encode())
    octets = bytearray()
    try:
        async with asyncio.timeout(_STREAM_SECONDS if "/stream" in request else _CALL_SECONDS):
            while piece := await reader.read(65_536):
                octets += piece
    except TimeoutError:
        pass
    writer.close()
    return bytes(octets)
