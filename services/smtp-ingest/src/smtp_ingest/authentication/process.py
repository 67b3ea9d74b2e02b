"""The process that checks messages, as the daemon sees it: an interpreter of its own, with the CPU that mail leaves."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from fake_email.settings import Settings
from smtp_ingest.authentication import job as jobs
from smtp_ingest.authentication.job import LENGTH_OCTETS, Done, Job

_COMMAND = (sys.executable, "-P", "-m", "smtp_ingest.authentication")
# It reads what strangers wrote, and needs neither the database nor the service manager.
_WITHHELD = frozenset({"DATABASE_URL", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"})
_END_SECONDS = 2.0


class CheckProcess:
    """A running process; it reads jobs when it has CPU time for them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.returncode

    async def send(self, job: Job) -> None:
        """Return when the process has taken most of the job; what it never takes is lost with it."""
        assert self._process.stdin is not None  # noqa: S101  # it is a pipe
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in jobs.framed(job):
                self._process.stdin.write(piece)
                await self._process.stdin.drain()

    async def receive(self) -> Done | None:
        """The next job that is done; None when the process has ended."""
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            octets, _ = jobs.lengths(await self._process.stdout.readexactly(2 * LENGTH_OCTETS))
            return msgspec.msgpack.decode(await self._process.stdout.readexactly(octets), type=Done)
        except asyncio.IncompleteReadError:
            return None

    def kill(self) -> None:
        """End the process, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[CheckProcess]:
    """A process that runs during the block. Raises OSError when the process cannot be started."""
    environ = {name: value for name, value in os.environ.items() if name not in _WITHHELD}
    process = await asyncio.create_subprocess_exec(
        *(*_COMMAND, settings.authentication_resolver or "", ",".join(settings.domain)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environ,
    )
    running = CheckProcess(process)
    try:
        yield running
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
    finally:
        running.kill()
        await process.wait()
