"""Clients that ask for large responses and read nothing of them."""

import asyncio
import socket
from collections.abc import Sequence

import httpx

_BUFFER_OCTETS = 4_096
# Control characters, each of which is six in JSON; and HTML that takes long to make safe.
_TEXT_LINE = b"\x01" * 76 + b"\r\n"
_HTML_LINE = b"<p style='color:red'>\r\n"
_HOLD_SECONDS = 3.0


def content(octets: int) -> bytes:
    """A message of about so many octets whose JSON is six times as large, without its last line."""
    text, html = (line * (octets // 2 // len(line)) for line in (_TEXT_LINE, _HTML_LINE))
    return (
        b"From: Writer <writer@client.test>\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\n" + text + b"\r\n--b\r\nContent-Type: text/html\r\n\r\n" + html
    )


async def paths(http: httpx.AsyncClient, address: str) -> list[str]:
    """The calls about the messages of a mailbox whose responses are large, or take long to make."""
    listed = (await http.get("/api/inbox/messages", params={"address": address})).json()["messages"]
    messages = [f"/api/messages/{each['id']}" for each in listed]
    return [
        f"/api/inbox/poll?address={address}",
        f"/api/inbox/wait?address={address}&text=/x|%01/",
        f"/api/inbox/stream?address={address}",
        *messages,
        *(f"{each}/html" for each in messages),
    ]


async def run_unread_client(host: str, port: int, asked: Sequence[str], *, number: int) -> None:
    """Ask for one of the paths after another, as a proxy does for its client number `number`, until cancelled."""
    at = number
    while True:
        at += 1
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
            await asyncio.get_running_loop().sock_connect(connection, (host, port))
            request = (
                f"GET {asked[at % len(asked)]} HTTP/1.1\r\nHost: hostile.test\r\n"
                f"X-Forwarded-For: 203.0.113.{1 + number % 50}\r\n\r\n"
            )
            await asyncio.get_running_loop().sock_sendall(connection, request.encode())
            await asyncio.sleep(_HOLD_SECONDS)
