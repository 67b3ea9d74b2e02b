"""`http-api`: the HTTP service."""

import os
import sys

from fake_email import log, process
from fake_email.errors import SettingsError
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier
from http_api import server


def main() -> None:
    """Exit status 0: stopped by a signal. 1: the port is taken or a worker died. 2: the environment is wrong."""
    process.command_line(
        "http-api", "The HTTP service of fake-email; its settings come from the environment."
    ).parse_args()
    try:
        settings = load(os.environ, Settings)
        log.configure(settings.log_level)
        notifier = Notifier(os.environ)
        server.probe(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.exit(f"HTTP_HOST, HTTP_PORT: cannot listen on {settings.http_host}:{settings.http_port}: {error.strerror}")
    process.raise_file_limit()
    server.serve(settings, notifier)


if __name__ == "__main__":
    main()
