"""Long content is searched in steps, with the same result."""

import pytest

from fake_email.mime import chunks


@pytest.mark.parametrize("ending", [b"\r\r\n", b"\r\n", b"\r", b"\n"])
@pytest.mark.parametrize("at", range(chunks.OCTETS - 3, chunks.OCTETS + 1))
def test_each_line_end_is_one_line_feed_wherever_a_step_ends(at: int, ending: bytes) -> None:
    assert chunks.with_line_feeds(b"A" * at + ending + b"B" + ending) == b"A" * at + b"\nB\n"


_WANTED = b"\n--boundary"


@pytest.mark.parametrize("rare", [b"", b"-"], ids=["no rare octet", "rare dash"])
@pytest.mark.parametrize("dashes", [b"", b"-"], ids=["no dash before", "dash before"])
@pytest.mark.parametrize("at", [0, 7, *range(chunks.OCTETS - 12, chunks.OCTETS + 3), 3 * chunks.OCTETS - 5])
def test_what_is_wanted_is_found_wherever_a_step_ends(at: int, dashes: bytes, rare: bytes) -> None:
    content = b"A" * (at - len(dashes)) + dashes + _WANTED + b"B" * chunks.OCTETS

    for start in (0, at, at + 1):
        assert chunks.find(content, _WANTED, start, len(content), rare) == content.find(_WANTED, start)
