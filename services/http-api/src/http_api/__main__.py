"""`http-api`: the HTTP service."""

import gc
import os
import sys

from fake_email import command, log
from fake_email.errors import SettingsError
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier

# Granian's library has an allocator of its own (jemalloc), which keeps 1 KB for each open stream that nobody uses; it
# reads this when it is loaded, and that is before anything here is called.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0")
# What is imported stays: to look for garbage in it, again and again, is a fifth of the time that a start takes.
gc.disable()

from http_api.serving import server  # noqa: E402  # with what stands above
from http_api.serving.granian_socket import GranianSocket  # noqa: E402  # as well


def main() -> None:
    """Exit status 0: stopped by a signal. 1: the port is taken or a worker died. 2: the environment is wrong."""
    command.argument_parser(
        "http-api", "The HTTP service of fake-email; its settings come from the environment."
    ).parse_args()
    try:
        settings = load(os.environ, Settings)
        log.configure(settings.log_level)
        notifier = Notifier(os.environ)
        http_socket = GranianSocket(settings, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except OSError as error:
        sys.exit(f"HTTP_HOST, HTTP_PORT: cannot listen on {settings.http_host}:{settings.http_port}: {error.strerror}")
    command.raise_file_limit()
    gc.freeze()
    gc.enable()
    server.serve(settings, http_socket, notifier)


if __name__ == "__main__":
    main()
