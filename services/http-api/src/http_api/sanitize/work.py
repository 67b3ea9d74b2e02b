"""The page of one HTML as work for another process: what goes there, what comes back, and how both are framed. Pure."""

from typing import BinaryIO

import msgspec

from http_api.sanitize import page as sanitized_page

_LENGTH_OCTETS = 8


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `page.page`."""

    html: str
    images: dict[str, bytes]
    remote: bool
    is_embedded: bool


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The page as UTF-8, and the number of remote images that it leaves out."""

    page: bytes
    remote_images_blocked: int


def do(work: Work) -> Done:
    """The page that shows the HTML."""
    made = sanitized_page.page(work.html, work.images, remote=work.remote, is_embedded=work.is_embedded)
    return Done(page=made.text.encode(), remote_images_blocked=made.remote_images_blocked)


def write(pipe: BinaryIO, value: Work | Done) -> None:
    """Write a value with its length before it."""
    octets = msgspec.msgpack.encode(value)
    pipe.write(len(octets).to_bytes(_LENGTH_OCTETS, "big"))
    pipe.write(octets)
    pipe.flush()


def read(pipe: BinaryIO) -> bytes:
    """The octets of the next value; none at the end of the pipe."""
    return pipe.read(int.from_bytes(pipe.read(_LENGTH_OCTETS), "big"))
