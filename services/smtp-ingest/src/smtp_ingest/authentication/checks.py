"""The checks of the daemon's messages: after the commit, in a process of its own, each with an end that is stored."""

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import structlog

from fake_email import client_network
from fake_email.authentication import NotChecked, Verdict, not_checked
from fake_email.errors import DatabaseAway, DatabaseFull
from fake_email.once_a_minute import OnceAMinute
from fake_email.postgres.pool import Database
from fake_email.settings import Settings
from fake_email.storage import verdicts
from fake_email.storage.incoming_message import IncomingMessage
from smtp_ingest.authentication import process as check_process
from smtp_ingest.authentication.daemon_load import DaemonLoad
from smtp_ingest.authentication.job import Done, Job
from smtp_ingest.authentication.pending_checks import PendingCheck, PendingChecks
from smtp_ingest.authentication.process import CheckProcess

log = structlog.get_logger()

# Half of PENDING_SECONDS, after which a message reads as not checked in any case.
_CHECK_SECONDS = 15.0
_LOOK_SECONDS = 1.0
_RESTART_SECONDS = 1.0
_NO_RESOLVER_SECONDS = 30.0
_LAST_SECONDS = 2.0
_MAX_UNSTORED = 200
_NO_RESOLVER_STATUS = 3


class Checks:
    """Checks messages that are committed; past its bounds, a message is known to be not checked before its commit.

    `counts` has the number of messages that were `checked`, and of those that were not, by their reason.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pending = PendingChecks()
        self._numbers = itertools.count()
        self._unsent: asyncio.Queue[int] = asyncio.Queue()
        self._unstored: asyncio.Queue[tuple[tuple[uuid.UUID, ...], Verdict]] = asyncio.Queue(_MAX_UNSTORED)
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._process: CheckProcess | None = None
        self._heard_at = 0.0
        self._no_resolver_until = 0.0
        self._load = DaemonLoad(now=time.monotonic(), cpu=time.process_time())
        self._skipped = 0
        self._once_ended, self._once_away, self._once_unstored = OnceAMinute(), OnceAMinute(), OnceAMinute()
        self._once_skipped = OnceAMinute()
        self.counts: Counter[str] = Counter()

    @property
    def pending(self) -> int:
        """The number of checks that have not ended."""
        return len(self._pending)

    def take_slot(self, client_address: str, octets: int, *, is_wanted: bool) -> NotChecked | None:
        """Take a slot for a message before its commit, or return why it has none."""
        reason: NotChecked | None = None
        if self._settings.authentication == "off":
            reason = "off"
        elif not is_wanted:
            reason = "mailbox"
        elif time.monotonic() < self._no_resolver_until:
            reason = "no_resolver"
        elif self._load.is_high or not self._pending.take_slot(client_network.network_of(client_address), octets):
            reason = "busy"
            self._note_skipped()
        if reason:
            self.counts[reason] += 1
        return reason

    def release_slot(self, client_address: str, octets: int) -> None:
        """Release the slot of a message that was not stored."""
        self._pending.release_slot(client_network.network_of(client_address), octets)

    def begin(self, incoming: IncomingMessage, ids: Sequence[uuid.UUID]) -> None:
        """Check a message that was committed, and that has a slot; `ids` are those in the mailboxes that want it."""
        number = next(self._numbers)
        trace = incoming.trace
        job = Job(
            number=number,
            client_address=trace.client_address,
            host_name=trace.host_name,
            reverse_path=incoming.reverse_path,
            protocol=trace.protocol,
            tls=trace.tls,
            content=incoming.content,
        )
        check = PendingCheck(
            ids=tuple(ids),
            network=client_network.network_of(trace.client_address),
            octets=incoming.octets,
            began_at=time.monotonic(),
            job=job,
        )
        self._pending.add(number, check)
        self._is_idle.clear()
        self._unsent.put_nowait(number)

    async def run(self, database: Database) -> None:
        """Check until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run_process())
            tasks.create_task(self._look())
            tasks.create_task(self._store(database))

    async def ended(self) -> None:
        """Return when all checks have ended, or after a moment: the daemon stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._is_idle.wait()
        for number, _ in self._pending.begun_before(time.monotonic()):
            self._end(number, "unfinished")
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._unstored.join()

    async def _run_process(self) -> None:
        """Run the process while there is work, and anew after it has ended."""
        while True:
            first = await self._unsent.get()
            try:
                async with check_process.started(self._settings) as running, asyncio.TaskGroup() as tasks:
                    self._process, self._heard_at = running, time.monotonic()
                    sending = tasks.create_task(self._send(running, first))
                    await self._receive(running)
                    sending.cancel()
                status = running.status
            except OSError as error:
                status = error.errno
                self._end(first, "unfinished")
            self._process = None
            self._end_lost(status)
            await asyncio.sleep(_RESTART_SECONDS)

    async def _send(self, running: CheckProcess, number: int) -> None:
        while True:
            check = self._pending.get(number)
            if check and check.job:
                job, check.job = check.job, None
                await running.send(job)
            number = await self._unsent.get()

    async def _receive(self, running: CheckProcess) -> None:
        while done := await running.receive():
            self._heard_at = time.monotonic()
            self._end(done.number, self._read(done))

    def _read(self, done: Done) -> Verdict | NotChecked:
        if done.verdict:
            return done.verdict
        if done.fault:
            log.error("check_failed", error=done.fault)
            return "unfinished"
        self._note_no_resolver()
        return "no_resolver"

    def _end_lost(self, status: int | None) -> None:
        """End the checks that the process had when it ended."""
        reason: NotChecked = "unfinished"
        if status == _NO_RESOLVER_STATUS:
            self._note_no_resolver()
            reason = "no_resolver"
        elif self._once_ended.is_due(time.monotonic()):
            log.warning("check_process_ended", status=status)
        for number, check in self._pending.begun_before(time.monotonic()):
            if check.job is None or reason == "no_resolver":
                self._end(number, reason)

    def _note_no_resolver(self) -> None:
        now = time.monotonic()
        self._no_resolver_until = now + _NO_RESOLVER_SECONDS
        if self._once_away.is_due(now):
            log.warning("resolver_away")

    def _note_skipped(self) -> None:
        self._skipped += 1
        if self._once_skipped.is_due(time.monotonic()):
            log.warning("checks_skipped", messages=self._skipped)
            self._skipped = 0

    async def _look(self) -> None:
        """Measure the load, and end the checks that the process has no time for; kill it when it has been silent."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._load.sample(now=time.monotonic(), cpu=time.process_time())
            moment = time.monotonic() - _CHECK_SECONDS
            for number, check in self._pending.begun_before(moment):
                is_sent = check.job is None
                self._end(number, "busy")
                self._note_skipped()
                if self._process and is_sent and self._heard_at < moment:
                    self._process.kill()

    def _end(self, number: int, end: Verdict | NotChecked) -> None:
        check = self._pending.end(number)
        if not self._pending:
            self._is_idle.set()
        if check is None:
            return
        verdict = end if isinstance(end, Verdict) else Verdict(authentication=not_checked(end))
        self.counts["checked" if isinstance(end, Verdict) else end] += 1
        with suppress(asyncio.QueueFull):  # the message reads as unfinished
            self._unstored.put_nowait((check.ids, verdict))

    async def _store(self, database: Database) -> None:
        while True:
            ids, verdict = await self._unstored.get()
            for each in ids:
                await self._store_one(database, each, verdict)
            self._unstored.task_done()

    async def _store_one(self, database: Database, message_id: uuid.UUID, verdict: Verdict) -> None:
        try:
            await database.write(lambda connection: verdicts.store(connection, message_id, verdict))
        except (DatabaseAway, DatabaseFull, psycopg.Error) as error:
            if self._once_unstored.is_due(time.monotonic()):
                log.warning("verdict_not_stored", error=type(error).__name__)
