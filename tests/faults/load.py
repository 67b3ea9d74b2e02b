"""The process that drives the pair from outside, with nothing but SMTP and HTTP: python -m faults.load."""

import asyncio
import random
import sys
from collections.abc import Callable

import msgspec
import uvloop

from faults.ledger import Ledger, Reading
from faults.load_commands import Await, Begin, BeWell, Done, Finish, Order
from faults.readers import Mailbox, Readers
from faults.smtp_clients import Outbox, Outgoing

_TURN_SECONDS = 0.01
_PATIENCE_SECONDS = 60.0
_SOURCES_AT_ONCE = 10
_SERVED_SECONDS = 0.5
_BEHIND = 10
_HASTE_SECONDS = 0.2


class Clients:
    """Everybody outside, from `begin` to `finish`."""

    def __init__(self, begin: Begin, tasks: asyncio.TaskGroup) -> None:
        self._begin = begin
        self._tasks = tasks
        self._outbox = Outbox(begin.smtp_host, begin.smtp_port, seed=begin.seed)
        self._readers = Readers(begin.http_url)
        self._mailboxes: list[Mailbox] = []
        self._sending: list[asyncio.Task[None]] = []
        self._reading: list[asyncio.Task[None]] = []
        self._haste = asyncio.Event()
        self._is_enough = False
        self._late: list[str] = []

    @property
    def acknowledged(self) -> int:
        return self._outbox.acknowledged

    async def begin(self) -> None:
        """Return when everybody is at it."""
        for number in range(self._begin.mailboxes + 1):
            mailbox = await self._readers.make_mailbox(private=number % 2 == 1)
            self._mailboxes.append(mailbox)
            for read in (self._readers.poll, self._readers.wait, self._readers.follow):
                self._reading.append(self._tasks.create_task(read(mailbox)))
        # Where mail always comes, the next one makes up for a message that nobody was told of; so one stays quiet.
        addresses = [each.address for each in self._mailboxes[:-1]]
        for number in range(self._begin.clients):
            client = Outgoing(self._outbox, chance=random.Random(f"{self._begin.seed} client {number}"))
            pause_seconds = self._begin.clients / self._begin.messages_per_second
            run = client.run(
                addresses,
                pause_seconds=pause_seconds,
                haste=self._haste,
                is_too_much=self._is_too_much,
                is_enough=lambda: self._is_enough,
            )
            self._sending.append(self._tasks.create_task(run))

    def _is_too_much(self) -> bool:
        """Whether a reader is served and behind all the same: then this machine can read no more than it does."""
        served_since = asyncio.get_running_loop().time() - _SERVED_SECONDS
        return any(
            reading.shown
            and reading.shown[-1].at > served_since
            and self._outbox.acknowledged_for[reading.address] - len(reading.shown) > _BEHIND
            for reading in self._readers.readings
        )

    async def reach(self, more: int) -> None:
        """Return when so many more messages are acknowledged, or it takes too long; nobody pauses until then.

        Nor does anybody for a moment more, in which the fault comes: where one message comes after another, hardly
        one is just being committed.
        """
        goal = self.acknowledged + more
        self._haste.set()
        await _until(lambda: self.acknowledged >= goal)
        asyncio.get_running_loop().call_later(_HASTE_SECONDS, self._calm_down)

    def _calm_down(self) -> None:
        if not self._is_enough:
            self._haste.clear()

    async def be_well(self, within_seconds: float, standing_seconds: float) -> None:
        """A message to each mailbox, from a client that has been nowhere, is shown by each of its readers; OK."""
        due_at = asyncio.get_running_loop().time() + within_seconds
        async with asyncio.TaskGroup() as probes:
            probes.create_task(self._ask_health(due_at))
            for mailbox in self._mailboxes:
                probes.create_task(self._probe(mailbox, due_at, standing_seconds))

    async def _probe(self, mailbox: Mailbox, due_at: float, standing_seconds: float) -> None:
        address = mailbox.address
        client = Outgoing(self._outbox, chance=random.Random(address))
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                sent = await client.send([address])
        except TimeoutError:
            self._late.append(f"{address} takes no mail any more")
            return
        await client.leave()
        self._note_late(f"mail to {address} was taken", sent.acknowledged_at - due_at)
        if standing_seconds:
            await self._read_afresh(mailbox, sent.number, due_at)
        for reading in self._readers.readings:
            if reading.address == address:
                await self._await_shown(reading, sent.number, due_at + standing_seconds)

    async def _read_afresh(self, mailbox: Mailbox, number: int, due_at: float) -> None:
        readers = Readers(self._begin.http_url)
        poll = self._tasks.create_task(readers.poll(mailbox))
        await asyncio.sleep(0)
        await self._await_shown(readers.readings[0], number, due_at)
        poll.cancel()
        await readers.http.aclose()

    async def _await_shown(self, reading: Reading, number: int, due_at: float) -> None:
        is_shown = await _until(lambda: number in _numbers(reading))
        at = next((each.at for each in reading.shown if each.number == number), 0.0)
        if is_shown:
            self._note_late(f"{reading.way} of {reading.address} showed it", at - due_at)
        else:
            self._late.append(f"{reading.way} of {reading.address} shows no mail any more")

    async def _ask_health(self, due_at: float) -> None:
        loop = asyncio.get_running_loop()
        while not await self._readers.is_healthy():
            if loop.time() > due_at + _PATIENCE_SECONDS:
                self._late.append("/api/health is not OK any more")
                return
            await asyncio.sleep(_TURN_SECONDS)
        self._note_late("/api/health was OK", loop.time() - due_at)

    def _note_late(self, what: str, seconds: float) -> None:
        if seconds > 0:
            self._late.append(f"{what} {seconds:.1f} s too late")

    async def finish(self) -> Ledger:
        """Settle what was begun, have it read, and say all."""
        self._is_enough = True
        self._haste.set()
        if self._sending:
            await asyncio.wait(self._sending, timeout=_PATIENCE_SECONDS)
        await _until(self._is_all_shown)
        for task in (*self._sending, *self._reading):
            task.cancel()
        sources = await self._sources()
        await self._readers.http.aclose()
        return Ledger(
            sent=self._outbox.sent,
            readings=self._readers.readings,
            sources=sources,
            late=self._late,
            replies=self._outbox.replies,
            statuses=self._readers.statuses,
        )

    def _is_all_shown(self) -> bool:
        return all(
            {each.number for each in self._outbox.sent if each.is_acknowledged and reading.address in each.addresses}
            <= _numbers(reading)
            for reading in self._readers.readings
        )

    async def _sources(self) -> dict[str, str]:
        """By message id."""
        mailboxes = {each.address: each for each in self._mailboxes}
        octets = {each.number: each.octets for each in self._outbox.sent}
        shown = {
            each.id: (reading.address, each.number) for reading in self._readers.readings for each in reading.shown
        }
        turns = asyncio.Semaphore(_SOURCES_AT_ONCE)

        async def source(message_id: str, address: str, number: int) -> tuple[str, str]:
            async with turns:
                return message_id, await self._readers.source_sha256(
                    mailboxes[address], message_id, octets.get(number, 0)
                )

        return dict(await asyncio.gather(*(source(each, *where) for each, where in shown.items())))


def _numbers(reading: Reading) -> set[int]:
    return {each.number for each in reading.shown}


async def _until(is_so: Callable[[], bool]) -> bool:
    """Whether it became so in time."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not is_so():  # noqa: ASYNC110  # told by many
                await asyncio.sleep(_TURN_SECONDS)
    except TimeoutError:
        return False
    return True


async def _obey() -> None:
    loop = asyncio.get_running_loop()
    clients: Clients | None = None
    async with asyncio.TaskGroup() as tasks:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            answer: Done | Ledger
            order = msgspec.json.decode(line, type=Order)
            if isinstance(order, Begin):
                clients = Clients(order, tasks)
                await clients.begin()
            assert clients is not None
            match order:
                case Await():
                    await clients.reach(order.acknowledged)
                case BeWell():
                    await clients.be_well(order.within_seconds, order.standing_seconds)
            answer = await clients.finish() if isinstance(order, Finish) else Done(acknowledged=clients.acknowledged)
            print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_obey())
