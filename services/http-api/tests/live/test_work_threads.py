"""Threads for heavy work: they hold up the event loop no longer than a thread of its own priority does."""

import os
import threading

from http_api.live.work_threads import WorkThreads
from http_api.protocol.client_address import Client

ANN = Client(address="192.0.2.1", network=1, is_trusted=False)


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def test_a_thread_that_may_hold_the_interpreter_has_the_priority_of_the_event_loop() -> None:
    threads = WorkThreads("work_threads", threads=1)
    try:
        assert await threads.run(ANN, priority) == priority()
    finally:
        threads.stop()
