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
from smtp_ingest.starttls import Certificate

# A parser thread hands the interpreter back to the event loop after this time; CPython's 5 ms would delay each reply.
_SWITCH_SECONDS = 0.000_5


def main() -> None:
    """Run the daemon. Exit status 0: stopped by a signal; 1: the port is in use; 2: a setting is invalid."""
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
        sockets = systemd.listeners(os.environ) or [daemon.bind(settings)]
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.exit(f"SMTP_HOST, SMTP_PORT: cannot listen on {settings.smtp_host}:{settings.smtp_port}: {error.strerror}")
    command.raise_file_limit()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()  # Modules are never garbage, and each collection would scan them for tens of milliseconds.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run(settings, certificate, sockets, notifier))


if __name__ == "__main__":
    main()
