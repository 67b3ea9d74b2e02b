"""`http-api`: the HTTP service."""

import gc
import os

# Granian brings its own allocator (jemalloc), which by default keeps 1 KB of unused memory for each open stream. It
# reads this variable when it is loaded, before any function here is called.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0")
# Imported modules stay in memory, and looking for garbage among them would take a fifth of the start.
gc.disable()

from fake_email import command
from fake_email.metrics import server as metrics_server
from fake_email.systemd import Notifier
from http_api.serving import server
from http_api.serving.granian_socket import GranianSocket


def main() -> None:
    """Exit status 0: stopped by a signal. 1: the port is taken, or a worker died. 2: a setting is wrong."""
    with command.starting("http-api", "The HTTP service of fake-email") as settings:
        notifier = Notifier(os.environ)
        http_socket = GranianSocket(settings, os.environ)
        metrics_socket = metrics_server.listening_socket(
            "HTTP", settings.metrics_host, settings.http_metrics_port, os.environ
        )
    command.raise_file_limit()
    gc.freeze()
    gc.enable()
    server.serve(settings, http_socket, notifier, metrics_socket)


if __name__ == "__main__":
    main()
