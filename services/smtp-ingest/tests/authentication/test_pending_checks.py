"""Places for messages under check: bounded in all, in bytes and for each client."""

from smtp_ingest.authentication.pending_checks import (
    MAX_CHECKS,
    MAX_CLIENT_CHECKS,
    MAX_OCTETS,
    PendingCheck,
    PendingChecks,
)


def check(network: int, began_at: float, octets: int = 1) -> PendingCheck:
    return PendingCheck(ids=(), network=network, octets=octets, began_at=began_at, job=None)


def test_one_client_has_a_part_of_the_slots() -> None:
    pending = PendingChecks()

    taken = [pending.take_slot(1, 1) for _ in range(MAX_CLIENT_CHECKS + 1)]

    assert taken == [True] * MAX_CLIENT_CHECKS + [False]
    assert pending.take_slot(2, 1)


def test_all_clients_have_so_many_slots() -> None:
    pending = PendingChecks()

    taken = [pending.take_slot(number, 1) for number in range(MAX_CHECKS + 1)]

    assert taken == [True] * MAX_CHECKS + [False]
    pending.release_slot(0, 1)
    assert pending.take_slot(1_000, 1)


def test_large_messages_wait_alone() -> None:
    pending = PendingChecks()

    assert pending.take_slot(1, 2 * MAX_OCTETS)
    assert not pending.take_slot(2, 1)
    pending.release_slot(1, 2 * MAX_OCTETS)
    assert pending.take_slot(2, MAX_OCTETS)
    assert not pending.take_slot(3, 1)


def test_a_check_ends_once_and_releases_its_slot() -> None:
    pending = PendingChecks()
    assert pending.take_slot(1, 2 * MAX_OCTETS)
    pending.add(7, check(1, 100, 2 * MAX_OCTETS))

    assert pending.end(7)
    assert pending.end(7) is None
    assert pending.take_slot(2, 1)
    assert len(pending) == 0


def test_the_oldest_checks_are_found_by_their_time() -> None:
    pending = PendingChecks()
    for number in range(4):
        assert pending.take_slot(number, 1)
        pending.add(number, check(number, 100 + number))

    assert [number for number, _ in pending.begun_before(102)] == [0, 1]
