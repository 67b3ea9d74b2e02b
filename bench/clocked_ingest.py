"""smtp-ingest whose event loop is clocked: each connection to CLOCK_PORT gets its longest hold so far, as JSON."""

import asyncio
import gc
import os
import sys
import time

import msgspec
import uvloop

from fake_email import command, log
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier
from smtp_ingest import daemon
from smtp_ingest.__main__ import give_large_messages_own_pages

_BEAT_SECONDS = 0.001
_SWITCH_SECONDS = 0.000_5


class Held(msgspec.Struct, kw_only=True):
    """The longest time for which one iteration of the event loop went on.

    `loop_seconds`: of the CPU time of its own thread. `process_seconds`: of that of all threads, one of which may have
    held the interpreter. `seconds`: by the clock, which counts other processes too.
    """

    loop_seconds: float = 0.0
    process_seconds: float = 0.0
    seconds: float = 0.0


class Clock:
    """Beats in the event loop, and tells the longest pause between two beats since it was last asked."""

    def __init__(self) -> None:
        self._held = Held()

    async def run(self) -> None:
        """Beat until cancelled."""
        held = self._held
        while True:
            before = time.thread_time(), time.process_time(), time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            held = self._held
            held.loop_seconds = max(held.loop_seconds, time.thread_time() - before[0])
            held.process_seconds = max(held.process_seconds, time.process_time() - before[1])
            held.seconds = max(held.seconds, time.monotonic() - before[2] - _BEAT_SECONDS)

    async def tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Write the hold, and begin anew."""
        writer.write(msgspec.json.encode(self._held))
        self._held = Held()
        writer.close()


async def _serve(settings: Settings) -> None:
    clock = Clock()
    listening = command.bind("SMTP", settings.smtp_host, settings.smtp_port, backlog=daemon.BACKLOG)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(clock.run())
        await asyncio.start_server(clock.tell, "127.0.0.1", int(os.environ["CLOCK_PORT"]))
        await daemon.serve(
            settings, None, daemon.Sockets(smtp=[listening], metrics=None), Notifier({}), asyncio.Event()
        )


def main() -> None:
    """Serve until killed."""
    settings = load(os.environ, Settings)
    log.configure("warning")
    command.raise_file_limit()
    sys.setswitchinterval(_SWITCH_SECONDS)  # as the command does
    gc.freeze()
    gc.enable()  # the command disables it while it imports
    give_large_messages_own_pages()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


if __name__ == "__main__":
    main()
