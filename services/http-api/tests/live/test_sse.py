"""Server-sent events as bytes, as the HTML Living Standard §9.2.6 has a reader take them apart."""

import uuid

import pytest

from http_api.live import sse


def test_an_event_has_a_name_and_its_data_as_json_and_ends_with_an_empty_line() -> None:
    octets = sse.event("deleted", {"id": uuid.UUID(int=1), "seq": 7})

    assert octets == b'event: deleted\ndata: {"id":"00000000-0000-0000-0000-000000000001","seq":7}\n\n'


@pytest.mark.parametrize("event_id", [0, 1, 2**63 - 1])
def test_an_event_with_an_id_is_one_that_a_reader_can_go_on_from(event_id: int) -> None:
    octets = sse.event("message", {}, event_id=event_id)

    assert octets == b"event: message\nid: %d\ndata: {}\n\n" % event_id


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\r\nb", "\n\nevent: gone\n\n", "a\u2028b\u0085c"])
def test_line_breaks_in_the_data_end_no_line_of_the_event(text: str) -> None:
    octets = sse.event("message", text)

    # Of these a reader takes CR and LF alone for the end of a line; the rest is data like any other.
    assert b"\r" not in octets
    assert octets.count(b"\n") == len(b"\n" * 3)
    assert octets.startswith(b'event: message\ndata: "')


def test_a_reader_is_told_how_long_to_wait_before_it_comes_back() -> None:
    assert sse.beginning(1_000) == b"retry: 1000\n\n"


def test_the_beginning_may_have_an_id_which_is_no_event() -> None:
    assert sse.beginning(1_000, event_id=7) == b"retry: 1000\nid: 7\n\n"


def test_a_comment_is_a_line_that_readers_ignore() -> None:
    assert sse.COMMENT.startswith(b":")
    assert sse.COMMENT.endswith(b"\n\n")
