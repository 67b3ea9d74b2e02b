"""How much memory messages find that are on their way."""

import pytest

from smtp_ingest.memory_budget import MemoryBudget

FREE = 65_536


@pytest.fixture
def room() -> MemoryBudget:
    """100,000 octets, 60,000 of which are taken."""
    room = MemoryBudget(100_000)
    assert room.take(FREE + 60_000, 0) == 60_000
    return room


@pytest.mark.parametrize("octets", [0, 1, FREE, FREE + 40_000])
def test_a_message_that_fits_may_begin(room: MemoryBudget, octets: int) -> None:
    assert room.has(octets)


def test_a_message_that_does_not_fit_may_not(room: MemoryBudget) -> None:
    assert not room.has(FREE + 40_001)


def test_a_small_message_takes_nothing(room: MemoryBudget) -> None:
    assert [room.take(FREE, 0), room.has(FREE + 40_000)] == [0, True]


def test_a_message_takes_more_as_it_grows(room: MemoryBudget) -> None:
    taken = room.take(FREE + 10_000, 0)
    assert taken == 10_000

    assert room.take(FREE + 40_000, taken) == 40_000


def test_a_message_grows_no_further_than_the_room(room: MemoryBudget) -> None:
    taken = room.take(FREE + 10_000, 0)
    assert taken == 10_000

    assert room.take(FREE + 40_001, taken) is None


def test_a_message_that_grew_too_far_keeps_what_it_took_before(room: MemoryBudget) -> None:
    room.take(FREE + 10_000, 0)
    room.take(FREE + 40_001, 10_000)

    room.leave(10_000)

    assert room.has(FREE + 40_000)


def test_a_message_that_is_alone_finds_room_however_large_it_is() -> None:
    room = MemoryBudget(1)
    taken = room.take(FREE + 1_000, 0)
    assert taken == 1_000

    assert room.take(1_000_000_000, taken) == 1_000_000_000 - FREE


def test_behind_a_message_that_is_larger_than_the_room_there_is_none() -> None:
    room = MemoryBudget(1)
    room.take(FREE + 1_000, 0)

    assert room.take(FREE + 1, 0) is None


def test_what_is_left_may_be_taken_again(room: MemoryBudget) -> None:
    room.leave(60_000)

    assert room.take(FREE + 100_000, 0) == 100_000
