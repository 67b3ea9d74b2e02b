"""Shares of a resource: whose turn it is, what one client holds, and who gives up."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from fake_email.errors import DatabaseAway, ServiceError
from http_api.live.fair_shares import FairShares
from http_api.live.share import Share
from http_api.protocol.client_address import Client
from http_api.protocol.errors import Overloaded


def client(number: int) -> Client:
    return Client(address=f"192.0.2.{number}", network=number, is_trusted=False)


ANN, BOB, CAT = client(1), client(2), client(3)


def threads(*, total: int = 1, client_units: int = 1) -> FairShares:
    return FairShares("work_threads", total=total, client_units=client_units)


class Queue:
    """Callers that wait for a share, and the order in which they get it."""

    def __init__(self, shares: FairShares) -> None:
        self._shares = shares
        self.tasks: list[asyncio.Task[None]] = []
        self.granted: list[str] = []
        self.held: list[Share] = []

    async def ask(self, name: str, client: Client, units: int = 1) -> None:
        async def take() -> None:
            self.held.append(await self._shares.take(client, units))
            self.granted.append(name)

        self.tasks.append(asyncio.create_task(take()))
        await asyncio.sleep(0)

    async def release(self, share: Share) -> None:
        share.release()
        await settle()


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def errors(tasks: Sequence["asyncio.Task[None]"]) -> list[BaseException | None]:
    return list(await asyncio.gather(*tasks, return_exceptions=True))


def test_a_share_is_granted_at_once_while_there_is_room() -> None:
    shares = threads(total=2, client_units=2)

    assert [shares.take_now(ANN) is not None for _ in range(3)] == [True, True, False]


def test_a_client_gets_no_more_than_its_own_part_of_the_total() -> None:
    shares = threads(total=4, client_units=2)

    assert [shares.take_now(ANN, 2) is not None, shares.take_now(ANN) is not None] == [True, False]
    assert shares.take_now(BOB, 2) is not None


def test_one_share_may_be_larger_than_a_clients_part_when_the_client_holds_nothing_else() -> None:
    shares = threads(total=4, client_units=2)

    large = shares.take_now(ANN, 3)

    assert large
    assert shares.take_now(ANN) is None
    large.release()
    assert shares.take_now(ANN) is not None


def test_an_exempt_client_is_bounded_by_the_total_alone_where_that_is_so() -> None:
    exempt = Client(address="192.0.2.9", network=9, is_trusted=False, is_exempt=True)
    shares = FairShares("calls", total=2, client_units=1, spares_exempt=True)

    assert [shares.take_now(exempt) is not None for _ in range(3)] == [True, True, False]


def test_a_share_larger_than_the_total_takes_all() -> None:
    shares = threads(total=4)

    assert shares.take_now(ANN, 100) is not None
    assert shares.units_held == 4


async def test_clients_take_turns_and_each_is_served_in_its_own_order() -> None:
    shares = threads()
    queue = Queue(shares)
    held = shares.take_now(ANN)
    for name, asking in zip("abcdef", [ANN, ANN, ANN, BOB, CAT, BOB], strict=True):
        await queue.ask(name, asking)

    assert held
    await queue.release(held)
    while len(queue.granted) < 6:
        await queue.release(queue.held[-1])

    assert queue.granted == ["a", "d", "e", "b", "f", "c"]


async def test_a_share_that_does_not_fit_lets_a_smaller_one_pass() -> None:
    shares = threads(total=4, client_units=4)
    queue = Queue(shares)
    held = [shares.take_now(ANN, 2), shares.take_now(ANN, 2)]
    await queue.ask("large", BOB, 4)
    await queue.ask("small", CAT, 2)

    assert held[0]
    await queue.release(held[0])
    assert queue.granted == ["small"]

    assert held[1]
    await queue.release(held[1])
    await queue.release(queue.held[0])
    assert queue.granted == ["small", "large"]


async def test_what_a_share_shrinks_by_goes_to_the_next() -> None:
    shares = threads(total=4, client_units=4)
    queue = Queue(shares)
    held = shares.take_now(ANN, 4)
    await queue.ask("bob", BOB, 3)

    assert held
    held.shrink(1)
    await settle()

    assert (queue.granted, shares.units_held) == (["bob"], 4)


def test_a_share_is_released_once() -> None:
    shares = threads()
    share = shares.take_now(ANN)

    assert share
    share.release()
    share.release()

    assert shares.units_held == 0


async def test_a_caller_that_waits_for_too_long_gives_up() -> None:
    shares = threads()
    shares.take_now(ANN)

    with pytest.raises(Overloaded):
        await shares.take(BOB, seconds=0)

    assert shares.take_now(BOB) is None


async def test_a_caller_that_leaves_takes_no_turn() -> None:
    shares = threads()
    queue = Queue(shares)
    held = shares.take_now(ANN)
    await queue.ask("bob", BOB)
    await queue.ask("cat", CAT)

    queue.tasks[0].cancel()
    await settle()
    assert held
    await queue.release(held)

    assert queue.granted == ["cat"]


async def test_a_caller_that_leaves_in_the_moment_of_its_turn_passes_it_on() -> None:
    shares = threads()
    queue = Queue(shares)
    held = shares.take_now(ANN)
    await queue.ask("bob", BOB)
    await queue.ask("cat", CAT)

    assert held
    held.release()
    queue.tasks[0].cancel()
    await settle()

    assert queue.granted == ["cat"]


async def test_a_caller_that_left_just_before_its_turn_takes_none() -> None:
    shares = threads()
    queue = Queue(shares)
    held = shares.take_now(ANN)
    await queue.ask("bob", BOB)
    await queue.ask("cat", CAT)

    queue.tasks[0].cancel()
    assert held
    held.release()
    await settle()

    assert (queue.granted, shares.units_held) == (["cat"], 1)


async def test_past_the_bound_of_a_clients_queue_its_next_caller_is_refused_at_once() -> None:
    shares = FairShares("calls", total=1, client_units=1, client_callers=2)
    queue = Queue(shares)
    shares.take_now(BOB)
    for number in range(3):
        await queue.ask(str(number), ANN)
    await queue.ask("cat", CAT)

    assert [each.done() for each in queue.tasks] == [False, False, True, False]
    assert isinstance(queue.tasks[2].exception(), Overloaded)


async def test_past_the_bound_of_all_queues_the_longest_loses_its_newest() -> None:
    shares = FairShares("calls", total=1, client_units=1, callers=3)
    queue = Queue(shares)
    shares.take_now(CAT)
    for name, asking in [("ann 1", ANN), ("ann 2", ANN), ("ann 3", ANN), ("bob", BOB)]:
        await queue.ask(name, asking)
    await settle()

    assert [each.done() for each in queue.tasks] == [False, False, True, False]
    assert isinstance(queue.tasks[2].exception(), Overloaded)


async def test_all_that_wait_can_be_refused_with_another_error() -> None:
    shares = threads()
    queue = Queue(shares)
    shares.take_now(ANN)
    await queue.ask("bob", BOB)
    await queue.ask("cat", CAT)

    shares.refuse_waiting(DatabaseAway)

    raised = await errors(queue.tasks)
    assert [type(each) for each in raised] == [DatabaseAway, DatabaseAway]
    assert issubclass(DatabaseAway, ServiceError)


async def test_while_others_wait_the_share_that_was_stalled_for_longest_is_revoked() -> None:
    shares = FairShares("answer_octets", total=2, client_units=1, stall_seconds=0)
    queue, revoked = Queue(shares), list[str]()
    for name, holder, since in [("ann", ANN, 20.0), ("bob", BOB, 10.0)]:
        share = shares.take_now(holder)
        assert share
        share.stalled_since = since
        share.allow_revoking(partial(revoked.append, name))

    await queue.ask("cat", CAT)
    await settle()

    assert (revoked, queue.granted) == (["bob"], ["cat"])


async def test_a_share_that_moves_is_not_revoked() -> None:
    shares = FairShares("answer_octets", total=1, client_units=1, stall_seconds=1)
    queue, revoked = Queue(shares), list[str]()
    share = shares.take_now(ANN)
    assert share
    share.allow_revoking(lambda: revoked.append("ann"))

    await queue.ask("bob", BOB)
    await settle()

    assert (revoked, queue.granted) == ([], [])


async def test_a_client_at_its_own_bound_has_no_other_clients_share_revoked() -> None:
    shares = FairShares("answer_octets", total=2, client_units=1, stall_seconds=0)
    queue, revoked = Queue(shares), list[str]()
    share = shares.take_now(ANN)
    assert share
    share.stalled_since = 0.0
    share.allow_revoking(lambda: revoked.append("ann"))
    shares.take_now(BOB)

    await queue.ask("bob", BOB)
    await settle()

    assert (revoked, queue.granted) == ([], [])


async def test_an_overload_is_logged_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    shares = threads()
    shares.take_now(ANN)

    for _ in range(2):
        with pytest.raises(Overloaded):
            await shares.take(BOB, seconds=0)

    assert capsys.readouterr().out.count("overloaded") == 1
