"""The load process: it sends to and reads from the pair over SMTP and HTTP alone. Run with python -m faults.load."""

import asyncio
import random
import sys
from collections.abc import Callable

import msgspec
import uvloop

from faults.ledger import Ledger, Reading
from faults.load_commands import Await, Begin, CheckRecovery, Command, Done, Finish
from faults.readers import Mailbox, Readers
from faults.smtp_clients import Outbox, RetryingClient

_CHECK_SECONDS = 0.01
_PATIENCE_SECONDS = 60.0
_SOURCES_AT_ONCE = 10
_RECENT_SECONDS = 0.5
_MOST_BEHIND = 10
_RUSH_SECONDS = 0.2


class Load:
    """All SMTP clients and readers, from `begin` to `finish`."""

    def __init__(self, begin: Begin, tasks: asyncio.TaskGroup) -> None:
        self._begin = begin
        self._tasks = tasks
        self._outbox = Outbox(begin.smtp_host, begin.smtp_port, seed=begin.seed)
        self._readers = Readers(begin.http_url)
        self._mailboxes: list[Mailbox] = []
        self._sending: list[asyncio.Task[None]] = []
        self._reading: list[asyncio.Task[None]] = []
        self._rush = asyncio.Event()
        self._is_stopping = False
        self._late: list[str] = []

    @property
    def acknowledged(self) -> int:
        return self._outbox.acknowledged

    async def begin(self) -> None:
        """Make the mailboxes, and start all readers and SMTP clients."""
        for number in range(self._begin.mailboxes + 1):
            mailbox = await self._readers.make_mailbox(private=number % 2 == 1)
            self._mailboxes.append(mailbox)
            for read in (self._readers.poll, self._readers.wait, self._readers.follow):
                self._reading.append(self._tasks.create_task(read(mailbox)))
        # The last mailbox gets mail from check_recovery alone: elsewhere the next message hides a lost notification.
        addresses = [each.address for each in self._mailboxes[:-1]]
        for number in range(self._begin.clients):
            client = RetryingClient(self._outbox, chance=random.Random(f"{self._begin.seed} client {number}"))
            pause_seconds = self._begin.clients / self._begin.messages_per_second
            run = client.run(
                addresses,
                pause_seconds=pause_seconds,
                rush=self._rush,
                is_behind=self._is_behind,
                is_stopping=lambda: self._is_stopping,
            )
            self._sending.append(self._tasks.create_task(run))

    def _is_behind(self) -> bool:
        """Return whether a reader is behind although it was served just now: this machine can read no faster."""
        served_since = asyncio.get_running_loop().time() - _RECENT_SECONDS
        return any(
            reading.shown
            and reading.shown[-1].at > served_since
            and self._outbox.acknowledged_for[reading.address] - len(reading.shown) > _MOST_BEHIND
            for reading in self._readers.readings
        )

    async def await_acknowledged(self, more: int) -> None:
        """Return when `more` messages are acknowledged, or after a minute; until then no SMTP client pauses.

        The rush goes on for a moment, in which the fault is injected: without a rush, hardly any message is being
        committed at that moment.
        """
        goal = self.acknowledged + more
        self._rush.set()
        await _until(lambda: self.acknowledged >= goal)
        asyncio.get_running_loop().call_later(_RUSH_SECONDS, self._end_rush)

    def _end_rush(self) -> None:
        if not self._is_stopping:
            self._rush.clear()

    async def check_recovery(self, within_seconds: float, stale_seconds: float) -> None:
        """Send a message to each mailbox from a new SMTP client, and await it at each reader; await a healthy API."""
        due_at = asyncio.get_running_loop().time() + within_seconds
        async with asyncio.TaskGroup() as probes:
            probes.create_task(self._check_health(due_at))
            for mailbox in self._mailboxes:
                probes.create_task(self._check_mailbox(mailbox, due_at, stale_seconds))

    async def _check_mailbox(self, mailbox: Mailbox, due_at: float, stale_seconds: float) -> None:
        address = mailbox.address
        client = RetryingClient(self._outbox, chance=random.Random(address))
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                sent = await client.send([address])
        except TimeoutError:
            self._late.append(f"mail to {address} is no longer accepted")
            return
        await client.quit()
        self._note_late(f"mail to {address} was accepted", sent.acknowledged_at - due_at)
        if stale_seconds:
            await self._check_new_reader(mailbox, sent.number, due_at)
        for reading in self._readers.readings:
            if reading.address == address:
                await self._await_shown(reading, sent.number, due_at + stale_seconds)

    async def _check_new_reader(self, mailbox: Mailbox, number: int, due_at: float) -> None:
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
            self._note_late(f"{reading.way} of {reading.address} showed the message", at - due_at)
        else:
            self._late.append(f"{reading.way} of {reading.address} no longer shows mail")

    async def _check_health(self, due_at: float) -> None:
        loop = asyncio.get_running_loop()
        while not await self._readers.is_healthy():
            if loop.time() > due_at + _PATIENCE_SECONDS:
                self._late.append("/api/health is no longer OK")
                return
            await asyncio.sleep(_CHECK_SECONDS)
        self._note_late("/api/health was OK", loop.time() - due_at)

    def _note_late(self, event: str, seconds: float) -> None:
        if seconds > 0:
            self._late.append(f"{event} {seconds:.1f} s too late")

    async def finish(self) -> Ledger:
        """Send no new message, settle the rest, await its readers, and return the ledger."""
        self._is_stopping = True
        self._rush.set()
        if self._sending:
            await asyncio.wait(self._sending, timeout=_PATIENCE_SECONDS)
        await _until(self._is_all_shown)
        for task in (*self._sending, *self._reading):
            task.cancel()
        sources = await self._fetch_sources()
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

    async def _fetch_sources(self) -> dict[str, str]:
        """Return the hash of each shown message's source, by message id."""
        mailboxes = {each.address: each for each in self._mailboxes}
        octets = {each.number: each.octets for each in self._outbox.sent}
        shown = {
            each.id: (reading.address, each.number) for reading in self._readers.readings for each in reading.shown
        }
        slots = asyncio.Semaphore(_SOURCES_AT_ONCE)

        async def source(message_id: str, address: str, number: int) -> tuple[str, str]:
            async with slots:
                return message_id, await self._readers.source_sha256(
                    mailboxes[address], message_id, octets.get(number, 0)
                )

        return dict(await asyncio.gather(*(source(each, *where) for each, where in shown.items())))


def _numbers(reading: Reading) -> set[int]:
    return {each.number for each in reading.shown}


async def _until(is_so: Callable[[], bool]) -> bool:
    """Return whether `is_so` became true within a minute."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not is_so():  # noqa: ASYNC110  # many tasks change it
                await asyncio.sleep(_CHECK_SECONDS)
    except TimeoutError:
        return False
    return True


async def _run_commands() -> None:
    loop = asyncio.get_running_loop()
    load: Load | None = None
    async with asyncio.TaskGroup() as tasks:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            response: Done | Ledger
            command = msgspec.json.decode(line, type=Command)
            if isinstance(command, Begin):
                load = Load(command, tasks)
                await load.begin()
            assert load is not None
            match command:
                case Await():
                    await load.await_acknowledged(command.acknowledged)
                case CheckRecovery():
                    await load.check_recovery(command.within_seconds, command.stale_seconds)
            response = await load.finish() if isinstance(command, Finish) else Done(acknowledged=load.acknowledged)
            print(msgspec.json.encode(response).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(_run_commands())
