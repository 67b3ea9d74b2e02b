"""The table of rate limits: counts by client and minute, shared by several processes, in bounded memory."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from http_api.edge.rate_limits import SETS, WAYS, Count, Limit, Windows, new_table, unlimited

LIMIT = Limit(name="creations_per_minute", number=3)
OTHER = Limit(name="calls_per_minute", number=3)
SECOND = 1_000_000_000
NOW = 5_000 * SECOND
CLIENT = 7
CROWD = 200_000  # clients, three times the slots

# Takes until it is refused, or for ever, and prints a line once it has begun.
_TAKE = """
import sys, time
from http_api.edge.rate_limits import Limit, Windows
windows, limit = Windows(int(sys.argv[1])), Limit(name="creations_per_minute", number=int(sys.argv[2]))
taken, is_begun = 0, False
while not windows.take(limit, 7, 5_000_000_000_000).is_refused or sys.argv[3] == "for ever":
    taken += 1
    if not is_begun:
        is_begun = True
        print("begun", flush=True)
print(taken, flush=True)
"""


@pytest.fixture
def table() -> Iterator[int]:
    table = new_table()
    yield table
    os.close(table)


@pytest.fixture
def windows(table: int) -> Windows:
    return Windows(table)


class Crowded(msgspec.Struct, frozen=True):
    """A table in which each of a crowd of clients has taken once, and by how much this process grew meanwhile."""

    table: int
    octets_before: int
    grown_kib: int


@pytest.fixture(scope="module")
def crowded() -> Iterator[Crowded]:
    table = new_table()
    octets = os.fstat(table).st_size
    windows = Windows(table)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for client in range(CROWD):
        windows.take(LIMIT, client, NOW + client)
    yield Crowded(table, octets, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    os.close(table)


def take(windows: Windows, times: int, *, client: int = CLIENT, now: int = NOW) -> list[Count]:
    return [windows.take(LIMIT, client, now) for _ in range(times)]


def taking(table: int, number: int, until: str) -> subprocess.Popen[str]:
    """Another process that takes from the same table."""
    return subprocess.Popen(
        [sys.executable, "-c", _TAKE, str(table), str(number), until],
        pass_fds=[table],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_as_many_pass_as_the_limit_allows(windows: Windows) -> None:
    counts = take(windows, 5)

    assert [count.is_refused for count in counts] == [False, False, False, True, True]
    assert [count.remaining for count in counts] == [2, 1, 0, 0, 0]


def test_the_window_begins_with_the_first_call_in_it_and_ends_a_minute_later(windows: Windows) -> None:
    take(windows, 4)

    last = windows.take(LIMIT, CLIENT, NOW + 60 * SECOND - 1)
    after = windows.take(LIMIT, CLIENT, NOW + 60 * SECOND)

    assert (last.is_refused, after.is_refused, after.remaining) == (True, False, 2)


@pytest.mark.parametrize(("passed", "seconds"), [(0, 60), (1, 60), (SECOND, 59), (59 * SECOND + 1, 1), (-SECOND, 60)])
def test_a_count_has_the_whole_seconds_until_the_window_ends(windows: Windows, passed: int, seconds: int) -> None:
    take(windows, 4)

    assert windows.peek(LIMIT, CLIENT, NOW + passed).seconds == seconds


def test_the_next_window_has_a_minute_of_its_own(windows: Windows) -> None:
    take(windows, 1)

    windows.take(LIMIT, CLIENT, NOW + 90 * SECOND)

    assert windows.peek(LIMIT, CLIENT, NOW + 100 * SECOND).seconds == 50


def test_each_client_has_a_window_of_its_own(windows: Windows) -> None:
    take(windows, 4)

    assert not windows.take(LIMIT, CLIENT + 1, NOW).is_refused


def test_each_limit_has_a_window_of_its_own(windows: Windows) -> None:
    take(windows, 4)

    assert not windows.take(OTHER, CLIENT, NOW).is_refused


def test_a_peek_counts_nothing(windows: Windows) -> None:
    counts = [windows.peek(LIMIT, CLIENT, NOW) for _ in range(5)]

    assert {(count.remaining, count.seconds, count.is_refused) for count in counts} == {(3, 60, False)}
    assert not take(windows, 3)[-1].is_refused


def test_a_peek_finds_a_limit_that_is_reached(windows: Windows) -> None:
    take(windows, 3)

    assert windows.peek(LIMIT, CLIENT, NOW).is_refused


def test_a_client_without_a_limit_has_never_more_left_than_the_limit(table: int) -> None:
    given_back = Windows(table).give_back(unlimited(LIMIT, NOW), CLIENT)

    assert given_back.remaining == LIMIT.number


def test_a_count_that_is_given_back_can_be_taken_again(windows: Windows) -> None:
    taken = take(windows, 3)[-1]

    given_back = windows.give_back(taken, CLIENT)

    assert given_back.remaining == 1
    assert [count.is_refused for count in take(windows, 2)] == [False, True]


def test_a_count_of_a_window_that_is_over_is_not_given_back_in_the_next(windows: Windows) -> None:
    taken = take(windows, 1)[0]
    take(windows, 3, now=NOW + 60 * SECOND)

    windows.give_back(taken, CLIENT)

    assert windows.peek(LIMIT, CLIENT, NOW + 60 * SECOND).is_refused


def test_the_first_refusal_of_each_window_is_marked(windows: Windows) -> None:
    first = [count.is_first_refusal for count in take(windows, 6)]
    second = [count.is_first_refusal for count in take(windows, 5, now=NOW + 60 * SECOND)]

    assert first == [False, False, False, True, False, False]
    assert second == [False, False, False, True, False]


def test_processes_that_take_at_once_take_exactly_the_limit_together(table: int) -> None:
    number = 20_000

    processes = [taking(table, number, "refused") for _ in range(3)]
    outputs = [process.communicate()[0] for process in processes]

    assert sum(int(output.split()[-1]) for output in outputs) == number


def test_a_process_that_is_killed_leaves_no_lock_and_loses_no_count(table: int, windows: Windows) -> None:
    limit = Limit(name=LIMIT.name, number=10**9)
    lefts = []

    for _ in range(20):
        with taking(table, limit.number, "for ever") as process:
            assert process.stdout
            process.stdout.readline()
            process.kill()
        lefts.append(windows.take(limit, CLIENT, NOW).remaining)

    assert lefts == sorted(lefts, reverse=True)
    assert lefts[-1] < limit.number - 20


def test_a_window_outlives_the_process_that_began_it(table: int) -> None:
    with taking(table, LIMIT.number, "refused") as process:
        process.communicate()

    assert Windows(table).take(LIMIT, CLIENT, NOW).is_refused


def test_with_more_clients_than_slots_the_table_does_not_grow(crowded: Crowded) -> None:
    assert os.fstat(crowded.table).st_size == crowded.octets_before <= SETS * WAYS * 32 + 32
    assert crowded.grown_kib < 16_384


def test_with_more_clients_than_slots_the_oldest_windows_are_replaced(crowded: Crowded) -> None:
    windows = Windows(crowded.table)

    newest = [windows.peek(LIMIT, client, NOW + CROWD).remaining for client in range(CROWD - 10_000, CROWD)]
    oldest = [windows.peek(LIMIT, client, NOW + CROWD).remaining for client in range(10_000)]

    assert newest.count(2) > 9_900
    assert oldest.count(3) > 9_900


def test_each_table_has_a_secret_so_no_client_can_tell_which_set_it_is_in() -> None:
    tables = [new_table() for _ in range(2)]

    secrets = {os.pread(table, 32, SETS * WAYS * 32) for table in tables}

    for table in tables:
        os.close(table)
    assert len(secrets) == 2
