"""`smtp-ingest`: the SMTP daemon."""

import asyncio
import ctypes
import gc
import os
import sys

# Imported modules stay in memory, and looking for garbage among them would take a tenth of the start.
gc.disable()

import uvloop

from fake_email import command, systemd
from fake_email.metrics import server as metrics_server
from smtp_ingest import daemon
from smtp_ingest.starttls import Certificate

# A parser thread hands the interpreter back to the event loop after this time; CPython's 5 ms would delay each reply.
_SWITCH_SECONDS = 0.000_5
# mallopt(3): memory of this size or more has pages of its own, so that a message grows by moving pages. Otherwise, from
# the second large message on, glibc copies all that was received so far each time: 14 ms of the event loop for 20 MB.
_M_MMAP_THRESHOLD, _OWN_PAGES_OCTETS = -3, 2 * 1024 * 1024
# Once that is set, glibc would return less memory than this to the system again and again.
_M_TRIM_THRESHOLD, _KEPT_OCTETS = -1, 8 * 1024 * 1024


def give_large_messages_own_pages() -> None:
    """Keep the growth of a message cheap where the C library is glibc."""
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):
        c_library.mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES_OCTETS)
        c_library.mallopt(_M_TRIM_THRESHOLD, _KEPT_OCTETS)


def main() -> None:
    """Run the daemon. Exit status 0: stopped by a signal; 1: the port is in use; 2: a setting is invalid."""
    with command.starting("smtp-ingest", "The SMTP daemon of fake-email") as settings:
        certificate = None
        if settings.tls_cert_file and settings.tls_key_file:
            certificate = Certificate(settings.tls_cert_file, settings.tls_key_file)
        notifier = systemd.Notifier(os.environ)
        sockets = systemd.listeners(os.environ) or [
            command.bind("SMTP", settings.smtp_host, settings.smtp_port, backlog=daemon.BACKLOG)
        ]
        for each in sockets:
            each.set_inheritable(False)  # the process that checks senders would go on listening
        metrics_socket = metrics_server.listening_socket(
            "SMTP", settings.metrics_host, settings.smtp_metrics_port, os.environ
        )
    command.raise_file_limit()
    sys.setswitchinterval(_SWITCH_SECONDS)
    give_large_messages_own_pages()
    gc.freeze()  # Modules are never garbage, and each collection would scan them for tens of milliseconds.
    gc.enable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run(settings, certificate, daemon.Sockets(smtp=sockets, metrics=metrics_socket), notifier))


if __name__ == "__main__":
    main()
