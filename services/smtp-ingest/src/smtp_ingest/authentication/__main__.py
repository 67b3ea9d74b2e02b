"""The process that checks messages: python -m smtp_ingest.authentication RESOLVER DOMAINS.

It reads jobs from stdin until that ends, and writes what it found to stdout. RESOLVER is empty for that of the host.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from fake_email.settings import dns_server
from smtp_ingest.authentication import job as jobs
from smtp_ingest.authentication import message_check
from smtp_ingest.authentication.half_core import HalfCore
from smtp_ingest.authentication.job import LENGTH_OCTETS, Done, Job
from smtp_ingest.authentication.resolver import NoResolverError, Resolver

NO_RESOLVER_STATUS = 3
_NICE = 19


def main() -> None:
    """Check with what CPU others leave. Exit status 0: stdin has ended; 3: there is no resolver."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # these may go to all processes of the service
    with suppress(PermissionError):  # where a systemd unit forbids the system call
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    resolver, domains = sys.argv[1:]
    try:
        asyncio.run(_serve(Resolver(dns_server(resolver) if resolver else None), domains.split(",")))
    except NoResolverError:
        sys.exit(NO_RESOLVER_STATUS)


async def _serve(resolver: Resolver, own_names: Sequence[str]) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    # One thread: what it computes takes memory too.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
    half_core = HalfCore(now=time.monotonic(), cpu=time.process_time())
    async with asyncio.TaskGroup() as tasks:
        with suppress(asyncio.IncompleteReadError):
            while True:
                await asyncio.sleep(half_core.rest_seconds(now=time.monotonic(), cpu=time.process_time()))
                tasks.create_task(_check(await _read(reader), resolver, own_names))


async def _read(reader: asyncio.StreamReader) -> Job:
    octets, content_octets = jobs.lengths(await reader.readexactly(2 * LENGTH_OCTETS))
    return jobs.job(await reader.readexactly(octets), await reader.readexactly(content_octets))


async def _check(job: Job, resolver: Resolver, own_names: Sequence[str]) -> None:
    try:
        done = Done(number=job.number, verdict=await message_check.check(job, resolver, own_names))
    except Exception as error:  # noqa: BLE001  # the edge: the other messages are checked all the same
        done = Done(number=job.number, fault=type(error).__name__)
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(b"".join(jobs.framed(done)))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
