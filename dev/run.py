"""`make run`: run both services and the page until Ctrl-C, on DATABASE_URL or on an embedded Postgres."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psycopg
from environment import ADDRESSES, ROOT, http_url, page_api_url, read
from postgres import EmbeddedPostgres
from postgres_cluster import PostgresError, ends_with_us

from fake_email.errors import SettingsError
from fake_email.postgres.connection import conninfo, why_unreachable
from fake_email.settings import Settings, load

_COMMANDS = Path(sys.executable).parent
_PAGE = ROOT / "dev" / "page.py"
_SERVICES = ("smtp-ingest", "http-api")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_READY_SECONDS = 20.0
_STOP_SECONDS = 1.5


class RunError(Exception):
    """The services could not start, or have stopped; the text is one line with the reason and the remedy."""


def main() -> None:
    """Exit status 0: stopped by a signal. 1: could not start, or a service ended. 2: a setting is wrong."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        _run(read())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0)
    except SettingsError as error:
        sys.stderr.write(f"make run: {error}\n")
        sys.exit(2)
    except (RunError, PostgresError) as error:
        sys.exit(f"make run: {error}")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _run(environ: dict[str, str]) -> None:
    postgres = None if environ.get("DATABASE_URL") else EmbeddedPostgres(ROOT / ".local" / "postgres")
    if postgres:
        environ["DATABASE_URL"] = postgres.url
    settings = load(environ, Settings)
    _check_port("SMTP_PORT", settings.smtp_host, settings.smtp_port)
    _check_port("HTTP_PORT", settings.http_host, settings.http_port)
    for variable, port in _metrics_ports(settings).items():
        _check_port(variable, settings.metrics_host, port)
    try:
        if postgres:
            postgres.start()
            print(f"Postgres: {postgres.url}", flush=True)
        else:
            _check_database(settings.database_url)
        _migrate(environ)
        raise RunError(asyncio.run(_serve(environ, settings)))
    finally:
        _ignore_signals()
        if postgres:
            postgres.stop()


def _metrics_ports(settings: Settings) -> dict[str, int]:
    ports = {"SMTP_METRICS_PORT": settings.smtp_metrics_port, "HTTP_METRICS_PORT": settings.http_metrics_port}
    return {variable: port for variable, port in ports.items() if port is not None}


def _check_port(variable: str, host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise RunError(
            f"cannot listen on {host}:{port} ({reason}): "
            f"stop the program that uses this port, or choose another one: make run {variable}={port + 1}"
        ) from None


def _check_database(database_url: str) -> None:
    try:
        psycopg.connect(conninfo(database_url)).close()
    except psycopg.OperationalError as error:
        raise RunError(
            f"no database answers at DATABASE_URL ({why_unreachable(error)}): "
            "start the database, correct DATABASE_URL, or unset it to use an embedded Postgres"
        ) from None


def _migrate(environ: dict[str, str]) -> None:
    """Bring the schema up to date; `fake-email migrate` logs what it applied, or why it failed."""
    command = [str(_COMMANDS / "fake-email"), "migrate"]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, start_new_session=True
    )
    if done.returncode != 0:
        sys.exit(done.returncode)


async def _serve(environ: dict[str, str], settings: Settings) -> str:
    """Run both services until a signal cancels this call, or until one service ends: then return the reason."""
    loop = asyncio.get_running_loop()
    reasons: asyncio.Queue[str] = asyncio.Queue()
    services: list[asyncio.subprocess.Process] = []
    async with asyncio.TaskGroup() as tasks:
        body = asyncio.current_task()
        assert body is not None
        for number in _SIGNALS:
            loop.add_signal_handler(number, body.cancel)
        try:
            for name in _SERVICES:
                # A new session: Ctrl-C then reaches this process alone, which stops the services in order.
                service = await asyncio.create_subprocess_exec(
                    *ends_with_us("TERM"), _COMMANDS / name, cwd=ROOT, env=environ, start_new_session=True
                )
                services.append(service)
                tasks.create_task(_report_end(name, service, reasons))
            if environ["WEB"] != "0":
                services.append(await _start_page(environ))
            greeting = tasks.create_task(_greet(environ, settings, reasons))
            reason = await reasons.get()
            greeting.cancel()
            return reason
        finally:
            await _end(services)


async def _start_page(environ: dict[str, str]) -> asyncio.subprocess.Process:
    """Build and serve the page beside the services, and after them where the processor is busy; they run without it."""
    # nice(1), and a session of its own, whose programs all end with it.
    command = [*ends_with_us("TERM"), "nice", sys.executable, str(_PAGE), page_api_url(environ), environ["WEB_PORT"]]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, start_new_session=True)


async def _report_end(name: str, service: asyncio.subprocess.Process, reasons: asyncio.Queue[str]) -> None:
    status = await service.wait()
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    reasons.put_nowait(f"{name} {how}, so everything was stopped")


async def _greet(environ: dict[str, str], settings: Settings, reasons: asyncio.Queue[str]) -> None:
    """Print how to try the services as soon as both answer."""
    health = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await _wait_for(b"220", settings.smtp_host, settings.smtp_port, farewell=b"QUIT\r\n")
            await _wait_for(b"HTTP/1.1 200", settings.http_host, settings.http_port, request=health)
    except TimeoutError:
        reasons.put_nowait(f"the services were not ready after {_READY_SECONDS:.0f} s; their log above says why")
        return
    url = http_url(environ)
    metrics = [f"http://{settings.metrics_host}:{port}/metrics" for port in _metrics_ports(settings).values()]
    overridden = [f" {name}={environ[name]}" for name in ADDRESSES if os.environ.get(name)]
    print(
        f"\nfake-email is running; press Ctrl-C to stop it."
        f"\n  SMTP      {settings.smtp_host}:{settings.smtp_port}, accepts mail to @{settings.domain[0]}"
        f"\n  HTTP      {url}, API description at {url}/api/openapi.json"
        f"\n  metrics   {', '.join(metrics)}"
        f"\nTry it in another terminal:"
        f"\n  make demo{''.join(overridden)}"
        f"\n  curl -X POST {url}/api/temporary-address\n",
        flush=True,
    )


async def _wait_for(prefix: bytes, host: str, port: int, *, request: bytes = b"", farewell: bytes = b"") -> None:
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                if (await reader.readline()).startswith(prefix):
                    writer.write(farewell)
                    return
            finally:
                writer.close()
        await asyncio.sleep(0.05)


async def _end(services: list[asyncio.subprocess.Process]) -> None:
    """Send SIGTERM to each service; after the deadline, or one more signal, kill the rest with their children."""
    loop = asyncio.get_running_loop()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS) as limit:
            for number in _SIGNALS:
                loop.add_signal_handler(number, limit.reschedule, loop.time())
            for service in services:
                with suppress(ProcessLookupError):
                    service.terminate()
            for service in services:
                await service.wait()
    _ignore_signals()
    for service in services:
        with suppress(ProcessLookupError):
            os.killpg(service.pid, signal.SIGKILL)
        await service.wait()


def _ignore_signals() -> None:
    """Ignore further signals: the rest is quick, and asyncio's handlers would call into a closed loop."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
