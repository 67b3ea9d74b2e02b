"""The content of an incoming message, and the faults after which none of it is kept."""

import tracemalloc

import pytest

from fake_email.settings import Settings
from smtp_ingest.content import Content
from smtp_ingest.memory_budget import MemoryBudget

SETTINGS = Settings(
    database_url="postgresql:///", domain=("mx.test",), max_message_octets=400_000, max_header_octets=2_048
)
HEADER = b"Subject: x\r\n"


def content(*pieces: bytes, memory: MemoryBudget | None = None) -> Content:
    """Content received in these pieces."""
    made = Content(SETTINGS, memory or MemoryBudget(1_000_000))
    for piece in pieces:
        made.add(piece)
    made.finish()
    return made


def pieces(octets: bytes) -> list[bytes]:
    """The octets in pieces of the size of a read."""
    return [octets[at : at + 100_000] for at in range(0, len(octets), 100_000)]


def test_content_is_kept_octet_for_octet() -> None:
    made = content(HEADER, b"\r\n", b"body \0 \xff\n")

    assert (made.fault, made.hand_over()) == (None, b"Subject: x\r\n\r\nbody \0 \xff\n")


# Size


def test_a_message_of_exactly_the_limit_is_kept() -> None:
    assert content(HEADER, b"\r\n" * 199_994).fault is None


def test_a_message_of_one_octet_more_is_too_large() -> None:
    made = content(HEADER, b"\r\n" * 199_994, b"x")

    assert (made.fault, made.hand_over()) == ("too_large", b"")


def test_a_message_that_is_too_large_takes_no_memory() -> None:
    made = Content(SETTINGS, MemoryBudget(1_000_000))
    piece = b"x" * 50_000
    tracemalloc.start()

    for _ in range(100):
        made.add(piece)

    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.fault == "too_large"
    assert kept < 50_000


# Lines


def long_line(octets: int) -> Content:
    settings = Settings(database_url="postgresql:///", domain=("mx.test",))
    made = Content(settings, MemoryBudget(10_000_000))
    for piece in pieces(b"\r\n" * 20_000 + b"x" * octets + b"\r\n" * 20_000):
        made.add(piece)
    return made


def test_a_line_of_a_mebibyte_is_kept() -> None:
    assert long_line(1_048_575).fault is None


def test_a_longer_line_is_too_long() -> None:
    assert long_line(1_048_577).fault == "line_too_long"


# The header section


@pytest.mark.parametrize("blank", [b"\r\n", b"\n"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_header_section_within_the_limit_is_kept(size: int, blank: bytes) -> None:
    octets = b"X: " + b"x" * 2_000 + blank + blank + b"y" * 2_000

    made = content(*(octets[at : at + size] for at in range(0, len(octets), size)))

    assert made.fault is None


@pytest.mark.parametrize("rest", [b"", b"\r\nbody\r\n"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_larger_header_section_is_refused(size: int, rest: bytes) -> None:
    octets = b"X-A: y\r\n" * 400 + rest

    made = content(*(octets[at : at + size] for at in range(0, len(octets), size)))

    assert made.fault == "header_too_large"


def test_a_body_without_a_header_section_is_not_taken_for_a_large_header_section() -> None:
    assert content(b"Once upon a time\r\n" * 400).fault is None


def test_a_body_after_a_blank_line_is_not_taken_for_a_header_section() -> None:
    assert content(b"\r\n", b"X-A: y\r\n" * 400).fault is None


# Hops


def test_a_message_may_have_100_received_fields() -> None:
    assert content(b"Received: a\r\n" * 50, b"received : b\n" * 50, b"\r\n").fault is None


def test_a_message_with_more_received_fields_has_too_many_hops() -> None:
    made = content(b"Received: a\r\n" * 50, b"received : b\n" * 22, b"RECEIVED: c\n" * 29, b"\r\n")

    assert (made.fault, made.hand_over()) == ("too_many_hops", b"")


def test_received_fields_in_the_body_do_not_count() -> None:
    assert content(HEADER, b"\r\n", b"Received: a\r\n" * 101).fault is None


# Memory


def test_a_message_without_memory_left_is_refused() -> None:
    memory = MemoryBudget(100_000)
    first = content(*pieces(b"\r\n" * 70_000), memory=memory)

    second = content(*pieces(b"\r\n" * 70_000), memory=memory)

    assert (first.fault, second.fault) == (None, "no_room")


def test_a_small_message_needs_no_memory_of_the_budget() -> None:
    memory = MemoryBudget(100_000)
    content(*pieces(b"\r\n" * 82_000), memory=memory)

    assert content(b"\r\n" * 32_768, memory=memory).fault is None


def test_the_only_message_in_memory_is_kept_however_large_it_is() -> None:
    assert content(*pieces(b"\r\n" * 190_000), memory=MemoryBudget(1)).fault is None


def test_discarded_content_releases_its_memory() -> None:
    memory = MemoryBudget(100_000)
    first = content(*pieces(b"\r\n" * 70_000), memory=memory)
    first.hand_over()
    before = content(*pieces(b"\r\n" * 70_000), memory=memory)

    first.discard()

    assert before.fault == "no_room"
    assert content(*pieces(b"\r\n" * 70_000), memory=memory).fault is None
