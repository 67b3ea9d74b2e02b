"""Restart the units one by one, and check that they run."""

import time
from collections.abc import Callable
from typing import NamedTuple

from installer.errors import Failed
from installer.host import run

HTTP_API = "fake-email-http-api.service"
SMTP_INGEST = "fake-email-smtp-ingest.service"
SMTP_SOCKET = "fake-email-smtp-ingest.socket"
HTTP_SOCKET = "fake-email-http-api.socket"
SMTP_METRICS = "fake-email-smtp-ingest-metrics.socket"
HTTP_METRICS = "fake-email-http-api-metrics.socket"
TARGET = "fake-email.target"
SERVICES = (HTTP_API, SMTP_INGEST)
SOCKETS = {SMTP_SOCKET: SMTP_INGEST, HTTP_SOCKET: HTTP_API, SMTP_METRICS: SMTP_INGEST, HTTP_METRICS: HTTP_API}
PORTS = {SMTP_SOCKET: 25, HTTP_SOCKET: 3001, SMTP_METRICS: 9325, HTTP_METRICS: 9301}

_READY_SECONDS = 30.0
# A stop waits for SMTP transactions in progress; the unit's TimeoutStopSec ends the wait before this limit.
_STOP_SECONDS = 120.0
_POLL_SECONDS = 0.1


class State(NamedTuple):
    active: str
    sub: str
    result: str
    status: str
    restarts: int
    invocation: str
    active_since: float  # seconds on the clock of time.monotonic


def state(unit: str) -> State:
    names = "ActiveState,SubState,Result,ExecMainStatus,NRestarts,InvocationID,ActiveEnterTimestampMonotonic"
    shown = run("systemctl", "show", f"--property={names}", unit).output
    values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return State(
        active=values.get("ActiveState", "unknown"),
        sub=values.get("SubState", ""),
        result=values.get("Result", ""),
        status=values.get("ExecMainStatus", "0"),
        restarts=int(values.get("NRestarts", 0)),
        invocation=values.get("InvocationID", ""),
        active_since=int(values.get("ActiveEnterTimestampMonotonic", 0)) / 1_000_000,
    )


def restart(unit: str) -> None:
    """Restart `unit` and wait until it says that it is ready; raises Failed after 30 s, or when it ends."""
    if state(unit).sub == "auto-restart":
        # Between the two commands below systemd's own restart would count as an end of the release that starts now.
        systemctl("stop", unit)
    before = state(unit).invocation
    systemctl("reset-failed", unit)  # else systemd counts deploys in a row as failures and gives up
    systemctl("restart", "--no-block", unit)
    _wait(lambda: state(unit).invocation not in {before, ""}, _STOP_SECONDS, f"{unit} was not restarted")

    def is_ready() -> bool:
        now = state(unit)
        _must_live(unit, now)
        return now.active == "active"  # the units are Type=notify

    try:
        _wait(is_ready, _READY_SECONDS, f"{unit} is not ready")
    except TimeoutError as late:
        raise Failed(str(late)) from None


def start_socket(socket: str) -> None:
    """Start a socket unit, which binds its port; raises Failed when it cannot bind."""
    if state(socket).active != "active":
        systemctl("reset-failed", socket)
        # systemd does not start a socket whose service is running. Clients of its other socket start the service again
        # as soon as it has stopped; a start that is queued before that comes first.
        systemctl("stop", "--no-block", SOCKETS[socket])
        if systemctl("start", socket):
            raise Failed(f"{socket} cannot bind port {PORTS[socket]}")


def watch(seconds: float) -> None:
    """Return when both services have been active for that long; raises Failed when one ends earlier."""
    at_first = {unit: state(unit) for unit in SERVICES}

    def is_over() -> bool:
        for unit, first in at_first.items():
            now = state(unit)
            _must_live(unit, now)
            if now.invocation != first.invocation:
                raise Failed(f"{unit} ended within {seconds:.0f} s of its start")
        return time.monotonic() >= max(first.active_since for first in at_first.values()) + seconds

    _wait(is_over, seconds + _READY_SECONDS, "the services were not watched")


def must_live(seconds: float) -> None:
    """Raise Failed when a service has ended since its start, or ends within the next `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for unit in SERVICES:
            _must_live(unit, state(unit))
        time.sleep(_POLL_SECONDS)


def _must_live(unit: str, now: State) -> None:
    if now.active == "failed" or now.sub == "auto-restart" or now.restarts:
        raise Failed(f"{unit} ended after its start")


def _wait(is_done: Callable[[], bool], seconds: float, failure: str) -> None:
    end = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > end:
            raise TimeoutError(f"{failure} within {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def systemctl(*arguments: str) -> int:
    """Run systemctl and return its exit status."""
    return run("systemctl", *arguments, seconds=150.0).status
