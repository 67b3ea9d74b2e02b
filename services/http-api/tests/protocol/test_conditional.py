"""The field Range: the part of the content that it asks for."""

import pytest

from http_api.protocol.conditional import requested_range
from http_api.protocol.errors import RangeNotSatisfiable


@pytest.mark.parametrize(
    ("field", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-3", (0, 4)),
        ("bytes=4-6", (4, 7)),
        ("bytes=9-9", (9, 10)),
        ("bytes=4-", (4, 10)),
        ("bytes=0-", (0, 10)),
        ("bytes=4-99", (4, 10)),
        ("bytes=4-999999999999999999", (4, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-10", (0, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes=0-3", (0, 4)),
        ("bytes = 0-3 ", (0, 4)),
        ("bytes=007-08", (7, 9)),
    ],
)
def test_a_range_asks_for_that_part_of_ten_bytes(field: str, part: tuple[int, int]) -> None:
    assert requested_range(field, 10) == part


@pytest.mark.parametrize(
    "field",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=3-1",
        "bytes=0-1,3-4",
        "bytes=0-1,",
        "bytes=--1",
        "bytes=1.0-2",
        "bytes=+1-2",
        "bytes=\u0661-\u0662",
        "bytes=" + "9" * 30 + "-",
        "items=0-1",
        "0-1",
    ],
)
def test_anything_but_one_range_of_bytes_asks_for_the_whole_content(field: str) -> None:
    assert requested_range(field, 10) is None


@pytest.mark.parametrize("field", ["bytes=10-", "bytes=10-20", "bytes=99-", "bytes=-0"])
def test_a_range_after_the_end_is_refused(field: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        requested_range(field, 10)

    assert refused.value.octets == 10


@pytest.mark.parametrize("field", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_every_range_of_an_empty_content_is_refused(field: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        requested_range(field, 0)
