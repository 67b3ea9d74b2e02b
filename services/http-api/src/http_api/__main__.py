"""`http-api`: the HTTP service."""

import gc
import os
import sys

from fake_email import command, log
from fake_email.errors import SettingsError
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier

# Granian brings its own allocator (jemalloc), which by default keeps 1 KB of unused memory for each open stream. It
# reads this variable when it is loaded, before any function here is called.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0")
# Imported modules stay in memory, and looking for garbage among them would take a fifth of the start.
gc.disable()

from http_api.serving import server  # noqa: E402  # after the two settings above
from http_api.serving.granian_socket import GranianSocket  # noqa: E402  # likewise


def main() -> None:
    """Exit status 0: stopped by a signal. 1: the port is taken, or a worker died. 2: a setting is wrong."""
    command.argument_parser(
        "http-api", "The HTTP service of fake-email; it reads its settings from the environment."
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
