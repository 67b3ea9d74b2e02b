"""The memory that incoming messages may take."""

import pytest

from smtp_ingest.memory_budget import MemoryBudget

FREE = 65_536


@pytest.fixture
def memory() -> MemoryBudget:
    """A budget of 100,000 octets with 60,000 octets reserved."""
    memory = MemoryBudget(100_000)
    assert memory.reserve(FREE + 60_000, 0) == 60_000
    return memory


@pytest.mark.parametrize("octets", [0, 1, FREE, FREE + 40_000])
def test_a_message_that_fits_is_accepted(memory: MemoryBudget, octets: int) -> None:
    assert memory.has(octets)


def test_a_message_that_does_not_fit_is_not_accepted(memory: MemoryBudget) -> None:
    assert not memory.has(FREE + 40_001)


def test_a_small_message_reserves_nothing(memory: MemoryBudget) -> None:
    assert [memory.reserve(FREE, 0), memory.has(FREE + 40_000)] == [0, True]


def test_a_message_reserves_more_as_it_grows(memory: MemoryBudget) -> None:
    reserved = memory.reserve(FREE + 10_000, 0)
    assert reserved == 10_000

    assert memory.reserve(FREE + 40_000, reserved) == 40_000


def test_a_message_grows_no_larger_than_the_budget(memory: MemoryBudget) -> None:
    reserved = memory.reserve(FREE + 10_000, 0)
    assert reserved == 10_000

    assert memory.reserve(FREE + 40_001, reserved) is None


def test_a_message_that_grew_too_large_keeps_its_reservation_until_it_is_released(memory: MemoryBudget) -> None:
    memory.reserve(FREE + 10_000, 0)
    memory.reserve(FREE + 40_001, 10_000)

    memory.release(10_000)

    assert memory.has(FREE + 40_000)


def test_the_only_message_in_memory_fits_however_large_it_is() -> None:
    memory = MemoryBudget(1)
    reserved = memory.reserve(FREE + 1_000, 0)
    assert reserved == 1_000

    assert memory.reserve(1_000_000_000, reserved) == 1_000_000_000 - FREE


def test_after_a_message_larger_than_the_budget_no_other_message_fits() -> None:
    memory = MemoryBudget(1)
    memory.reserve(FREE + 1_000, 0)

    assert memory.reserve(FREE + 1, 0) is None


def test_released_memory_may_be_reserved_again(memory: MemoryBudget) -> None:
    memory.release(60_000)

    assert memory.reserve(FREE + 100_000, 0) == 100_000
