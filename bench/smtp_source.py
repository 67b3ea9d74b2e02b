"""Postfix's smtp-source as the load: a client in C, which leaves more of the machine to the server than ours."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from typing import IO

from bench.load import Order, Result

_WARM_SECONDS = 0.2
_COUNTS = re.compile(rb"(\d+)\r")
_ENDLESS = "1000000000"


def find() -> str | None:
    """The path of smtp-source; None when it is not installed."""
    return shutil.which("smtp-source", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def send(path: str, order: Order) -> Result:
    """Carry out `order`, in which each message has the same text; its last messages may be unacknowledged.

    One mailbox gets one process with all sessions. For several, each session is a process with a mailbox of its own.
    """
    recipients = order.recipients[: order.sessions]
    outputs: list[IO[bytes]] = []
    programs = []
    try:
        for recipient in recipients:
            program = subprocess.Popen(
                _command(path, order, recipient, order.sessions // len(recipients)), stdout=subprocess.PIPE
            )
            programs.append(program)
            if program.stdout:
                os.set_blocking(program.stdout.fileno(), False)
                outputs.append(program.stdout)
        counts = [0] * len(outputs)
        began_at = time.monotonic()
        time.sleep(_WARM_SECONDS)
        _read(outputs, counts)
        counted_from, before = time.monotonic(), sum(counts)
        time.sleep(order.seconds)
        _read(outputs, counts)
        ended_at, counted = time.monotonic(), sum(counts) - before
    finally:
        for program in programs:
            program.kill()
    _read(outputs, counts)
    busy = sum(_cpu_seconds(program) for program in programs) / (time.monotonic() - began_at)
    return Result(
        per_second=max(counted, 1) / (ended_at - counted_from),
        acknowledged=sum(counts),
        seconds=ended_at - began_at,
        busy=busy,
    )


def _command(path: str, order: Order, recipient: str, sessions: int) -> list[str]:
    return [
        path,
        "-c",
        *(() if order.closes_after_message else ("-d",)),
        *("-s", str(sessions), "-m", _ENDLESS, "-l", str(order.octets)),
        *("-M", "client.test", "-f", "writer@client.test", "-t", recipient),
        f"{order.host}:{order.port}",
    ]


def _read(outputs: Sequence[IO[bytes]], counts: list[int]) -> None:
    """Set each count to the last number that the program has printed; each number ends with a carriage return."""
    for number, output in enumerate(outputs):
        found = _COUNTS.findall(output.read() or b"")
        if found:
            counts[number] = int(found[-1])


def _cpu_seconds(program: subprocess.Popen[bytes]) -> float:
    _, _, spent = os.wait4(program.pid, 0)
    program.returncode = 0
    return spent.ru_utime + spent.ru_stime
