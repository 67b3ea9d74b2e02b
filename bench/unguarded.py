"""http-api without its edge (rate limits and security headers): the baseline for the cost of the edge."""

import os
from functools import partial

from fake_email import log
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier
from http_api.app import create_app
from http_api.edge.edge_counts import EdgeCounts
from http_api.serving import server
from http_api.serving.granian_socket import GranianSocket
from http_api.serving.watchdog import Watchdog
from http_api.serving.worker_numbers import WorkerNumbers


def main() -> None:
    """Serve until killed."""
    settings = load(os.environ, Settings)
    log.configure("warning")
    listener = GranianSocket(settings, os.environ)
    watchdog = Watchdog(Notifier({}), listener.address, settings.http_workers)
    numbers = WorkerNumbers(settings.http_workers, are_wanted=False)
    server.run(settings, listener, partial(create_app, settings, listener, watchdog, numbers, EdgeCounts()))


if __name__ == "__main__":
    main()
