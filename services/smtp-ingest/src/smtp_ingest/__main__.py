"""`smtp-ingest`: the SMTP daemon."""

import asyncio
import gc
import os
import sys

import uvloop

from fake_email import command, log, systemd
from fake_email.errors import SettingsError
from fake_email.settings import Settings, load
from smtp_ingest import daemon
from smtp_ingest.certificate import Certificate

# The thread that parses gives the event loop its turn this soon; CPython's own 5 ms would be felt in each reply.
_SWITCH_SECONDS = 0.000_5


def main() -> None:
    """Exit status 0: stopped by a signal. 1: the port is taken. 2: a variable of the environment is wrong."""
    command.argument_parser(
        "smtp-ingest", "The SMTP daemon of fake-email; its settings come from the environment."
    ).parse_args()
    try:
        settings = load(os.environ, Settings)
        log.configure(settings.log_level)
        certificate = None
        if settings.tls_cert_file and settings.tls_key_file:
            certificate = Certificate(settings.tls_cert_file, settings.tls_key_file)
        notifier = systemd.Notifier(os.environ)
        listeners = systemd.listeners(os.environ) or [daemon.bind(settings)]
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.exit(f"SMTP_HOST, SMTP_PORT: cannot listen on {settings.smtp_host}:{settings.smtp_port}: {error.strerror}")
    command.raise_file_limit()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()  # what was imported stays: to look through it for garbage takes tens of milliseconds
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run(settings, certificate, listeners, notifier))


if __name__ == "__main__":
    main()
