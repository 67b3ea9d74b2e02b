"""Dot-stuffing: the end of DATA, and the dots that the client added."""

from collections.abc import Iterator

import pytest

from smtp_ingest.dot_stuffing import DotStuffing

FALSE_ENDS = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF.NUL.CRLF": b"\r\n.\0\r\n",
    "CRLF.NUL-before.CRLF": b"\r\n\0.\r\n",
}


def stuff(content: bytes) -> bytes:
    """`content` as a client sends it (RFC 5321 §4.5.2), followed by the end of DATA."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def cuts(wire: bytes) -> Iterator[tuple[bytes, ...]]:
    """`wire` in two packets, cut at each octet, and in packets of one octet."""
    yield from ((wire[:position], wire[position:]) for position in range(len(wire) + 1))
    yield tuple(wire[position : position + 1] for position in range(len(wire)))


def receive(packets: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """The content in `packets`, and all octets after its end."""
    dot_stuffing, content = DotStuffing(), b""
    for number, packet in enumerate(packets, 1):
        unstuffed, rest = dot_stuffing.feed(packet)
        content += unstuffed
        if rest is not None:
            return content, rest + b"".join(packets[number:])
    raise AssertionError("no end was found")


def test_the_end_is_found_wherever_the_stream_is_cut() -> None:
    wire = stuff(b"Subject: x\r\n\r\nbody\r\n")

    kept = {receive(packets)[0] for packets in cuts(wire)}

    assert kept == {b"Subject: x\r\n\r\nbody\r\n"}


def test_octets_after_the_end_are_returned_wherever_the_stream_is_cut() -> None:
    wire = stuff(b"body\r\n") + b"MAIL FROM:<>\r\nDATA\r\nx\r\n.\r\n"

    followed = {receive(packets)[1] for packets in cuts(wire)}

    assert followed == {b"MAIL FROM:<>\r\nDATA\r\nx\r\n.\r\n"}


def test_a_dot_as_the_first_line_ends_an_empty_message_wherever_the_stream_is_cut() -> None:
    received = {receive(packets) for packets in cuts(b".\r\nQUIT\r\n")}

    assert received == {(b"", b"QUIT\r\n")}


@pytest.mark.parametrize("dots", [b".", b"..", b".\r\n.", b".\r\n..\r\n"])
def test_dots_are_kept_at_every_position_and_wherever_the_stream_is_cut(dots: bytes) -> None:
    plain = b"ab\r\n\r\nc\r\n"
    contents = [plain[:position] + dots + plain[position:] for position in range(len(plain) - 1)]

    kept = [{receive(packets)[0] for packets in cuts(stuff(content))} for content in contents]

    assert kept == [{content} for content in contents]


@pytest.mark.parametrize("false_end", FALSE_ENDS.values(), ids=FALSE_ENDS)
def test_only_crlf_dot_crlf_ends_the_content_wherever_the_stream_is_cut(false_end: bytes) -> None:
    wire = b"one" + false_end + b"MAIL FROM:<smuggled@client.test>\r\nDATA\r\ntwo\r\n.\r\n"

    received = {receive(packets) for packets in cuts(wire)}

    # A dot that begins a line is removed, whatever follows (RFC 5321 §4.5.2).
    kept = wire.removesuffix(b".\r\n").replace(b"\r\n.", b"\r\n")
    assert received == {(kept, b"")}


def test_the_end_of_content_that_is_not_kept_is_found() -> None:
    wire = stuff(b".dot\r\nbody\r\n") + b"QUIT\r\n"

    for packets in cuts(wire):
        dot_stuffing, rest = DotStuffing(), None
        for packet in packets:
            if rest is None:
                unstuffed, rest = dot_stuffing.feed(packet, is_kept=False)
                assert unstuffed == b""
            else:
                rest += packet

        assert rest == b"QUIT\r\n"
