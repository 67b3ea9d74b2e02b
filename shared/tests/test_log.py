"""The lines that a process writes to stderr, for our own events and those of libraries."""

import datetime
import os
import pty
import subprocess
import sys
from contextlib import suppress

import msgspec
import psutil
from support.harness import Pair

PREAMBLE = """
import asyncio, logging, sys
import structlog
from fake_email import log as configuration
log = structlog.get_logger()
configuration.configure(sys.argv[1])
"""
FAILURE = """
def fail(secret="ses" + "ame"):
    raise ValueError("too much")
try:
    fail()
except ValueError:
    {}
"""


class Line(msgspec.Struct, kw_only=True):
    """A line of JSON, with the fields that tests compare."""

    event: str
    level: str
    time: datetime.datetime
    logger: str | None = None
    exception: str = ""
    session: int | str | None = None
    value: object = None


def run(program: str, level: str = "info") -> list[Line]:
    """The lines that a process writes whose stderr is not a terminal."""
    completed = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program, level], check=True, capture_output=True, timeout=20
    )
    assert completed.stdout == b""
    return [msgspec.json.decode(line, type=Line) for line in completed.stderr.splitlines()]


def run_on_terminal(program: str) -> str:
    ours, theirs = pty.openpty()
    shown = b""
    with subprocess.Popen([sys.executable, "-c", PREAMBLE + program, "info"], stderr=theirs) as process:
        os.close(theirs)
        with suppress(OSError):  # Linux' end of file, once the other side is closed
            while octets := os.read(ours, 4_096):
                shown += octets
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def test_an_event_is_one_line_of_json_with_its_time_in_utc() -> None:
    before = datetime.datetime.now(datetime.UTC)

    [line] = run('log.info("message_stored", value="bücher.test")')

    assert (line.event, line.level, line.value) == ("message_stored", "info", "bücher.test")
    assert line.time.tzinfo == datetime.UTC
    assert before < line.time < datetime.datetime.now(datetime.UTC)


def test_values_bound_to_the_context_are_in_every_line() -> None:
    lines = run("""
structlog.contextvars.bind_contextvars(session=7)
log.info("session_began")
logging.getLogger("litestar").warning("Slow")
""")

    assert [line.session for line in lines] == [7, 7]


def test_events_below_the_level_are_not_logged() -> None:
    program = """
for level in "debug", "info", "warning", "error":
    getattr(log, level)("ours")
    getattr(logging.getLogger("litestar"), level)("theirs")
"""

    lines = run(program, "warning")

    assert [(line.event, line.level) for line in lines] == [
        ("ours", "warning"),
        ("theirs", "warning"),
        ("ours", "error"),
        ("theirs", "error"),
    ]


def test_an_exception_is_part_of_its_one_line() -> None:
    [line] = run(FAILURE.format('log.exception("batch_failed")'))

    assert line.event == "batch_failed"
    assert line.exception.startswith("Traceback (most recent call last):\n")
    assert line.exception.endswith("\nValueError: too much")


def test_an_exception_that_a_library_logs_is_part_of_its_one_line() -> None:
    [line] = run(FAILURE.format('logging.getLogger("litestar").exception("Uncaught")'))

    assert (line.event, line.level, line.logger) == ("Uncaught", "error", "litestar")
    assert line.exception.endswith("\nValueError: too much")


def test_events_of_library_loggers_are_json_too() -> None:
    loggers = ["root", "_granian", "litestar", "psycopg", "psycopg.pool", "asyncio", "mail.log", "another"]

    lines = run(f"for name in {loggers}: logging.getLogger(name).critical('%s failed', 'All')")

    assert [line.logger for line in lines] == loggers
    assert {(line.event, line.level) for line in lines} == {("All failed", "critical")}


def test_a_handler_that_a_library_installed_before_is_replaced() -> None:
    [line] = run("""
logging.basicConfig(format="%(message)s", force=True)
configuration.configure("info")
logging.getLogger("litestar").warning("Slow")
""")

    assert (line.event, line.logger) == ("Slow", "litestar")


def test_an_exception_of_a_task_that_nobody_awaited_is_json_too() -> None:
    [line] = run("""
async def fail():
    raise ValueError("too much")

async def main():
    task = asyncio.create_task(fail())
    await asyncio.wait([task])

asyncio.run(main())
""")

    assert line.logger == "asyncio"
    assert line.exception.endswith("\nValueError: too much")


def test_each_smtp_command_and_connection_attempt_that_a_library_logs_is_dropped_at_every_level() -> None:
    lines = run(
        """
logging.getLogger("mail.log").info("RCPT TO:<reader@mx.test>")
logging.getLogger("psycopg.pool").warning("error connecting")
""",
        "debug",
    )

    assert lines == []


def test_a_value_without_a_json_form_is_logged_anyway() -> None:
    values = r"b'\xff', object(), ValueError('too much'), {1: {2}}, '\udcff'"

    lines = run(f"for value in {values}: log.info('event', value=value)")

    assert len([line for line in lines if line.value]) == 5


def test_on_a_terminal_an_event_is_a_readable_line() -> None:
    shown = run_on_terminal('log.info("message_stored", recipients=2)')

    assert "message_stored" in shown
    assert "{" not in shown


def test_on_a_terminal_an_exception_is_shown_without_the_values_of_variables() -> None:
    shown = run_on_terminal(FAILURE.format('log.exception("batch_failed")'))

    assert "ValueError" in shown
    assert "sesame" not in shown


def test_every_line_that_a_service_writes_is_json(pair: Pair) -> None:
    written = [line for service in pair.services for line in service.log.read_text().splitlines()]

    lines = [msgspec.json.decode(line, type=Line) for line in written]

    assert {"listening", "listening_for_messages"} <= {line.event for line in lines}


def test_events_of_granian_are_json_too(own_pair: Pair) -> None:
    service = own_pair.start_http()

    for worker in psutil.Process(service.pid).children():
        worker.kill()
    service.process.wait(20)

    lines = [msgspec.json.decode(line, type=Line) for line in service.log.read_text().splitlines()]
    assert "_granian" in {line.logger for line in lines}
