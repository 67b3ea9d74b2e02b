"""The tasks of a page's main thread, as the tracing of Chromium measures them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from support.browser import Tab

_TASK = "ThreadControllerImpl::RunTask"
_SHOWN = 5


class _Event(msgspec.Struct, frozen=True):
    """An event of a trace; its times are microseconds (`tdur` is CPU time)."""

    name: str
    ph: str
    pid: int = 0
    tid: int = 0
    tdur: int = 0
    args: dict[str, object] = {}


@asynccontextmanager
async def traced(tab: Tab) -> AsyncIterator[list[int]]:
    """At the end of the block, the list has the CPU time of the longest tasks in it, in milliseconds."""
    longest: list[int] = []
    trace = {"includedCategories": ["toplevel"], "recordMode": "recordContinuously"}
    await tab.call("Tracing.start", "", transferMode="ReportEvents", traceConfig=trace)
    yield longest
    await tab.call("Tracing.end", "")
    collected = await tab.until("Tracing.tracingComplete", "Tracing.dataCollected")
    events = [event for each in collected for event in msgspec.convert(each["value"], list[_Event])]
    main = {(event.pid, event.tid) for event in events if event.args.get("name") == "CrRendererMain"}
    tasks = [event.tdur for event in events if event.name == _TASK and (event.pid, event.tid) in main]
    longest.extend(round(each / 1000) for each in sorted(tasks, reverse=True)[:_SHOWN])
