"""Long content is searched in steps, with the same result."""

import pytest

from fake_email.mime import chunks

_WANTED = b"\n--boundary"


@pytest.mark.parametrize("rare", [b"", b"-"], ids=["no rare octet", "rare dash"])
@pytest.mark.parametrize("dashes", [b"", b"-"], ids=["no dash before", "dash before"])
@pytest.mark.parametrize("at", [0, 7, *range(chunks.OCTETS - 12, chunks.OCTETS + 3), 3 * chunks.OCTETS - 5])
def test_what_is_wanted_is_found_wherever_a_step_ends(at: int, dashes: bytes, rare: bytes) -> None:
    content = b"A" * (at - len(dashes)) + dashes + _WANTED + b"B" * chunks.OCTETS

    for start in (0, at, at + 1):
        assert chunks.find(content, _WANTED, start, len(content), rare) == content.find(_WANTED, start)
