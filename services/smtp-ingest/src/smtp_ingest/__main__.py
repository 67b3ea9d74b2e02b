"""`smtp-ingest`: the SMTP daemon."""

import asyncio
import os
import sys

import uvloop

from fake_email import log
from fake_email.errors import SettingsError
from fake_email.settings import Settings, load
from smtp_ingest import daemon


def main() -> None:
    """Exit status 0: stopped by a signal. 1: the port is taken. 2: a variable of the environment is wrong."""
    try:
        settings = load(os.environ, Settings)
        log.configure(settings.log_level)
        listener = daemon.bind(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.exit(f"SMTP_HOST, SMTP_PORT: cannot listen on {settings.smtp_host}:{settings.smtp_port}: {error.strerror}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run(settings, listener))


if __name__ == "__main__":
    main()
