"""http-api without its edge: no limits, no security headers; what it costs to have them is measured against this."""

import os
from functools import partial

from fake_email import log
from fake_email.settings import Settings, load
from fake_email.systemd import Notifier
from http_api.app import create_app
from http_api.serving import server
from http_api.serving.granian_socket import GranianSocket
from http_api.serving.watchdog import Watchdog


def main() -> None:
    """Serve until killed."""
    settings = load(os.environ, Settings)
    log.configure("warning")
    listener = GranianSocket(settings, os.environ)
    watchdog = Watchdog(Notifier({}), listener.address, settings.http_workers)
    server.run(settings, listener, partial(create_app, settings, listener, watchdog))


if __name__ == "__main__":
    main()
