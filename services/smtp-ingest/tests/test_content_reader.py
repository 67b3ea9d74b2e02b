"""Content in octets as they are received: its end, long lines within one read, and turns for large messages."""

import pytest

from fake_email.settings import Settings
from smtp_ingest.content import Content
from smtp_ingest.content_reader import ChunkReader, DataReader
from smtp_ingest.memory_budget import MemoryBudget
from smtp_ingest.session_limits import LimitReached

SETTINGS = Settings(database_url="postgresql:///", domain=("mx.test",), max_line_octets=131_072)
LONG_LINE = b"x" * 140_000
READ = b"a\r\n" * 40_000 + LONG_LINE + b"\r\nb\r\n"


@pytest.fixture
def content() -> Content:
    return Content(SETTINGS, MemoryBudget(10_000_000))


def test_data_ends_within_a_large_read_and_returns_the_rest(content: Content) -> None:
    lines = b"a\r\n" * 60_000

    rest = DataReader(SETTINGS, content).feed(lines + b".\r\nNOOP\r\n" + b"x" * 200_000)

    assert rest == b"NOOP\r\n" + b"x" * 200_000
    assert content.hand_over() == lines


def test_a_long_line_that_begins_and_ends_in_one_read_is_a_fault_of_data(content: Content) -> None:
    assert DataReader(SETTINGS, content).feed(READ + b".\r\n") == b""
    assert content.fault == "line_too_long"


def test_a_long_line_that_begins_and_ends_in_one_read_is_a_fault_of_a_chunk(content: Content) -> None:
    assert ChunkReader(SETTINGS, content, len(READ)).feed(READ + b"NOOP\r\n") == b"NOOP\r\n"
    assert content.fault == "line_too_long"


def test_a_chunk_is_ignored_without_content() -> None:
    reader = ChunkReader(SETTINGS, None, 5)

    assert [reader.feed(b"abc"), reader.feed(b"deNOOP")] == [None, b"NOOP"]


def test_a_message_takes_turns_once_it_is_large(content: Content) -> None:
    reader = DataReader(SETTINGS, content)

    seen = [(reader.feed(b"x\r\n" * 43_690), reader.takes_turns) for _ in range(3)]

    assert seen == [(None, False), (None, False), (None, True)]


def test_content_that_comes_too_slowly_ends_the_session(content: Content) -> None:
    hasty = Settings(database_url="postgresql:///", domain=("mx.test",), smtp_rate_grace_seconds=0)

    with pytest.raises(LimitReached, match="smtp_min_octets_per_second"):
        ChunkReader(hasty, content, 100).feed(b"")
