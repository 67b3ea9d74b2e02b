"""JSON in pieces is the JSON that msgspec makes."""

import msgspec
import pytest

from http_api.schemas import json_pieces
from http_api.schemas.json_pieces import octets_held, parts, pieces


class Inner(msgspec.Struct, frozen=True):
    name: str


class Outer(msgspec.Struct, frozen=True):
    first: str
    number: int
    items: tuple[Inner, ...]
    last: str | None
    left_out: int | msgspec.UnsetType = msgspec.UNSET


TEXTS = ["", "short", "\x01" * 20_000, "é€😀" * 9_000, '"' * 8_192, "x" * 8_193]


@pytest.mark.parametrize("text", TEXTS, ids=len)
@pytest.mark.parametrize("last", [None, "y" * 10_000])
def test_the_pieces_are_the_json_of_the_struct(text: str, last: str | None) -> None:
    value = Outer(text, 1, tuple(Inner(str(number)) for number in range(250)), last)

    assert b"".join(pieces(parts(value))) == msgspec.json.encode(value)


def test_no_piece_of_a_string_is_large() -> None:
    value = Outer("\x01" * 1_000_000, 1, (), None)

    assert max(map(len, pieces(parts(value)))) <= 6 * 8_192


def test_a_long_string_is_held_once_and_not_as_json() -> None:
    value = Outer("\x01" * 1_000_000, 1, (), None)

    assert octets_held(parts(value)) < 1_010_000
    assert json_pieces.parts(value)[1] is value.first
